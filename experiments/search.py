"""Search for a setting: `python -m experiments.search --learning-rate 1e-4 4e-3 --members 32`."""

import math
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import jax
import tyro
from rich.console import Console
from rich.progress import Progress

from experiments import command, settings
from gen_models.assessment import EvaluationExtent
from gen_models.data import validation
from gen_models.data.catalog import Dataset, Splits
from gen_models.errors import UserError
from gen_models.evaluation import features
from gen_models.evaluation.evaluator import Evaluator
from gen_models.fields import Between, ConfigError
from gen_models.render import save_png
from gen_models.render.display import TolerantStream
from gen_models.runs import Recipe, environment
from gen_models.runs.recipe import Steps, TrainingOptions
from gen_models.search import candidates, outcome, report
from gen_models.search.execution import Search
from gen_models.search.report import SearchReport
from gen_models.search.rules import RULES, Rung
from gen_models.search.score import Scorer, terms
from gen_models.storage.files import write_text
from gen_models.sweep.estimate import estimate
from gen_models.sweep.execution import Measurement
from gen_models.sweep.plan import Plan
from gen_models.training import machines, session
from gen_models.training.interrupt import Interruption, interruptible
from gen_models.training.placement import check_devices

SEARCHES = Path("results/searches")
RUNGS = {"halving": 4, "evolution": 10}
PAGE, PRESET, LINEAGE = "README.md", "winner.py", "lineage.json"


@dataclass(frozen=True, kw_only=True)
class Options(TrainingOptions):
    """Options that all candidates share."""

    config: Path | None = None
    """File to take defaults from, as for `train`."""
    hold_out: tyro.conf.Suppress[bool] = True
    sample_every_steps: Steps | None = None
    """Training steps between sample grids. Default: only at the rungs."""
    rule: Literal["halving", "evolution"] = "halving"
    """halving: each rung has twice the steps of the one before, and after it the better half goes
    on. evolution: rungs are equally spaced, and after each the worst quarter becomes copies of the
    best, with other numbers from there on."""
    members: Annotated[int, Between(2, 10_000)] = 32
    """Number of settings to begin with."""
    rungs: Annotated[int, Between(1, 100)] | None = None
    """Number of rungs. Default: 4 for halving, 10 for evolution."""
    seed: Annotated[int, Between(0, 2**30)] = 0
    """Seed of the drawn settings, of all candidates, and of the rule's random choices."""
    score: tuple[str, ...] = ("fid",)
    """Measures to minimise, each NAME or NAME:WEIGHT, such as fid recall:5; a measure whose higher
    values are better counts negatively."""
    samples: Annotated[int, Between(100, 100_000)] = 2000
    """Number of samples of each candidate at each rung."""
    report_seeds: Annotated[int, Between(0, 100)] = 3
    """Number of fresh seeds with which the winner, the runner-up and the default are reported on
    the test split; 0: no report."""
    devices: Annotated[int, Between(1, 65536)] | None = None
    """Number of devices to train on. Default: all."""
    per_device: Annotated[int, Between(1, 4096)] = 16
    """Candidates trained at the same time on each device; the others follow in waves."""
    dry_run: bool = False
    """Print the plan without training."""
    out: Path | None = None
    """Folder of the search. Default: results/searches/<data set>-<model>-<rule>."""


def show(console: Console, search: Search, seeds: int, train: Dataset) -> None:
    """Print the plan: candidates, rungs, steps, time."""
    steps, model = search.rungs[-1], search.candidates[0].recipe.options.model
    recipes = tuple(candidate.recipe for candidate in search.candidates)
    plan = Plan({}, recipes, search.devices, search.per_device)
    cost, trained, reported = estimate(plan, train), search.steps, len(report.REPORTED) * seeds
    whole, reported_steps = len(recipes) * steps, reported * steps
    scored = sum(search.counts) * search.scorer.samples / EvaluationExtent().samples
    varying = [f"{n} {low:g} to {high:g}" for n, (low, high) in search.space.ranges.items()]
    varying += [f"{n} of {len(values)}" for n, values in search.space.choices.items()]
    console.print(
        f"{len(recipes)} settings of {model}; varying: {', '.join(varying)}\n"
        f"scored at steps {', '.join(map(str, search.rungs))} by {search.scorer.protocol}\n"
        f"{trained} steps of candidates, where all to the end would be {whole}; a report of "
        f"{reported_steps} more\n"
        f"{cost.words((trained + reported_steps) / whole, scored + reported)}",
        soft_wrap=True,
    )


def conduct(search: Search, console: Console, should_stop: Callable[[], bool]) -> list[Rung]:
    """Search under a progress bar, which shows the rung, how many candidates are in it, and the
    best setting so far. Returns the rungs that are done."""
    with Progress(console=console, disable=console.quiet) as progress:
        bar = progress.add_task("search", total=len(search.candidates) * search.rungs[0])

        def watch(index: int, alive: int, newest: Rung | None, count: int) -> None:
            total, best = alive * search.rungs[index], ""
            if newest is not None:
                name = newest.ranked[0].name
                best = f", best {name}: {newest.scores[name]:.3f}"
            words = f"rung {index + 1} of {len(search.rungs)}, {alive} candidates{best}"
            reset = progress.tasks[bar].description != words
            if reset:
                progress.reset(bar, total=total, description=words)
            progress.advance(bar, count)

        return search.conduct(should_stop, watch, command.report)


def make_report(
    search: Search,
    rungs: list[Rung],
    seeds: range,
    splits: Splits,
    interruption: Interruption,
    should_stop: Callable[[], bool],
) -> SearchReport | None:
    """The report, trained and measured; None if stopped before."""
    winner = rungs[-1].ranked[0].recipe
    recipes = report.settings(rungs, search.searched_space, outcome.default_of(winner))
    members = report.members(recipes, seeds, search.out / "report")
    plan = Plan({}, members, search.devices, search.per_device, jax.process_count())
    evaluator, extent = Evaluator(features.of(splits.train.name), splits), EvaluationExtent()
    measurement = Measurement.by(evaluator, extent, command.report)
    trainings = SearchReport(plan, search.out / "report", search.command, splits, measurement)
    command.report("the report: " + ", ".join(recipes))
    is_done = trainings.train(should_stop, lambda _: None, command.report)
    is_done = is_done and trainings.measure(interruption, should_stop)
    return trainings if is_done and trainings.wait(should_stop) else None


def publish(search: Search, rungs: list[Rung], table: str) -> None:
    """Write the page with the report's table, if any, the preset, the lineage and the pictures."""
    winner, space = rungs[-1].ranked[0].recipe, search.searched_space
    machine = environment.machine_and_code(environment.describe())
    score = " + ".join(map(outcome.shown_term, search.scorer.terms))
    protocol = f"{score}; {search.scorer.protocol}"
    page = outcome.page(search.command, machine, protocol, rungs, space, table)
    write_text(search.out / PAGE, page)
    preset = outcome.preset(winner, space, str(search.out / PRESET), search.command)
    write_text(search.out / PRESET, preset)
    write_text(search.out / LINEAGE, outcome.lineage(rungs, space, search.read_measures(rungs)))
    save_png(outcome.score_chart(rungs), search.out / "scores.png")
    save_png(outcome.options_chart(rungs, space), search.out / "options.png")


def plan_search(
    options: Options, start: Recipe, given: Mapping[str, tuple[Any, ...]], words: str
) -> tuple[Search, Splits]:
    """The search that the command line `words` asks for, and all data. Raises UserError."""
    score_terms = terms(options.score)
    base, splits = session.completed(start)
    rule, count = RULES[options.rule], options.rungs or RUNGS[options.rule]
    rungs = rule.rungs(options.steps, count)
    every = options.sample_every_steps or options.steps
    base = base.with_options(
        seed=options.seed, hold_out=True, sample_every_steps=every, keep_checkpoints=1, out=None
    )
    space = candidates.space(options.model, given)
    if options.rule == "evolution" and not space.ranges:
        raise ConfigError("evolution changes numbers; give a real-valued option two of them")
    drawn = candidates.draw(base, given, space, options.members)
    first = rule.begin(drawn, rungs, space)
    evaluator = Evaluator(features.of(splits.train.name), splits, "validation")
    devices = jax.device_count() if options.devices is None else options.devices
    check_devices(devices)
    search = Search(
        rule=rule,
        space=space,
        candidates=tuple(first),
        rungs=tuple(rungs),
        seed=options.seed,
        devices=devices,
        per_device=options.per_device,
        out=options.out or SEARCHES / f"{splits.train.name}-{options.model}-{options.rule}",
        command=words,
        splits=validation.training(splits, hold_out=True),
        scorer=Scorer(evaluator, score_terms, options.samples),
    )
    return search, splits


def main(args: Sequence[str]) -> int:
    """Draw settings, search, report, publish. Returns the exit code."""
    about = "Search the ranges of the options given two numbers and the values of others."
    options, processes, start, given = settings.parse("search", Options, about, args)
    processes.join()
    words = f"python -m experiments.search {shlex.join(args)}"
    search, splits = plan_search(options, start, given, words)
    first = jax.process_index() == 0
    console = Console(file=TolerantStream(sys.stdout), highlight=False, quiet=not first)
    show(console, search, options.report_seeds, splits.train)
    if options.dry_run:
        return 0
    search.prepare()
    stop = machines.SharedStop(search.out)
    with interruptible() as interruption:
        should_stop = lambda: stop.ask(interruption.asked())
        rungs = search.keep_best_averages(conduct(search, console, should_stop))
        is_done, search_report = len(rungs) == len(search.rungs), None
        if is_done and not math.isfinite(min(rungs[-1].scores.values())):
            raise UserError(f"{search.out}: every candidate diverged; try lower step sizes")
        if is_done and options.report_seeds:
            if first and not (search.out / PAGE).exists():  # in case the report fails
                publish(search, rungs, "Not made yet: the same command goes on with it.")
            seeds = range(options.seed + 1, options.seed + 1 + options.report_seeds)
            search_report = make_report(search, rungs, seeds, splits, interruption, should_stop)
            is_done = search_report is not None
    if not is_done:
        again = f"stopped, and saved what there is. To go on: {search.command}"
        console.print(again, markup=False, soft_wrap=True)
        return interruption.exit_code
    if first:
        publish(search, rungs, "" if search_report is None else search_report.table())
        look = f"look at {search.out / PAGE}; the winner is {search.out / PRESET}"
        console.print(look, markup=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    command.run(main, spare=["--per-device", "--batch-size", "--width"])
