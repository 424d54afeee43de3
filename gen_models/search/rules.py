"""What happens to the candidates of a search after each of its rungs, as pure functions."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gen_models.runs import Recipe
from gen_models.schedules import Schedule
from gen_models.sweep.space import Space

QUARTER = 4  # one in this many candidates is replaced, one in this many is copied


class Candidate(NamedTuple):
    """One run of a search."""

    name: str  # its place, with @STEP if it replaced another candidate at STEP
    recipe: Recipe  # options of the run, whose steps are those of a whole training
    parent: str | None = None  # name of the candidate that it was copied from


Scores = Mapping[str, float]  # by name of the candidate; lower is better, infinity is a divergence


class Rung(NamedTuple):
    """One rung of a search, after its candidates have been measured."""

    step: int  # steps that the candidates have done
    candidates: tuple[Candidate, ...]
    scores: Scores

    @property
    def ranked(self) -> list[Candidate]:
        """The candidates, best first; ties keep their order."""
        return sorted(self.candidates, key=lambda candidate: self.scores[candidate.name])


class Rule(NamedTuple):
    """A way to search.

    name   as the command takes it
    rungs  steps of a whole training, number of rungs -> the steps of each rung; the last has all
    begin  candidates, steps of the rungs, Space -> the candidates at the start
    after  Rung, Space, random numbers -> the candidates of the next rung
    """

    name: str
    rungs: Callable[[int, int], list[int]]
    begin: Callable[[Sequence[Candidate], Sequence[int], Space], list[Candidate]]
    after: Callable[[Rung, Space, np.random.Generator], list[Candidate]]


def doubling_steps(steps: int, rungs: int) -> list[int]:
    """Steps of rungs, each twice those of the one before."""
    return sorted({max(1, math.ceil(steps / 2**i)) for i in range(rungs)})


def better_half(rung: Rung, space: Space, rng: np.random.Generator) -> list[Candidate]:
    """The better half of the candidates, in their order (successive halving: Jamieson & Talwalkar
    2016, fig. 2)."""
    del space, rng
    kept = {candidate.name for candidate in rung.ranked[: math.ceil(len(rung.candidates) / 2)]}
    return [candidate for candidate in rung.candidates if candidate.name in kept]


def even_steps(steps: int, rungs: int) -> list[int]:
    """Steps of rungs at equal distances."""
    return sorted({max(1, round(steps * (i + 1) / rungs)) for i in range(rungs)})


def with_schedules(
    candidates: Sequence[Candidate], steps: Sequence[int], space: Space
) -> list[Candidate]:
    """The candidates with a schedule for every number that varies, with a point for each rung, so
    that later changes of the numbers change no program."""
    points = (0, *steps[:-1])

    def constant(value: float) -> Schedule:
        return Schedule(points, (float(value),) * len(points))

    return [
        candidate._replace(
            recipe=candidate.recipe.with_values(
                {name: constant(getattr(candidate.recipe.config, name)) for name in space.ranges},
            )
        )
        for candidate in candidates
    ]


def exploit(rung: Rung, space: Space, rng: np.random.Generator) -> list[Candidate]:
    """The candidates with the worst quarter replaced by copies of candidates in the best quarter,
    with perturbed numbers from here on (population-based training: Jaderberg et al. 2017, algorithm
    1).

    A copy keeps its parent's seed: it is the run that its parent would be with other numbers.
    """
    ranked = rung.ranked
    count = len(ranked) // QUARTER or len(ranked) // 2
    parents = [best for best in ranked[:count] if math.isfinite(rung.scores[best.name])]
    losers = {worst.name for worst in ranked[len(ranked) - count :]} if parents else set()
    return [
        _copy(candidate, parents[int(rng.integers(len(parents)))], rung.step, space, rng)
        if candidate.name in losers
        else candidate
        for candidate in rung.candidates
    ]


def _copy(
    loser: Candidate, parent: Candidate, step: int, space: Space, rng: np.random.Generator
) -> Candidate:
    """Copy of the parent in the loser's place, with perturbed numbers from `step` on."""
    schedules: dict[str, Schedule] = {
        name: getattr(parent.recipe.config, name) for name in space.ranges
    }
    newest = {name: schedule.values[-1] for name, schedule in schedules.items()}
    perturbed = space.perturb(rng, newest)
    changed = {}
    for name, schedule in schedules.items():
        pairs = zip(schedule.steps, schedule.values, strict=True)
        values = tuple(perturbed[name] if start >= step else value for start, value in pairs)
        changed[name] = Schedule(schedule.steps, values)
    recipe = parent.recipe.with_values(changed)
    return Candidate(f"{loser.name.partition('@')[0]}@{step}", recipe, parent.name)


def with_short_schedules(recipe: Recipe, space: Space) -> Recipe:
    """The recipe with each schedule as short as it can be: a number if it never changed."""
    values = {name: getattr(recipe.config, name) for name in space.ranges}
    return recipe.with_values({name: _short_schedule(value) for name, value in values.items()})


def _short_schedule(value: float | Schedule) -> float | Schedule:
    if not isinstance(value, Schedule):
        return value
    pairs = list(zip(value.steps, value.values, strict=True))
    points = [pairs[0], *(new for old, new in itertools.pairwise(pairs) if old[1] != new[1])]
    steps, values = zip(*points, strict=True)
    return Schedule(steps, values) if len(points) > 1 else values[0]


def _unchanged(
    candidates: Sequence[Candidate], steps: Sequence[int], space: Space
) -> list[Candidate]:
    del steps, space
    return list(candidates)


RULES = {
    rule.name: rule
    for rule in (
        Rule("halving", doubling_steps, _unchanged, better_half),
        Rule("evolution", even_steps, with_schedules, exploit),
    )
}
