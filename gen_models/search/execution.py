"""The conduct of a search: candidates are trained from rung to rung, scored, stopped or replaced.

Every candidate is a run with a folder of its own. Its fate follows from the scores in these
folders, so a search that was killed at any point continues from there, on any number of devices.
Several processes each train a part of the candidates, and wait for each other at the rungs.
"""

import contextlib
import itertools
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import numpy as np

from gen_models import runs
from gen_models.data.catalog import Splits
from gen_models.errors import UserError
from gen_models.runs import Recipe, Run
from gen_models.runs import folder as run_folder
from gen_models.search.rules import Candidate, Rule, Rung
from gen_models.search.score import Measures, Scorer
from gen_models.sweep.folder import claim
from gen_models.sweep.plan import Plan
from gen_models.sweep.space import Space
from gen_models.training import together

WAIT_S = 1.0  # between checks on other processes
CANDIDATES = "candidates"
# Index of the rung, number of its candidates, previous rung, steps that they have just trained.
Watch = Callable[[int, int, Rung | None, int], None]


@dataclass(frozen=True)
class Search:
    """A search and its folder, in one of the processes that conduct it."""

    rule: Rule
    space: Space
    candidates: tuple[Candidate, ...]  # candidates at the start
    rungs: tuple[int, ...]  # steps at which all are scored; the last are a whole training
    seed: int  # seed of the rule's random choices
    devices: int  # number of devices of all processes
    per_device: int  # largest number of candidates on a device at a time
    out: Path
    command: str  # command line that continues the search
    splits: Splits  # data of all candidates, without the validation images
    scorer: Scorer

    def folder(self, candidate: Candidate) -> Path:
        """The folder of a candidate's run."""
        return self.out / CANDIDATES / candidate.name

    def prepare(self) -> None:
        """Create the folder. Raises ConfigError if it holds something else, or another search."""
        about = {
            "rule": self.rule.name,
            "rungs": self.rungs,
            "candidates": {one.name: one.recipe.identity for one in self.candidates},
            "score": self.scorer.terms,
            "protocol": self.scorer.protocol,
        }
        claim(self.out, "search", self.command, about)

    def conduct(
        self,
        should_stop: Callable[[], bool],
        watch: Watch = lambda *_: None,
        report: Callable[[str], None] = print,
    ) -> list[Rung]:
        """Train and score the candidates, rung after rung. Returns the rungs that are done, fewer
        than `rungs` if stopped. `watch` is called as candidates advance."""
        rng = np.random.Generator(np.random.Philox([self.seed, 1]))  # not the settings' stream
        done: list[Rung] = []
        alive = list(self.candidates)
        for index, step in enumerate(self.rungs):
            newest = done[-1] if done else None
            advanced = partial(watch, index, len(alive), newest)
            if not self._train(self._plan(alive, step), step, should_stop, advanced, report):
                break
            scores = self._scores(alive, step, should_stop)
            if scores is None:
                break
            done.append(Rung(step, tuple(alive), scores))
            if step != self.rungs[-1]:
                alive = self.rule.after(done[-1], self.space, rng)
                if not self._born(alive, step, should_stop):
                    break
        return done

    @property
    def steps(self) -> int:
        """Training steps of all candidates together, if none diverges."""
        total, before, alive = 0, 0, list(self.candidates)
        for step in self.rungs:
            total += len(alive) * (step - before)
            scores = {one.name: 0.0 for one in alive}
            rung = Rung(step, tuple(alive), scores)
            alive = self.rule.after(rung, self.space, np.random.Generator(np.random.Philox(0)))
            before = step
        return total

    def _plan(self, candidates: Sequence[Candidate], step: int) -> Plan:
        """The plan of training to `step`, each recipe with its folder as `out`."""
        recipes = tuple(_to(one.recipe, step, self.folder(one)) for one in candidates)
        return Plan({}, recipes, self.devices, self.per_device, jax.process_count())

    def _own(self, plan: Plan, step: int) -> list[list[Recipe]]:
        """Recipes that this process trains to `step`, wave by wave, without those that have their
        score already, whose runs may have gone on."""
        known = lambda recipe: self.scorer.known(recipe.options.out, step) is not None  # noqa: E731
        waves = plan.share(jax.process_index())
        return [[recipe for recipe in wave if not known(recipe)] for wave in waves]

    def _train(
        self,
        plan: Plan,
        step: int,
        should_stop: Callable[[], bool],
        advanced: Callable[[int], None],
        report: Callable[[str], None],
    ) -> bool:
        """Train this process's candidates to `step`. Returns whether they are done."""
        devices = jax.local_devices()[: plan.devices_per_process]
        return all(
            together.train(
                {recipe.options.out: recipe for recipe in wave},
                self.splits,
                devices,
                should_stop,
                advanced,
                report,
                summarise=False,
            )
            for wave in self._own(plan, step)
            if wave
        )

    def _scores(
        self, candidates: Sequence[Candidate], step: int, should_stop: Callable[[], bool]
    ) -> dict[str, float] | None:
        """The scores of all candidates at `step`; None if the search is stopped before."""
        own = self._own(self._plan(candidates, step), step)
        for recipe in itertools.chain.from_iterable(own):
            if should_stop():
                return None
            if not _diverged(runs.load(recipe.options.out), step):
                self.scorer.measured(recipe.options.out, step)
        scores: dict[str, float] = {}
        while len(scores) < len(candidates):
            for one in candidates:
                found = self._score(one, step)
                if found is not None:
                    scores[one.name] = found
            if len(scores) < len(candidates):
                if should_stop():
                    return None
                time.sleep(WAIT_S)
        return scores

    def _score(self, candidate: Candidate, step: int) -> float | None:
        """The score of a candidate at `step`; None if it has none yet."""
        with contextlib.suppress(UserError):  # another process may not have made it yet
            if _diverged(runs.load(self.folder(candidate)), step):
                return float("inf")
            found = self.scorer.known(self.folder(candidate), step)
            return None if found is None else self.scorer.best(found)[0]
        return None

    def measures(self, rungs: Sequence[Rung]) -> dict[str, dict[int, Measures]]:
        """The measures behind each score, by candidate and step, without diverged candidates."""
        found: dict[str, dict[int, Measures]] = {}
        for rung in rungs:
            for one in rung.candidates:
                known = self.scorer.known(self.folder(one), rung.step)
                if known is not None and math.isfinite(rung.scores[one.name]):
                    decay = self.scorer.best(known)[1]
                    found.setdefault(one.name, {})[rung.step] = known[decay]
        return found

    def settled(self, rungs: Sequence[Rung]) -> list[Rung]:
        """The rungs with candidates that, of several averages, keep only the one with the best
        score at that rung. Training does not depend on the averages: with one alone a candidate is
        the same run."""
        return [
            rung._replace(
                candidates=tuple(self._settled(one, rung.step) for one in rung.candidates)
            )
            for rung in rungs
        ]

    def _settled(self, candidate: Candidate, step: int) -> Candidate:
        found = self.scorer.known(self.folder(candidate), step)
        if not candidate.recipe.config.ema_decays or found is None:  # one average, or none finite
            return candidate
        decay = self.scorer.best(found)[1]
        own = {"ema_decays": ()} | ({} if decay is None else {"ema_decay": decay})
        return candidate._replace(recipe=candidate.recipe.with_values(own))

    @property
    def searched(self) -> Space:
        """The space of the settled candidates, where the averages that they kept are choices."""
        config = self.candidates[0].recipe.config
        decays = (config.ema_decay, *config.ema_decays)
        if len(decays) == 1:
            return self.space
        return self.space._replace(choices={**self.space.choices, "ema_decay": decays})

    def _born(
        self, candidates: Sequence[Candidate], step: int, should_stop: Callable[[], bool]
    ) -> bool:
        """Make the folders of candidates that are copies, in the first process; the others wait.
        Returns False if the search is stopped before."""
        for one in candidates:
            if one.parent is None or self.folder(one).exists():
                continue
            if jax.process_index() == 0:
                parent = self.out / CANDIDATES / one.parent
                copied(parent, self.folder(one), _to(one.recipe, step, self.folder(one)))
            while not self.folder(one).exists():
                if should_stop():
                    return False
                time.sleep(WAIT_S)
        return True


def _diverged(run: Run, step: int) -> bool:
    """Whether a run diverged before `step`: a later divergence does not change an earlier rung."""
    at = run.diverged_at
    return at is not None and at < step


def copied(parent: Path, child: Path, recipe: Recipe) -> None:
    """Copy a run, with its newest state and metrics, to `child` under another recipe. The copy
    appears as a whole or not at all: a search that is killed meanwhile makes it again."""
    scratch = child.with_name(f".{child.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    kept = shutil.ignore_patterns(".*", "score_*", "grids", "reconstructions")
    shutil.copytree(parent, scratch, ignore=kept)
    run_folder.change_recipe(runs.load(scratch), recipe)
    scratch.rename(child)


def _to(recipe: Recipe, step: int, folder: Path) -> Recipe:
    """The recipe of a training in `folder` that ends at `step`."""
    return recipe.with_options(steps=step, out=folder)
