"""Train every combination of options that are given several values:
`python -m experiments.sweep --seeds 4 --learning-rate 1e-4 2e-4 4e-4`."""

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import jax
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from experiments import command, settings
from gen_models import assessment
from gen_models.data import validation
from gen_models.data.catalog import Dataset, Splits
from gen_models.evaluation import features
from gen_models.evaluation.evaluator import Evaluator
from gen_models.fields import Between, counted
from gen_models.render.display import TolerantStream
from gen_models.runs.recipe import Steps, TrainingOptions
from gen_models.sweep import execution
from gen_models.sweep.estimate import estimate
from gen_models.sweep.execution import Measurement, Sweep
from gen_models.sweep.plan import Plan, make_plan
from gen_models.training import machines, session
from gen_models.training.interrupt import Interruption, interruptible

SWEEPS = Path("results/sweeps")
SWEPT_LIKELIHOOD_IMAGES = 1000  # images for the likelihood bound of a member


@dataclass(frozen=True, kw_only=True)
class Options(TrainingOptions):
    """Options that all members of the sweep share."""

    config: Path | None = None
    """File to take defaults from: a preset, a row of a table of presets (FILE.py:ROW), or the
    config.json of a run. What it says of --devices, --evaluate-every-steps, --hold-out,
    --tensorboard and --out applies to a single training and is ignored."""
    steps: Steps = 2000
    """Training steps of each member."""
    hold_out: bool = True
    """Whether to train without the validation images and measure against them, so that no setting
    is chosen by the test split; --no-hold-out trains on all and measures against the test split."""
    sample_every_steps: Steps = 500
    """Training steps between sample grids."""
    seeds: Annotated[int, Between(1, 10_000)] = 1
    """Number of seeds per setting."""
    seed: Annotated[int, Between(0, 2**30)] = 0
    """First seed; the others follow it."""
    random: Annotated[int, Between(1, 10_000)] | None = None
    """Number of settings to draw at random; each real-valued option given two values is a range.
    Default: every combination of the values."""
    devices: Annotated[int, Between(1, 65536)] | None = None
    """Number of devices to train on. Default: all."""
    per_device: Annotated[int, Between(1, 4096)] = 16
    """Members trained at the same time on each device; the others follow in waves."""
    evaluate: bool = True
    """Whether to measure every member at the end; --no-evaluate leaves it out."""
    dry_run: bool = False
    """Print the plan without training."""
    out: Path | None = None
    """Folder of the sweep. Default: results/sweeps/<data set>-<model>-<options that vary>."""


def show(console: Console, plan: Plan, train: Dataset, *, measured: bool) -> None:
    """Print the plan: members, compilations, waves, devices, memory, and the time of training and,
    if members are `measured`, of measuring."""
    options, cost = plan.members[0].options, estimate(plan, train)
    counts = {name: len(values) for name, values in plan.axes.items()}
    counts["seed"] = len({member.options.seed for member in plan.members})
    varying = ", ".join(f"{name} ({count})" for name, count in counts.items() if count > 1)
    measurements = sum(map(len, plan.share(0))) if measured else 0
    console.print(
        f"{counted(len(plan.members), 'member')} of {options.model}, "
        f"{counted(options.steps, 'step')} each; varying: {varying}\n"
        f"compilations: {len(plan.compilations)}, waves: {len(plan.waves)}, devices: "
        f"{plan.devices} with up to {counted(cost.per_device, 'member')} each\n"
        f"{cost.words(measurements=measurements)}"
    )


def measurement(options: Options, splits: Splits) -> Measurement | None:
    """The measurement of members, by one evaluator for all; None with --no-evaluate.

    A missing feature net is an error now, not after hours of training. Raises UserError.
    """
    if not options.evaluate:
        return None
    reference = "validation" if options.hold_out else "test"
    extent = assessment.EvaluationExtent(
        reference=reference, likelihood_images=SWEPT_LIKELIHOOD_IMAGES
    )
    evaluator = Evaluator(features.of(splits.train.name), splits, extent.reference)
    return Measurement.by(evaluator, extent, command.report)


def train(sweep: Sweep, console: Console, should_stop: Callable[[], bool]) -> bool:
    """Train the members under a progress bar. Returns whether all are done."""
    total = sum(member.options.steps for wave in sweep.waves for member in wave)
    with Progress(console=console, disable=console.quiet) as progress:
        advanced = partial(progress.advance, progress.add_task("training", total=total))
        return sweep.train(should_stop, advanced, command.report)


def measure(
    sweep: Sweep, console: Console, interruption: Interruption, should_stop: Callable[[], bool]
) -> bool:
    """Measure the members under a progress bar. Returns whether all are done."""
    if sweep.measurement is None:
        return True
    columns = MofNCompleteColumn(), TimeRemainingColumn(), TimeElapsedColumn()
    with Progress(
        TextColumn("measuring"), BarColumn(), *columns, console=console, disable=console.quiet
    ) as progress:
        bar = progress.add_task("", total=sum(map(len, sweep.waves)))
        return sweep.measure(interruption, should_stop, partial(progress.advance, bar))


def main(args: Sequence[str]) -> int:
    """Plan, train, measure, tabulate. Returns the exit code."""
    about = "Train every combination of the options given more than one value."
    options, processes, start, given = settings.parse("sweep", Options, about, args)
    processes.join()
    base, splits = session.completed(start)
    seeds = range(options.seed, options.seed + options.seeds)
    plan = make_plan(base, given, seeds, options.random, options.devices, options.per_device)
    name, first = splits.train.name, jax.process_index() == 0
    console = Console(file=TolerantStream(sys.stdout), highlight=False, quiet=not first)
    show(console, plan, splits.train, measured=options.evaluate)
    if options.dry_run:
        return 0
    out = options.out or SWEEPS / "-".join([name, options.model, *plan.axes])
    words = f"python -m experiments.sweep {shlex.join(args)}"
    training_splits = validation.training(splits, hold_out=options.hold_out)
    sweep = Sweep(plan, out, words, training_splits, measurement(options, splits))
    sweep.prepare()
    stop = machines.SharedStop(out)
    with interruptible() as interruption:
        should_stop = lambda: stop.ask(interruption.asked())
        is_done = train(sweep, console, should_stop)
        is_done = is_done and measure(sweep, console, interruption, should_stop)
        # The first process publishes the members of all, and so waits for the others.
        is_done = is_done and (not first or sweep.wait(should_stop))
    if not is_done:
        again = f"stopped, and saved what there is. To go on: {words}"
        console.print(again, markup=False, soft_wrap=True)
        return interruption.exit_code
    if first:
        sweep.publish(command.report)
        look = f"look at {out / execution.TABLE} and {out / execution.PICTURE}"
        console.print(look, markup=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    command.run(main, spare=["--per-device", "--batch-size", "--width"])
