"""Tests of the measures: whether they see what is known to be wrong with images."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from gen_models import render
from gen_models.evaluation import record
from gen_models.evaluation.degradations import DEGRADATIONS, SEED, Degradation, Source
from gen_models.evaluation.evaluator import Evaluator
from gen_models.evaluation.measure import MEASURES, Estimate, mean, measure
from gen_models.evaluation.record import CONFIDENCE


class Reading(NamedTuple):
    """The measures of one set of images."""

    degradation: str  # name in DEGRADATIONS
    amount: float  # 0 for the images before they were made worse
    measures: dict[str, Estimate]  # by name in MEASURES


def readings(
    evaluator: Evaluator, samples: int, chosen: Sequence[str], *, cas: bool, report: Callable
) -> Iterator[Reading]:
    """The measures of `samples` real images before and after each degradation of `chosen`. `report`
    is called with the title of each set."""
    untouched: dict[str, dict[str, Estimate]] = {}
    for name in chosen:
        degradation = DEGRADATIONS[name]
        source = _source(evaluator, degradation.in_real, samples)
        scored = cas and "classification_score" in degradation.seen_by
        kind = f"{degradation.in_real} {scored}"
        if kind not in untouched:
            report(f"{len(source.labels)} images of {degradation.in_real}, as they are")
            untouched[kind] = _measured(evaluator, degradation, *source[:2], cas=scored)
        yield Reading(name, 0.0, untouched[kind])
        for amount in degradation.amounts:
            report(degradation.title.format(amount))
            worse = degradation.worsen(source, amount)
            yield Reading(name, amount, _measured(evaluator, degradation, *worse, cas=scored))


def _source(evaluator: Evaluator, split: str, samples: int) -> Source:
    """A random choice of the images of a split."""
    train, data = evaluator.splits.train, getattr(evaluator.splits, split)
    rng = np.random.Generator(np.random.Philox(SEED))
    rows = rng.permutation(len(data.labels))[:samples]
    return Source(data.images[rows], data.labels[rows], train)


def _measured(
    evaluator: Evaluator,
    degradation: Degradation,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    cas: bool,
) -> dict[str, Estimate]:
    """All measures of images, or only the copies if those are what is looked for."""
    described = evaluator.describe(images, labels)
    if degradation.in_real == "test":  # the reference itself: other measures would be perfect
        score = evaluator.memorisation(described, images).authenticity
        return {} if score is None else {"authenticity": Estimate(*score[:2])}
    found = measure(described._replace(labels=None), evaluator.reference)
    found["label_accuracy"] = mean(described.predicted == labels)
    if cas:
        score = evaluator.classification_score(images, labels)
        found["classification_score"] = Estimate(*score[:2])
    return found


def sees(name: str, values: Sequence[Estimate]) -> bool:
    """Whether a measure, from the untouched images to the worst, never turns better again, and
    differs from the untouched images each time by more than the 95 % interval."""
    before, *worse = (_badness(name, value, values[0]) for value in values)
    steps = np.diff([before, *worse])
    errors = [np.hypot(value.error or 0, values[0].error or 0) for value in values[1:]]
    clear = np.array(worse) - before > CONFIDENCE * np.array(errors)
    return bool(np.all(steps >= 0) and np.all(clear))


def _badness(name: str, value: Estimate, before: Estimate) -> float:
    """A number that grows as the measure gets worse."""
    better = MEASURES[name].better
    if better == "real":
        return abs(value.value - before.value)
    return value.value if better == "lower" else -value.value


def verdicts(found: Sequence[Reading]) -> dict[str, dict[str, bool]]:
    """For each degradation whether each measure sees it, by their names."""
    result: dict[str, dict[str, bool]] = {}
    for name in dict.fromkeys(reading.degradation for reading in found):
        rows = [reading.measures for reading in found if reading.degradation == name]
        names = [n for n in MEASURES if all(n in row for row in rows)]
        result[name] = {n: sees(n, [row[n] for row in rows]) for n in names}
    return result


def page(protocol: str, found: Sequence[Reading]) -> str:
    """The readings of one data set as Markdown: which measure sees what, then all values."""
    seen = verdicts(found)
    names = [name for name in MEASURES if any(name in row for row in seen.values())]
    rows = [["", *(MEASURES[name].title for name in names)]]
    for degradation, row in seen.items():
        claimed = DEGRADATIONS[degradation].seen_by
        cells = [_mark(row.get(name), claimed=name in claimed) for name in names]
        rows.append([degradation, *cells])
    values = [["images", *rows[0][1:]]]
    for reading in found:
        title = DEGRADATIONS[reading.degradation].title.format(reading.amount)
        cells = [
            record.with_interval(*reading.measures[name], MEASURES[name].digits)
            if name in reading.measures
            else "–"
            for name in names
        ]
        values.append([title if reading.amount else "**as they are**", *cells])
    return (
        f"{protocol}\n\n{render.markdown_table(rows)}\n"
        f"Values (± 95 %):\n\n{render.markdown_table(values)}"
    )


def _mark(seen: bool | None, *, claimed: bool) -> str:
    """A verdict as text; in bold where the measure claims to see the degradation."""
    text = {None: "–", True: "sees", False: "blind" if claimed else "·"}[seen]
    return f"**{text}**" if claimed and seen is not None else text


def to_json(found: Sequence[Reading]) -> list[dict[str, Any]]:
    """The readings, for JSON."""
    return [
        reading._asdict()
        | {"measures": {name: list(value) for name, value in reading.measures.items()}}
        for reading in found
    ]


def from_json(rows: Sequence[dict[str, Any]]) -> list[Reading]:
    """The inverse of `to_json`. Raises KeyError and TypeError for other values."""
    return [
        Reading(
            row["degradation"],
            row["amount"],
            {name: Estimate(*value) for name, value in row["measures"].items()},
        )
        for row in rows
    ]
