"""The file evaluation.json: the measures of one subject, and the protocol."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gen_models import fields
from gen_models.errors import UserError
from gen_models.evaluation.measure import MEASURES, Score
from gen_models.evaluation.protocol import Protocol, common
from gen_models.render import markdown_table
from gen_models.storage import json_files

FORMAT, VERSION = "gen_models.evaluation", 2
NAME = "evaluation.json"
LARGEST = 1e300  # bound of a measure; a larger number is damage
CONFIDENCE = 1.96  # standard errors in half of a 95 % interval
HEADLINE = "fid", "fid_classifier", "precision", "recall", "coverage"  # measures shown in one line
PARTS = {  # titles of the parts of the likelihood, nats per image
    "elbo": "ELBO, nats",
    "likelihood": "  E log p(x|z)",
    "ceiling": "  which is at most",
    "kl": "  KL(q‖p)",
    "importance_weighted": "IWAE bound, nats",
}


class RecordError(UserError):
    """A file that is missing or is no evaluation."""


class Evaluation(NamedTuple):
    """One evaluation of a run, a model or a set of images."""

    subject: dict[str, Any]  # description of what was evaluated: name, model, seed, step, …
    protocol: Protocol  # protocol of the measures
    measures: dict[str, Score]  # scores by name in MEASURES
    likelihood: dict[str, Any]  # bounds in nats; {} for models without a likelihood
    details: dict[str, Any]  # further results: per_class, memorisation

    def __repr__(self) -> str:
        scores = {name: x for name, x in summarise([self]).items() if name in HEADLINE}
        shown = (f"{MEASURES[name].title} {summary_text(name, x)}" for name, x in scores.items())
        return f"<Evaluation {self.subject['name']}: {', '.join(shown)}; {self.protocol}>"

    def _repr_markdown_(self) -> str:
        """The table that a notebook shows."""
        return f"{markdown_table(table([self]))}\n{self.protocol}; (±) 95 % of this evaluation\n"


class Summary(NamedTuple):
    """A measure over one or more runs that differ only in their seed.

    The interval is that of the mean over several seeds or, for one run, that of its evaluation,
    which does not include the variation between trainings.
    """

    value: float  # mean over the runs
    interval: float | None  # half of the 95 % interval, if known
    floor: float | None  # the measure of real images, if known
    seeds: int  # number of runs


def common_protocol(evaluations: Sequence[Evaluation]) -> Protocol:
    """The common protocol of all evaluations. Raises ProtocolError if they differ."""
    return common([(evaluation.subject["name"], evaluation.protocol) for evaluation in evaluations])


def to_dict(evaluation: Evaluation) -> dict[str, Any]:
    """The JSON object of an evaluation."""
    values = evaluation._asdict() | {
        "protocol": evaluation.protocol.to_dict(),
        "measures": {name: score._asdict() for name, score in evaluation.measures.items()},
    }
    return {"format": FORMAT, "version": VERSION, **values}


def from_dict(values: object) -> Evaluation:
    """The inverse of `to_dict`. Raises one of `json_files.DAMAGES` for other values."""
    if not isinstance(values, dict):
        raise ValueError("expected a JSON object")
    values = dict(values)
    head = {name: values.pop(name) for name in ("format", "version")}
    if repr(head) != repr({"format": FORMAT, "version": VERSION}):
        raise ValueError(
            f"expected format {FORMAT!r} version {VERSION}; version 1 has measures in one space of "
            "features, which compare with no others"
        )
    if values["protocol"].keys() != Protocol.__dataclass_fields__.keys():
        raise ValueError("its protocol is not whole")
    protocol = fields.from_dict(Protocol, values.pop("protocol"))
    evaluation = Evaluation(protocol=protocol, **values)
    subject, measures = evaluation.subject, evaluation.measures
    for part in (subject, measures, evaluation.likelihood, evaluation.details):
        if not isinstance(part, dict):
            raise ValueError("a part of it is no JSON object")
    if not isinstance(subject.get("name"), str):
        raise ValueError("its subject has no name")
    scores = {name: _parse_score(name, row) for name, row in measures.items() if name in MEASURES}
    return evaluation._replace(measures=scores)


def write(path: Path, evaluation: Evaluation) -> None:
    """Write an evaluation as evaluation.json. Raises UserError."""
    json_files.write(path, to_dict(evaluation), indent=2)


def file_name(ema_decay: float | None) -> str:
    """Name of the file with the evaluation of a run, or of its average with another decay, if
    `ema_decay` is given."""
    return NAME if ema_decay is None else f"evaluation-ema-{ema_decay}.json"


def read(path: Path) -> Evaluation:
    """Read an evaluation that `write` wrote. Raises RecordError for any other file."""
    try:
        return from_dict(json_files.read(path))
    except FileNotFoundError as error:
        raise RecordError(
            f"{path} is not there; make it with python -m experiments.evaluate {path.parent}"
        ) from error
    except json_files.DAMAGES as error:
        raise RecordError(f"{path} is no evaluation: {error!s:.200}; evaluate again") from error


def _parse_score(name: str, row: dict[str, Any]) -> Score:
    """The score in a JSON object. Raises ValueError unless its value is finite, and each other
    number finite or None."""
    if row.keys() != set(Score._fields):
        raise ValueError(f"{name} lacks its value, error or floor")
    for field, number in row.items():
        absent = number is None and field != "value"
        real = isinstance(number, int | float) and not isinstance(number, bool)
        if not absent and not (real and abs(number) < LARGEST):
            raise ValueError(f"the {field} of {name} is no number")
    return Score(**row)


def summarise(evaluations: Sequence[Evaluation]) -> dict[str, Summary]:
    """Each measure over runs that differ only in their seed. Raises ProtocolError for mixed
    protocols."""
    common_protocol(evaluations)
    names = [name for name in MEASURES if all(name in e.measures for e in evaluations)]
    return {name: _summary([e.measures[name] for e in evaluations]) for name in names}


def _summary(scores: list[Score]) -> Summary:
    half = interval([score.value for score in scores], scores[0].error)
    value = float(np.mean([score.value for score in scores]))
    return Summary(value, half, scores[0].floor, len(scores))


def interval(values: Sequence[float], error: float | None = None) -> float | None:
    """Half of the 95 % interval of the mean of values, one per seed; for a single value, from its
    standard error, or None if that is unknown."""
    if len(values) > 1:
        spread = np.std(values, ddof=1) / math.sqrt(len(values))
        return float(student_quantile(len(values)) * spread)
    return None if error is None else CONFIDENCE * error


def student_quantile(count: int) -> float:
    """The 97.5 % quantile of Student's t with count - 1 degrees of freedom."""
    from scipy.stats import t  # slow to import

    return float(t.ppf(0.975, count - 1))


def summary_text(name: str, summary: Summary) -> str:
    """A summary as text: "12.3 ± 0.4" over seeds, "12.3 (± 0.4)" for one evaluation."""
    return _text(summary.value, summary.interval, MEASURES[name].digits, seeds=summary.seeds)


def floor_text(name: str, summaries: Sequence[dict[str, Summary]]) -> str:
    """The score of real images as text."""
    floors = (summary[name].floor for summary in summaries if name in summary)
    value = next((floor for floor in floors if floor is not None), None)
    return "–" if value is None else f"{value:.{MEASURES[name].digits}f}"


def rows(headings: Sequence[str], summaries: Sequence[dict[str, Summary]]) -> list[list[str]]:
    """Cells of a table: one row per measure, one column per summary, real images last."""
    lines = [["", *headings, "real images"]]
    for name, measure in MEASURES.items():
        if any(name in summary for summary in summaries):
            cells = [summary_text(name, s[name]) if name in s else "–" for s in summaries]
            lines.append([measure.title, *cells, floor_text(name, summaries)])
    return lines


def table(evaluations: Sequence[Evaluation]) -> list[list[str]]:
    """Cells of the measures with 95 % intervals; columns: subjects, real images."""
    headings = [evaluation.subject["name"] for evaluation in evaluations]
    lines = rows(headings, [summarise([e]) for e in evaluations])
    bounds = [e.likelihood for e in evaluations]
    if any(bounds):
        for part, title in PARTS.items():
            cells = [with_interval(**x[part], digits=2) if x else "–" for x in bounds]
            lines.append([title, *cells, "–"])
        cells = [f"{x['images']}, k = {x['draws']}" if x else "–" for x in bounds]
        lines.append(["  test images, draws", *cells, "–"])
    return lines


def omissions(evaluation: Evaluation) -> list[str]:
    """A line for each need of a measure that the data did not meet."""
    scores, lacking = evaluation.measures, {}
    for name, measure in MEASURES.items():
        if measure.needs and (name not in scores or scores[name].floor is None):
            where = measure.title + (" of real images" if name in scores else "")
            lacking.setdefault(measure.needs, []).append(where)
    return [f"left out: {', '.join(titles)}; needs {needs}" for needs, titles in lacking.items()]


def warnings(evaluation: Evaluation) -> list[str]:
    """A line if the authenticity differs from that of real images by more than chance, or []."""
    score = evaluation.measures.get("authenticity")
    if score is None or score.floor is None:
        return []
    chance = CONFIDENCE * math.hypot(score.error or 0, score.floor_error or 0)
    if abs(score.value - score.floor) <= chance:
        return []
    side, cause = (
        ("below", "some are near-copies of training images")
        if score.value < score.floor
        else ("above", "some are far from all real images, as blurred ones are")
    )
    name = evaluation.subject["name"]
    return [
        f"{name}: the authenticity {score.value:.3f} of its samples is {side} that of real images, "
        f"{score.floor:.3f}: {cause}"
    ]


def bound_text(parts: Sequence[dict[str, float]]) -> str:
    """A part of the likelihood over runs that differ only in their seed, as text."""
    values = [part["value"] for part in parts]
    half = interval(values, parts[0]["error"])
    return _text(float(np.mean(values)), half, 2, seeds=len(values))


def with_interval(value: float, error: float | None, digits: int) -> str:
    """A number of one evaluation with the 95 % interval of its standard error, as text."""
    return _text(value, None if error is None else CONFIDENCE * error, digits, seeds=1)


def _text(value: float, interval: float | None, digits: int, *, seeds: int) -> str:
    text = f"{value:.{digits}f}"
    if interval is None:
        return text
    return f"{text} ± {interval:.{digits}f}" if seeds > 1 else f"{text} (± {interval:.{digits}f})"
