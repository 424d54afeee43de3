"""Tests of the measures: whether they detect known degradations of images."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from gen_models import render
from gen_models.evaluation import record
from gen_models.evaluation.degradations import DEGRADATIONS, SEED, Degradation, RealImages
from gen_models.evaluation.evaluator import Evaluator
from gen_models.evaluation.measure import MEASURES, Estimate, mean, measure
from gen_models.evaluation.protocol import SPACES
from gen_models.evaluation.record import CONFIDENCE


class Reading(NamedTuple):
    """The measures of one set of images."""

    degradation: str  # name in DEGRADATIONS
    amount: float  # 0 for the images before they were made worse
    measures: dict[str, Estimate]  # by name in MEASURES


def take_readings(
    evaluator: Evaluator, samples: int, names: Sequence[str], *, cas: bool, report: Callable
) -> Iterator[Reading]:
    """The measures of `samples` real images before and after each of the degradations called
    `names`. `report` is called with the title of each set."""
    untouched: dict[str, dict[str, Estimate]] = {}
    for name in names:
        degradation = DEGRADATIONS[name]
        source = _random_images(evaluator, degradation.in_real, samples)
        scored = cas and "classification_score" in degradation.seen_by
        kind = f"{degradation.in_real} {scored}"
        if kind not in untouched:
            report(f"{len(source.labels)} images of {degradation.in_real}, as they are")
            before = source.images, source.labels
            untouched[kind] = _measure(evaluator, degradation, *before, cas=scored)
        yield Reading(name, 0.0, untouched[kind])
        for amount in degradation.amounts:
            report(degradation.title.format(amount))
            worse = degradation.worsen(source, amount)
            yield Reading(name, amount, _measure(evaluator, degradation, *worse, cas=scored))


def _random_images(evaluator: Evaluator, split: str, samples: int) -> RealImages:
    """At most `samples` random images of a split."""
    train, data = evaluator.splits.train, getattr(evaluator.splits, split)
    rng = np.random.Generator(np.random.Philox(SEED))
    rows = rng.permutation(len(data.labels))[:samples]
    return RealImages(data.images[rows], data.labels[rows], train)


def _measure(
    evaluator: Evaluator,
    degradation: Degradation,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    cas: bool,
) -> dict[str, Estimate]:
    """All measures of images, or authenticity alone for a degradation of test images."""
    described = evaluator.describe(images, labels)
    if degradation.in_real == "test":  # the reference itself: other measures would be perfect
        score = evaluator.memorisation(described, images).authenticity
        return {} if score is None else {"authenticity": Estimate(score.value, score.error)}
    estimates = measure(described._replace(labels=None), evaluator.reference)
    estimates["label_accuracy"] = mean(described.predicted == labels)
    if cas:
        score = evaluator.classification_score(images, labels)
        estimates["classification_score"] = Estimate(score.value, score.error)
    return estimates


def sees(name: str, values: Sequence[Estimate]) -> bool:
    """Whether a measure sees a degradation: with growing amounts it never improves by more than the
    95 % interval, and it is always worse than for the untouched images by more than that."""
    badness = [_badness(name, value, values[0]) for value in values]
    chance = lambda a, b: CONFIDENCE * np.hypot(a.error or 0, b.error or 0)
    better, worst = False, 0
    for index, bad in enumerate(badness):
        better |= bool(bad < badness[worst] - chance(values[index], values[worst]))
        worst = index if bad > badness[worst] else worst
    clear = [
        bad - badness[0] > chance(value, values[0])
        for bad, value in zip(badness[1:], values[1:], strict=True)
    ]
    return not better and all(clear)


def _badness(name: str, value: Estimate, before: Estimate) -> float:
    """A number that grows as the measure gets worse."""
    better = MEASURES[name].better
    if better == "real":
        return abs(value.value - before.value)
    return value.value if better == "lower" else -value.value


def verdicts(readings: Sequence[Reading]) -> dict[str, dict[str, bool]]:
    """Whether each measure with a known error sees each degradation, by degradation and measure."""
    seen: dict[str, dict[str, bool]] = {}
    for degradation in dict.fromkeys(reading.degradation for reading in readings):
        rows = [reading.measures for reading in readings if reading.degradation == degradation]
        with_error = [{n for n, value in row.items() if value.error is not None} for row in rows]
        names = [name for name in MEASURES if all(name in row for row in with_error)]
        seen[degradation] = {name: sees(name, [row[name] for row in rows]) for name in names}
    return seen


def page(protocol: str, readings: Sequence[Reading]) -> str:
    """The readings of one data set as Markdown: which measure sees what, then all values."""
    seen = verdicts(readings)
    names = [name for name in MEASURES if any(name in reading.measures for reading in readings)]
    rows = [["", *seen]]
    for name in (n for n in names if any(n in row for row in seen.values())):
        cells = [
            _mark(row.get(name), claimed=name in DEGRADATIONS[degradation].seen_by)
            for degradation, row in seen.items()
        ]
        rows.append([MEASURES[name].title, *cells])
    parts = [f"{protocol}\n", render.markdown_table(rows)]
    for space in (*SPACES, None):
        of_space = [name for name in names if MEASURES[name].space == space]
        title = f"{space.capitalize()} features" if space else "Labels and copies"
        if of_space:
            parts.append(f"{title} (± 95 %):\n\n{_values(readings, of_space)}")
    return "\n".join(parts)


def _values(readings: Sequence[Reading], names: Sequence[str]) -> str:
    """Table of some measures, one row per set of images, untouched images once per split."""
    rows, untouched = [["images", *(MEASURES[name].title for name in names)]], set()
    for reading in readings:
        degradation = DEGRADATIONS[reading.degradation]
        if not any(name in reading.measures for name in names):
            continue
        title = degradation.title.format(reading.amount)
        if not reading.amount:
            if degradation.in_real in untouched:
                continue
            untouched.add(degradation.in_real)
            title = f"**{degradation.in_real} images as they are**"
        rows.append([title, *(_value(reading, name) for name in names)])
    return render.markdown_table(rows)


def _value(reading: Reading, name: str) -> str:
    if name not in reading.measures:
        return "–"
    return record.with_interval(*reading.measures[name], MEASURES[name].digits)


def _mark(seen: bool | None, *, claimed: bool) -> str:
    """A verdict as text; in bold where the measure claims to see the degradation."""
    text = {None: "–", True: "sees", False: "blind" if claimed else "·"}[seen]
    return f"**{text}**" if claimed and seen is not None else text


def to_json(readings: Sequence[Reading]) -> list[dict[str, Any]]:
    """The readings, for JSON."""
    return [
        reading._asdict()
        | {"measures": {name: list(value) for name, value in reading.measures.items()}}
        for reading in readings
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
