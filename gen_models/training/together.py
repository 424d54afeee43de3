"""Runs that are trained together, as one population: their folders, their sessions, their time."""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jax

from gen_models import runs
from gen_models.data.catalog import Splits
from gen_models.runs import Recipe, Run, environment
from gen_models.training import fit, population


def train(
    members: Mapping[Path, Recipe],
    splits: Splits,
    devices: Sequence[jax.Device],
    should_stop: Callable[[], bool],
    advanced: Callable[[int], None],
    report: Callable[[str], None],
    *,
    summarise: bool = True,
) -> bool:
    """Train runs that share one program, by folder, each to its last step. Returns whether all are
    done.

    `advanced` is called with the number of steps that members have just done, `report` as by
    `fit.fit`; with `summarise` finished runs get their curves and animation. A run's session
    records its share of the time: the total divided by the number of runs trained.
    """
    began, session = time.perf_counter(), environment.describe()
    with contextlib.ExitStack() as stack:
        opened = [
            stack.enter_context(runs.open_locked(folder, member, splits.train))
            for folder, member in members.items()
        ]
        changes: dict[str, None] = {}  # an ordered set: the runs share changes
        for run in opened:
            run.check_steps()
            before = run.sessions()
            changes |= dict.fromkeys(environment.changes(before[-1], session) if before else ())
            run.record_sessions([*before, session])
        for change in changes:
            report(f"the last bits of the results may differ: {change}")
        waiting = [run.folder for run in opened if not _ended(run)]
        advanced(sum(run.options.steps if _ended(run) else run.step for run in opened))
        recorders = [fit.Recorder(run, splits) for run in opened]
        trained = lambda _, done: advanced(done)
        ends = population.fit(recorders, devices, trained, should_stop, report, summarise=summarise)
        share = (time.perf_counter() - began) / max(1, len(waiting))
        for run, end in zip(opened, ends, strict=True):
            seconds = round(share, 1) if run.folder in waiting else 0.0
            done = session | {"reached": end.step, "seconds": seconds}
            run.record_sessions([*run.sessions()[:-1], done])
    return all(
        end.diverged or end.step == member.options.steps
        for end, member in zip(ends, members.values(), strict=True)
    )


def _ended(run: Run) -> bool:
    """Whether a run has diverged or reached its last step."""
    return run.diverged_at is not None or run.step == run.options.steps
