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
            "candidates": {
                candidate.name: candidate.recipe.identity for candidate in self.candidates
            },
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
            scores = self._score_all(alive, step, should_stop)
            if scores is None:
                break
            done.append(Rung(step, tuple(alive), scores))
            if step != self.rungs[-1]:
                alive = self.rule.after(done[-1], self.space, rng)
                if not self._make_copies(alive, step, should_stop):
                    break
        return done

    @property
    def counts(self) -> list[int]:
        """Number of candidates at each rung, if none diverges."""
        counts, alive = [], list(self.candidates)
        for step in self.rungs:
            counts.append(len(alive))
            rung = Rung(step, tuple(alive), {candidate.name: 0.0 for candidate in alive})
            alive = self.rule.after(rung, self.space, np.random.Generator(np.random.Philox(0)))
        return counts

    @property
    def steps(self) -> int:
        """Training steps of all candidates together, if none diverges."""
        lengths = np.diff(self.rungs, prepend=0).tolist()
        return sum(count * length for count, length in zip(self.counts, lengths, strict=True))

    def _plan(self, candidates: Sequence[Candidate], step: int) -> Plan:
        """The plan of training to `step`, each recipe with its folder as `out`."""
        recipes = tuple(
            _recipe_of_rung(candidate.recipe, step, self.folder(candidate))
            for candidate in candidates
        )
        return Plan({}, recipes, self.devices, self.per_device, jax.process_count())

    def _unscored_waves(self, plan: Plan, step: int) -> list[list[Recipe]]:
        """Recipes that this process trains to `step`, wave by wave, without those that have their
        score already, whose runs may have gone on."""
        has_score = lambda recipe: self.scorer.read(recipe.options.out, step) is not None
        waves = plan.share(jax.process_index())
        return [[recipe for recipe in wave if not has_score(recipe)] for wave in waves]

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
            for wave in self._unscored_waves(plan, step)
            if wave
        )

    def _score_all(
        self, candidates: Sequence[Candidate], step: int, should_stop: Callable[[], bool]
    ) -> dict[str, float] | None:
        """Score this process's candidates at `step`, and wait for the others' scores. Returns the
        scores of all; None if the search is stopped before."""
        waves = self._unscored_waves(self._plan(candidates, step), step)
        for recipe in itertools.chain.from_iterable(waves):
            if should_stop():
                return None
            if not _has_diverged(runs.load(recipe.options.out), step):
                self.scorer.measure(recipe.options.out, step)
        scores: dict[str, float] = {}
        while len(scores) < len(candidates):
            for candidate in candidates:
                score = self._read_score(candidate, step)
                if score is not None:
                    scores[candidate.name] = score
            if len(scores) < len(candidates):
                if should_stop():
                    return None
                time.sleep(WAIT_S)
        return scores

    def _read_score(self, candidate: Candidate, step: int) -> float | None:
        """The score of a candidate at `step`; None if it has none yet."""
        with contextlib.suppress(UserError):  # another process may not have made it yet
            if _has_diverged(runs.load(self.folder(candidate)), step):
                return float("inf")
            by_decay = self.scorer.read(self.folder(candidate), step)
            return None if by_decay is None else self.scorer.best(by_decay).score
        return None

    def read_measures(self, rungs: Sequence[Rung]) -> dict[str, dict[int, Measures]]:
        """The measures behind each score, by candidate and step, without diverged candidates."""
        measures: dict[str, dict[int, Measures]] = {}
        for rung in rungs:
            for candidate in rung.candidates:
                by_decay = self.scorer.read(self.folder(candidate), rung.step)
                if by_decay is not None and math.isfinite(rung.scores[candidate.name]):
                    best = by_decay[self.scorer.best(by_decay).decay]
                    measures.setdefault(candidate.name, {})[rung.step] = best
        return measures

    def keep_best_averages(self, rungs: Sequence[Rung]) -> list[Rung]:
        """The rungs with candidates that, of several averages, keep only the one with the best
        score at that rung. Training does not depend on the averages: with one alone a candidate is
        the same run."""
        return [
            rung._replace(
                candidates=tuple(
                    self._keep_best_average(candidate, rung.step) for candidate in rung.candidates
                )
            )
            for rung in rungs
        ]

    def _keep_best_average(self, candidate: Candidate, step: int) -> Candidate:
        by_decay = self.scorer.read(self.folder(candidate), step)
        if not candidate.recipe.config.ema_decays or by_decay is None:
            return candidate  # it has one average, or none is finite
        decay = self.scorer.best(by_decay).decay
        options = {"ema_decays": ()} | ({} if decay is None else {"ema_decay": decay})
        return candidate._replace(recipe=candidate.recipe.with_values(options))

    @property
    def searched_space(self) -> Space:
        """The space of candidates that kept their best averages, where these are choices."""
        config = self.candidates[0].recipe.config
        decays = (config.ema_decay, *config.ema_decays)
        if len(decays) == 1:
            return self.space
        return self.space._replace(choices={**self.space.choices, "ema_decay": decays})

    def _make_copies(
        self, candidates: Sequence[Candidate], step: int, should_stop: Callable[[], bool]
    ) -> bool:
        """Make the folders of candidates that are copies, in the first process; the others wait.
        Returns False if the search is stopped before."""
        for candidate in candidates:
            folder = self.folder(candidate)
            if candidate.parent is None or folder.exists():
                continue
            if jax.process_index() == 0:
                parent = self.out / CANDIDATES / candidate.parent
                copy_run(parent, folder, _recipe_of_rung(candidate.recipe, step, folder))
            while not folder.exists():
                if should_stop():
                    return False
                time.sleep(WAIT_S)
        return True


def _has_diverged(run: Run, step: int) -> bool:
    """Whether a run diverged before `step`: a later divergence does not change an earlier rung."""
    at = run.diverged_at
    return at is not None and at < step


def copy_run(parent: Path, child: Path, recipe: Recipe) -> None:
    """Copy a run, with its newest state and metrics, to `child` under another recipe. The copy
    appears as a whole or not at all: a search that is killed meanwhile makes it again."""
    scratch = child.with_name(f".{child.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    left_out = shutil.ignore_patterns(".*", "score_*", "grids", "reconstructions")
    shutil.copytree(parent, scratch, ignore=left_out)
    run_folder.change_recipe(runs.load(scratch), recipe)
    scratch.rename(child)


def _recipe_of_rung(recipe: Recipe, step: int, folder: Path) -> Recipe:
    """The recipe of a training in `folder` that ends at `step`."""
    return recipe.with_options(steps=step, out=folder)
