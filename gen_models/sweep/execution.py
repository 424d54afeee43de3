"""Execution of a plan: training its waves, measuring its members, publishing the results."""

import contextlib
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax

from gen_models import assessment, explorer, render, runs
from gen_models.assessment import EvaluationExtent
from gen_models.data.catalog import Splits
from gen_models.errors import UserError
from gen_models.evaluation import record
from gen_models.evaluation.evaluator import Evaluator
from gen_models.evaluation.protocol import Protocol
from gen_models.evaluation.record import Evaluation
from gen_models.runs import Recipe, Run, environment
from gen_models.storage.files import write_text
from gen_models.sweep import plan, results
from gen_models.sweep.folder import claim
from gen_models.sweep.plan import Plan
from gen_models.training import together
from gen_models.training.interrupt import Interrupted, Interruption

WAIT_S = 1.0  # between checks for the results of other processes
TABLE, CSV, JSON = "README.md", "members.csv", "sweep.json"
CURVES, PICTURE, EXPLORER = "curves.png", "samples.png", "explorer.html"


class Measurement(NamedTuple):
    """The measurement of members.

    evaluate  Run -> Evaluation of its newest state
    protocol  protocol of these evaluations
    extent    their extent
    """

    evaluate: Callable[[Run], Evaluation]
    protocol: Protocol
    extent: EvaluationExtent

    @classmethod
    def by(
        cls, evaluator: Evaluator, extent: EvaluationExtent, report: Callable[[str], None]
    ) -> "Measurement":
        """The measurement by one evaluator; `report` is as for `assessment.evaluate_run`."""

        def evaluate(run: Run) -> Evaluation:
            return assessment.evaluate_run(run, evaluator, extent, report)

        return cls(evaluate, evaluator.protocol(extent.samples), extent)


@dataclass(frozen=True)
class Sweep:
    """A plan and its folder, in one of the processes that execute it.

    The processes share no program: each member is trained and measured by one of them.
    """

    plan: Plan  # members and waves
    out: Path  # folder of the sweep
    command: str  # command line that continues the sweep
    splits: Splits  # data of all members
    measurement: Measurement | None  # of trained members; None to leave it out

    @property
    def waves(self) -> list[list[Recipe]]:
        """The members that this process trains, wave by wave."""
        return self.plan.share(jax.process_index())

    def folder(self, member: Recipe) -> Path:
        """The folder of a member's run."""
        return self.out / plan.member_name(member, self.plan.axes)

    def setting(self, member: Recipe) -> dict[str, Any]:
        """The values by which a member is told from others, apart from its seed."""
        return {name: member.to_flat()[name] for name in self.plan.axes}

    def prepare(self) -> None:
        """Create the folder. Raises ConfigError if it exists and holds something else."""
        claim(self.out, "sweep", self.command, {"axes": self.plan.axes})

    def train(
        self,
        should_stop: Callable[[], bool],
        advanced: Callable[[int], None],
        report: Callable[[str], None],
    ) -> bool:
        """Train this process's members, wave after wave. Returns whether all are done.

        `advanced` and `report` are called as by `together.train`.
        """
        devices = jax.local_devices()[: self.plan.devices_per_process]
        return all(
            together.train(
                {self.folder(member): member for member in wave},
                self.splits,
                devices,
                should_stop,
                advanced,
                report,
            )
            for wave in self.waves
        )

    def measure(
        self,
        interruption: Interruption,
        should_stop: Callable[[], bool],
        measured: Callable[[], None] = lambda: None,
    ) -> bool:
        """Measure this process's members, if the sweep measures. Returns whether all are done.

        `measured` is called after each member. A signal ends the measurement of a member, which is
        made anew by the same command.
        """
        try:
            with interruption.raising():
                for member in itertools.chain.from_iterable(self.waves):
                    if should_stop():
                        return False
                    self._measure(member)
                    measured()
        except Interrupted:
            should_stop()  # tells the other processes
            return False
        return True

    def _measure(self, member: Recipe) -> None:
        """Measure a member, unless it has been or has diverged."""
        run = runs.load(self.folder(member))
        if self.measurement and run.diverged_at is None and self._evaluation(run) is None:
            record.write(run.folder / record.NAME, self.measurement.evaluate(run))

    def result(self, member: Recipe) -> results.MemberResult:
        """The result of a member that has ended."""
        run = runs.load(self.folder(member))
        diverged = run.diverged_at is not None
        evaluation = None if diverged else self._evaluation(run)
        return results.MemberResult(
            self.setting(member), member.options.seed, run.step, diverged, evaluation
        )

    def wait(self, should_stop: Callable[[], bool]) -> bool:
        """Wait until the members of all processes are finished. Returns False if stopped before."""
        while not all(map(self._is_finished, self.plan.members)):
            if should_stop():
                return False
            time.sleep(WAIT_S)
        return True

    def _is_finished(self, member: Recipe) -> bool:
        with contextlib.suppress(UserError):  # another process may not have made it yet
            run = runs.load(self.folder(member))
            if run.diverged_at is not None:
                return True
            is_measured = self.measurement is None or self._evaluation(run) is not None
            return run.step == member.options.steps and is_measured
        return False

    def publish(self, report: Callable[[str], None]) -> None:
        """Write table, CSV, JSON and pictures of the members of all processes, and the page in
        which the best settings run. `report` is called with a line about what this page lacks."""
        members = [self.result(member) for member in self.plan.members]
        folders = [self.folder(member) for member in self.plan.members]
        rows = results.rows(members)
        best = [self._shown_folder(row) for row in rows if row.diverged < row.seeds]
        has_explorer = bool(best) and explorer.write_page(self.out / EXPLORER, best, report)
        machine = environment.machine_and_code(environment.describe())
        write_text(
            self.out / TABLE,
            results.page(self.command, machine, members, rows, EXPLORER if has_explorer else ""),
        )
        write_text(self.out / CSV, results.as_csv(members))
        write_text(self.out / JSON, results.as_json(self.command, members, rows))
        metrics = [runs.load(folder).metrics() for folder in folders]
        render.save_png(results.chart(members, metrics), self.out / CURVES)
        grids = [folder / "samples.png" for folder in folders]
        render.save_png(results.picture(members, grids), self.out / PICTURE)

    def _evaluation(self, run: Run) -> Evaluation | None:
        """The evaluation of a run's newest state, if the sweep measures and it exists."""
        if self.measurement is None:
            return None
        path, protocol = run.folder / record.NAME, self.measurement.protocol
        extent = self.measurement.extent
        return assessment.match_evaluation(path, run.step, protocol, extent)

    def _shown_folder(self, row: results.SettingRow) -> Path:
        """The folder of a setting's first member that has not diverged."""
        members = (m for m in self.plan.members if self.setting(m) == row.setting)
        folders = map(self.folder, members)
        return next(folder for folder in folders if runs.load(folder).diverged_at is None)
