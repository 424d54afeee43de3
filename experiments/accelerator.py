"""Try out a GPU or TPU: `python -m experiments.accelerator`. Nothing else may use it meanwhile."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from experiments import command
from gen_models.accelerator import report
from gen_models.accelerator.extent import FULL, SHORT
from gen_models.fields import Between, check_known, validate
from gen_models.runs.recipe import known_model
from gen_models.storage.files import write_text


@dataclass(frozen=True)
class Options:
    """Measure whether this machine's GPU or TPU computes what a CPU does, whether it repeats its
    results, and how fast it is, in parts that each have a time limit. On a CPU: a short form."""

    parts: tuple[str, ...] = ()
    """Parts to measure. Default: those that the report lacks."""
    models: tuple[str, ...] = ()
    """Models to compare and to time. Default: all of them."""
    short: bool = False
    """Use the short form on a GPU or TPU too."""
    minutes: Annotated[float, Between(0.1, 10_000)] = 8.0
    """Time limit. What is left of it after the parts goes to the scoreboard."""
    out: Path = Path("results/accelerator")
    """Folder of the report, CARD.md and CARD.json."""
    into: Path | None = None
    """File for the figures of a single part, which is measured in this process: used by the
    report."""
    describe: bool = False
    """Write a description of the machine to --into instead: used by the report."""


def main(args: Sequence[str]) -> int:
    """Make the report and print it. Returns the exit code: 1 if a part failed."""
    options = command.parse("accelerator", Options, args)
    validate(options)
    for part in options.parts:
        check_known("part", part, report.PARTS)
    models = tuple(known_model(model) for model in options.models)
    if options.into is not None:
        if options.describe:
            write_text(options.into, json.dumps(report.describe_machine()))
            return 0
        for part in options.parts:
            extent = SHORT if options.short else FULL
            extent = extent._replace(models=models or extent.models)
            report.measure(part, extent, options.into)
        return 0
    options.out.mkdir(parents=True, exist_ok=True)  # an error here costs no minutes of work
    say = lambda line: print(line, file=sys.stderr, flush=True)
    card_report = report.CardReport(options.out, options.short or None, models, say)
    try:
        is_whole = card_report.make(options.parts or card_report.missing(), options.minutes)
    finally:  # whatever fails or is interrupted, what was found is shown
        print(card_report.prefix.with_suffix(".md").read_text())
    return 0 if is_whole else 1


if __name__ == "__main__":
    command.run(main)
