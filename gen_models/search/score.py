"""The score of a state in a search: a few measures of a few thousand samples, weighted."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from gen_models import assessment, runs
from gen_models.evaluation import frechet, measure
from gen_models.evaluation.evaluator import Evaluator
from gen_models.evaluation.frechet import Gaussian
from gen_models.evaluation.measure import MEASURES
from gen_models.evaluation.protocol import SPACES
from gen_models.fields import ConfigError, nearest
from gen_models.runs import Run
from gen_models.storage import json_files

Measures = Mapping[str, float]  # values by their names in MEASURES
ByDecay = Mapping[float | None, Measures]  # measures by decay of a run's averages; None: its own
FIDS = {f"fid{suffix}": space for space, suffix in SPACES.items()}
# Measures that need nothing but samples of any model.
MEASURED = [
    name
    for name, measure in MEASURES.items()
    if measure.space and not name.startswith(("fid_reweighted", "fd_infinity"))
] + ["class_gap"]


class ScoreTerm(NamedTuple):
    """One measure of a score."""

    name: str  # name in MEASURES
    weight: float  # factor of the measure in the score


def terms(texts: Sequence[str]) -> tuple[ScoreTerm, ...]:
    """The terms of texts NAME or NAME:WEIGHT. Raises ConfigError."""
    parsed = []
    for text in texts:
        name, colon, weight = text.partition(":")
        if name not in MEASURED:
            raise ConfigError(f"score is {text!r}; no such measure: {nearest(name, MEASURED)}")
        try:
            term = ScoreTerm(name, float(weight) if colon else 1.0)
        except ValueError as error:
            raise ConfigError(f"score is {text!r}, expected NAME or NAME:WEIGHT") from error
        if not math.isfinite(term.weight):
            raise ConfigError(f"score is {text!r}, expected a finite weight")
        parsed.append(term)
    if not parsed or len({term.name for term in parsed}) < len(parsed):
        raise ConfigError(f"score is {list(texts)}, expected one or more different measures")
    return tuple(parsed)


class BestAverage(NamedTuple):
    """The average of a run's weights that has the lowest score."""

    score: float
    decay: float | None  # None: the run's own


class Scorer:
    """Scores of runs, kept in their folders. A run that keeps several averages of its weights has
    the score of the best."""

    def __init__(self, evaluator: Evaluator, terms: Sequence[ScoreTerm], samples: int) -> None:
        self.evaluator, self.terms, self.samples = evaluator, terms, samples

    @property
    def protocol(self) -> str:
        """The protocol of the measures, as text."""
        return str(self.evaluator.protocol(self.samples))

    def path(self, folder: Path, step: int) -> Path:
        """The file of a run's measures at a step."""
        return folder / f"score_{step:08d}.json"

    def read(self, folder: Path, step: int) -> ByDecay | None:
        """The measures of a run at a step, if they were made under this protocol."""
        try:
            values = json_files.read(self.path(folder, step))
            rows = values.get("averages") or [{"ema_decay": None, "measures": values["measures"]}]
            by_decay = {row["ema_decay"]: self._parse(row["measures"]) for row in rows}
        except json_files.DAMAGES:
            return None
        return by_decay if values.get("protocol") == self.protocol else None

    def _parse(self, values: Mapping[str, float | None]) -> dict[str, float]:
        measures = {term.name: values[term.name] for term in self.terms}
        return {name: math.inf if x is None else float(x) for name, x in measures.items()}

    def measure(self, folder: Path, step: int) -> ByDecay:
        """Measures of a run's newest state, at `step`, computed now if there are none."""
        by_decay = self.read(folder, step)
        if by_decay is None:
            run = runs.load(folder)
            by_decay = {x: self._compute(run, x) for x in (None, *run.recipe.config.ema_decays)}
            rows = [
                {
                    "ema_decay": decay,
                    "measures": {n: x if math.isfinite(x) else None for n, x in measures.items()},
                }
                for decay, measures in by_decay.items()
            ]
            values = {"protocol": self.protocol, "averages": rows}
            json_files.write(self.path(folder, step), values, indent=None)
        return by_decay

    def _compute(self, run: Run, ema_decay: float | None) -> Measures:
        described = assessment.describe_run(run, self.evaluator, self.samples, ema_decay)
        measures = {
            name: frechet.distance(
                frechet.gaussian(described.features[space]), self.reference[space]
            )
            for name, space in FIDS.items()
        }
        if {term.name for term in self.terms} - measures.keys():
            every = measure.measure(described, self.evaluator.reference)
            measures |= {name: estimate.value for name, estimate in every.items()}
            lacking = sorted({term.name for term in self.terms} - measures.keys())
            if lacking:
                raise ConfigError(
                    f"there are too few images for {', '.join(lacking)}; choose other measures in "
                    "--score"
                )
        return {name: float(value) for name, value in measures.items()}

    @cached_property
    def reference(self) -> dict[str, Gaussian]:
        """The Gaussians of the reference, by space."""
        features = self.evaluator.reference.features
        return {space: frechet.gaussian(array) for space, array in features.items()}

    @cached_property
    def real(self) -> dict[str, float]:
        """The measures of real images, as many as there are samples."""
        floor: Mapping[str, Sequence[Any]] = self.evaluator.floor(self.samples)
        return {name: float(estimate[0]) for name, estimate in floor.items()}

    def best(self, by_decay: ByDecay) -> BestAverage:
        """The lowest score of the averages, and the decay of that average."""
        scores = {decay: self.score(measures) for decay, measures in by_decay.items()}
        decay = min(scores, key=scores.__getitem__)
        return BestAverage(scores[decay], decay)

    def score(self, measures: Measures) -> float:
        """Weighted sum of the terms; lower is better. A measure whose higher values are better
        counts negatively; one that should equal real images' value counts by its distance from
        it."""
        total = 0.0
        for name, weight in self.terms:
            better, value = MEASURES[name].better, measures[name]
            if better == "real":
                value = abs(value - self.real[name])
            total += weight * (-value if better == "higher" else value)
        return total if math.isfinite(total) else math.inf
