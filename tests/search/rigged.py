"""Searches whose score is a known function of the options. As a program: on several devices."""

import json
import math
import sys
from pathlib import Path

from populations import make_members

from gen_models import runs
from gen_models.schedules import Schedule
from gen_models.search import candidates, rules
from gen_models.search.execution import Search
from gen_models.search.rules import RULES
from gen_models.search.score import Scorer, ScoreTerm

TARGET, BEST_DECAY = 1e-3, 0.9  # the best step size and average
GIVEN = {"learning_rate": (1e-4, 1e-2), "beta": (0.5, 2.0)}


class Rigged(Scorer):
    """The distance of a run's step size, where it is now, from the best one, and so little of its
    last loss that it decides nothing, but shows whether the training was the same to the bit."""

    def __init__(self) -> None:
        super().__init__(None, (ScoreTerm("fid", 1.0),), 100)

    @property
    def protocol(self) -> str:
        return "rigged"

    def _compute(self, run: runs.Run, ema_decay: float | None) -> dict[str, float]:
        config = run.recipe.config
        decay = config.ema_decay if ema_decay is None else ema_decay
        worse = abs(decay - BEST_DECAY) if config.ema_decays else 0.0
        return {"fid": distance(config.learning_rate) + worse + 1e-7 * run.metrics()["loss"][-1]}


def distance(rate: float | Schedule) -> float:
    rate = rate.values[-1] if isinstance(rate, Schedule) else rate
    return abs(math.log(rate / TARGET))


def search(
    folder: Path, tiny, rule: str, members=8, steps=8, rungs=4, devices=1, **options
) -> Search:
    """A search over step sizes and betas of a tiny vae."""
    every = {"sample_every_steps": steps, "checkpoint_every_steps": steps}
    (base,) = make_members(1, steps=steps, **every, **options)
    space = candidates.space("vae", GIVEN)
    begun = candidates.draw(base, GIVEN, space, members)
    steps_of = RULES[rule].rungs(steps, rungs)
    return Search(
        rule=RULES[rule],
        space=space,
        candidates=tuple(RULES[rule].begin(begun, steps_of, space)),
        rungs=tuple(steps_of),
        seed=3,
        devices=devices,
        per_device=16,
        out=folder,
        command="search",
        splits=tiny,
        scorer=Rigged(),
    )


def conduct(work: Search, should_stop=lambda: False) -> list[rules.Rung]:
    work.prepare()
    return work.conduct(should_stop, report=lambda _: None)


def decisions(rungs) -> list:
    """Everything that was decided, as JSON."""
    options = lambda candidate: candidate.recipe.to_flat() | {"out": None}
    return [[rung.step, [*map(options, rung.candidates)], rung.scores] for rung in rungs]


if __name__ == "__main__":
    from conftest import make_split

    from gen_models.data.catalog import Splits

    tiny = Splits(make_split(0, 70), make_split(1, 20))
    devices = int(sys.argv[2])
    for rule in RULES:
        work = search(Path(sys.argv[1], rule), tiny, rule, devices=devices)
        print(json.dumps([rule, decisions(conduct(work))]))
