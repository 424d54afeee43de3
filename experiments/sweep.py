"""Train a population: `python -m experiments.sweep --seeds 4 --learning-rate 1e-4 2e-4 4e-4`."""

import contextlib
import itertools
import json
import shlex
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, make_dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import jax
from rich.console import Console
from rich.progress import Progress

from experiments import command, evaluate
from experiments.command import Processes
from experiments.train import load_data
from gen_models import render
from gen_models.algorithm import Spec
from gen_models.benchmark.flops import matmul
from gen_models.config import Between, ConfigError, validate
from gen_models.data.catalog import Dataset
from gen_models.errors import UserError
from gen_models.evaluation import features, record
from gen_models.models import MODELS
from gen_models.sweep import outcome, plan
from gen_models.sweep.plan import Plan
from gen_models.training import checkpoint, environment, fit, machines, population
from gen_models.training import config as configs
from gen_models.training import run as runs
from gen_models.training.config import Config, RunConfig, known_model
from gen_models.training.interrupt import interruptible

SWEEPS = Path("results/sweeps")
# Options of every member that are also options of a run.
SHARED = (
    *("model", "dataset", "data_dir", "steps", "batch_size"),
    *("sample_every_steps", "checkpoint_every_steps"),
)
EFFICIENCY = 0.6  # of the matrix rate, what a step reaches on a CPU: results/benchmark.md
WAIT_S = 1.0  # between looks at what other processes have done
TABLE, CSV, JSON = "README.md", "members.csv", "sweep.json"
PLAN, CURVES, PICTURE = "plan.json", "curves.png", "samples.png"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is the same for every member, and how they are trained."""

    model: str = RunConfig.model
    """Which model to train."""
    dataset: str | None = None
    """Which data set: fashion_mnist, mnist, or nothing for what --data-dir holds."""
    data_dir: Path | None = None
    """Folder with the four IDX files."""
    steps: configs.Steps = 2000
    """Training steps of each member."""
    batch_size: Annotated[int, Between(2, 65536)] = 64
    """Images a step."""
    seeds: Annotated[int, Between(1, 10_000)] = 1
    """How many seeds of each setting."""
    seed: Annotated[int, Between(0, 2**30)] = 0
    """The first of them."""
    random: Annotated[int, Between(1, 10_000)] | None = None
    """Draw so many settings from the ranges of real-valued options that are given two values."""
    devices: Annotated[int, Between(1, 65536)] | None = None
    """How many devices. Default: all."""
    per_device: Annotated[int, Between(1, 4096)] = 16
    """Members on a device at a time; the rest follows in waves."""
    sample_every_steps: configs.Steps = 500
    """Steps between sample grids."""
    checkpoint_every_steps: configs.Steps = 500
    """Steps between checkpoints."""
    evaluate: bool = True
    """Measure every member at the end."""
    dry_run: bool = False
    """Print the plan and stop."""
    out: Path | None = None
    """Folder of the sweep. Default: results/sweeps/<data set>-<model>-<options that vary>."""


def parse(args: Sequence[str]) -> tuple[Options, Processes, dict[str, tuple[Any, ...]]]:
    """The common options, who works on it, and every value given for each of the model's options.

    Raises ConfigError.
    """
    model = known_model(command.deciding(args, "--model") or RunConfig.model)
    cls = MODELS[model].Config
    hints, defaults = get_type_hints(cls, include_extras=True), cls()
    axes = make_dataclass(
        "Axes",
        [
            (f.name, tuple[hints[f.name], ...], field(default=(getattr(defaults, f.name),)))
            for f in fields(cls)
        ],
        frozen=True,
    )
    axes.__doc__ = "Options of the model. Several values of one make as many settings."
    groups = [
        ("common", Options, field(default=Options(model=model))),
        ("processes", Processes, field(default=Processes())),
        (model, axes, field(default=axes())),
    ]
    both = make_dataclass("Sweep", groups, frozen=True)
    both.__doc__ = "Train every combination of the options given more than one value."
    found: Any = command.parse("sweep", both, args)
    validate(found.common)
    values = getattr(found, model)
    given = {f.name: getattr(values, f.name) for f in fields(axes)}
    return found.common, found.processes, given


def planned(options: Options, given: dict[str, tuple[Any, ...]], base: Config) -> Plan:
    """The plan. Raises ConfigError for requests that cannot be carried out."""
    for name, values in given.items():
        if not values:
            raise ConfigError(f"--{name.replace('_', '-')} has no value; give one or more")
    single = {name: values[0] for name, values in given.items() if len(values) == 1}
    base = configs.from_flat(configs.to_flat(base) | single)
    axes = {name: values for name, values in given.items() if len(values) > 1}
    seeds = range(options.seed, options.seed + options.seeds)
    if options.random is None:
        members = plan.product(base, axes, seeds)
    else:
        real = plan.real_options(options.model)
        for name, values in axes.items():
            ends = len(values) == 2 and None not in values and values[0] < values[1]
            if name not in real or not ends:
                raise ConfigError(
                    f"{name} is {list(values)}; with --random an option that varies is real-valued "
                    "and has two values, the lower first: the ends of its range"
                )
        if not axes:
            raise ConfigError("--random needs a range: give an option two values")
        members = plan.sampled(base, axes, options.random, seeds, options.seed)
    devices = len(jax.devices()) if options.devices is None else options.devices
    plan.check(members, devices)
    return Plan(axes, tuple(members), devices, options.per_device, jax.process_count())


def show(console: Console, work: Plan, spec: Spec, train: Dataset) -> None:
    """Print the plan: members, groups, waves, devices, memory, time."""
    first = work.members[0]
    per_device = max(layout.per_device for layout in work.compilations)
    state = max(plan.state_bytes(group[0], spec) for group in work.groups)
    megabytes = (per_device * 2 * state + train.images.nbytes) / 2**20
    product, rate_of = matmul()
    rate = max(rate_of(product()) for _ in range(3))
    total = sum(plan.step_flops(group[0], spec) * len(group) for group in work.groups)
    seconds = total * first.run.steps / (EFFICIENCY * rate * work.devices)
    varying = ", ".join(f"{name} ({len(values)})" for name, values in work.axes.items())
    console.print(
        f"{len(work.members)} members of {first.run.model}, {first.run.steps} steps each; "
        f"varying: {varying or 'nothing'} and the seed\n"
        f"compilations: {len(work.compilations)}, waves: {len(work.waves)}, devices: "
        f"{work.devices} with up to {per_device} members each\n"
        f"about {megabytes:.0f} MiB of states and data on a device, activations apart\n"
        f"about {seconds / 60:.0f} min at {EFFICIENCY:.0%} of the {rate / 1e9:.0f} GFLOP/s that a "
        "device of this machine multiplies matrices with"
    )


def train_wave(
    wave: Sequence[Config],
    folders: Sequence[Path],
    data: tuple[Dataset, Dataset],
    devices: Sequence[jax.Device],
    should_stop: Callable[[], bool],
    advanced: Callable[[int], None],
) -> bool:
    """Train members together. Returns whether they are done."""
    with contextlib.ExitStack() as stack:
        opened = [
            stack.enter_context(runs.opened(folder, member, data[0]))
            for member, folder in zip(wave, folders, strict=True)
        ]
        for run in opened:
            run.record_sessions([*run.sessions(), environment.describe()])
        trainers = [fit.Trainer(run, *data) for run in opened]
        advanced(sum(max(checkpoint.steps(run.checkpoints), default=0) for run in opened))
        trained = lambda _, done: advanced(done)  # noqa: E731
        ends = population.fit(trainers, devices, trained, should_stop)
    return all(end.diverged or end.step == wave[0].run.steps for end in ends)


def measured(member: Config, folder: Path, work: Plan, options: Options) -> outcome.Member:
    """How a member ended, evaluated unless that is not wanted or it diverged."""
    run = runs.load(folder)
    step = max(checkpoint.steps(run.checkpoints), default=0)
    diverged = run.diverged_at is not None
    evaluation = None
    if options.evaluate and not diverged:
        with contextlib.suppress(record.RecordError):
            evaluation = record.read(folder / record.NAME)
        if evaluation is None or evaluation.subject.get("step") != step:
            evaluation = evaluate.evaluate_newest(run)
    setting = {name: configs.to_flat(member)[name] for name in work.axes}
    return outcome.Member(setting, member.run.seed, step, diverged, evaluation)


def publish(
    out: Path, words: str, members: Sequence[outcome.Member], folders: Sequence[Path]
) -> None:
    """Write the table, the CSV, the JSON and the pictures."""
    found = outcome.rows(members)
    machine = environment.in_words(environment.describe())
    runs.write_text(out / TABLE, outcome.page(words, machine, members, found))
    runs.write_text(out / CSV, outcome.as_csv(members))
    runs.write_text(out / JSON, outcome.as_json(words, members, found))
    metrics = [runs.load(folder).metrics() for folder in folders]
    render.save_png(outcome.chart(members, metrics), out / CURVES)
    grids = [folder / "samples.png" for folder in folders]
    render.save_png(outcome.picture(members, grids), out / PICTURE)


def check_measurable(train: Dataset) -> None:
    """Find the feature net now rather than when all is trained. Raises UserError."""
    features.load(features.net_path(train.name))


def prepare(out: Path, words: str) -> None:
    """Make the sweep's folder, or know it again. Raises ConfigError if it holds something else."""
    out.mkdir(parents=True, exist_ok=True)
    if (out / PLAN).exists():
        return
    if any(not entry.name.startswith(".") for entry in out.iterdir()):
        raise ConfigError(f"{out} is no sweep: it has files but no {PLAN}; choose another --out")
    runs.write_text(out / PLAN, json.dumps({"format": "gen_models.sweep", "command": words}) + "\n")


def finished(member: Config, folder: Path, options: Options) -> bool:
    """Whether a member, perhaps another process's, is done."""
    with contextlib.suppress(UserError):
        run = runs.load(folder)
        if run.diverged_at is not None:
            return True
        trained = member.run.steps in checkpoint.steps(run.checkpoints)
        return trained and (not options.evaluate or (folder / record.NAME).exists())
    return False


def carry_out(
    work: Plan,
    folders: dict[Config, Path],
    options: Options,
    data: tuple[Dataset, Dataset],
    should_stop: Callable[[], bool],
    console: Console,
) -> bool:
    """Train and evaluate this process's share of every wave. Returns whether all of it is done.

    Processes need no program in common: a member is trained by one of them.
    """
    waves = work.share(jax.process_index())
    devices = jax.local_devices()[: work.own_devices]
    total = sum(map(len, waves)) * options.steps
    with Progress(console=console) as progress:
        advanced = partial(progress.advance, progress.add_task("sweep", total=total))
        for wave in waves:
            these = [folders[member] for member in wave]
            if not train_wave(wave, these, data, devices, should_stop, advanced):
                return False
    for member in itertools.chain.from_iterable(waves):
        if should_stop():
            return False
        measured(member, folders[member], work, options)
    return True


def main(args: Sequence[str]) -> int:
    """Plan, train, evaluate, tabulate. Returns the exit code."""
    options, processes, given = parse(args)
    processes.join()
    base = configs.from_flat({name: getattr(options, name) for name in SHARED})
    base, *data = load_data(base)
    work = planned(options, given, base)
    train = data[0]
    console = Console(highlight=False, quiet=jax.process_index() > 0)
    show(console, work, Spec(*train.image_shape, train.num_classes), train)
    if options.dry_run:
        return 0
    out = options.out or SWEEPS / "-".join([train.name, options.model, *work.axes])
    if options.evaluate:
        check_measurable(train)
    words = f"python -m experiments.sweep {shlex.join(args)}"
    prepare(out, words)
    folders = {member: out / plan.member_name(member, work.axes) for member in work.members}
    stop = machines.SharedStop(out)
    with interruptible() as interruption:
        should_stop = lambda: stop.ask(interruption.by is not None)  # noqa: E731
        done = carry_out(work, folders, options, data, should_stop, console)
        while (
            done
            and jax.process_index() == 0
            and not all(finished(member, folder, options) for member, folder in folders.items())
        ):  # the others' shares
            done = not should_stop()
            time.sleep(WAIT_S)
    if not done:
        again = f"stopped, and saved what there is. To go on: {words}"
        console.print(again, markup=False, soft_wrap=True)
        return interruption.exit_code or 128 + signal.SIGTERM
    if jax.process_index() == 0:
        members = [measured(*pair, work, options) for pair in folders.items()]
        publish(out, words, members, list(folders.values()))
        console.print(f"look at {out / TABLE} and {out / PICTURE}", markup=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    command.run(main)
