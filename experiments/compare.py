"""Compare runs side by side: `python -m experiments.compare RUN RUN [RUN …]`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from experiments import command
from gen_models import render, runs
from gen_models.comparison import page, pictures, sections
from gen_models.fields import ConfigError, validate
from gen_models.storage.files import write_text


@dataclass(frozen=True)
class Options:
    """Compare runs side by side: samples of the same classes and latents, curves, measures."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders of the runs to compare. Runs that differ only in their seed share a column."""
    out: Path = Path("results/comparison")
    """Prefix of the .html and .png files to write."""


def main(args: Sequence[str]) -> int:
    """Draw and write the comparison, print its paths. Returns the exit code."""
    options = command.parse("compare", Options, args)
    validate(options)
    if not options.runs:
        raise ConfigError("name one run or more")
    by_dataset: dict[str, list[runs.Run]] = {}
    for run in map(runs.load, options.runs):
        by_dataset.setdefault(run.options.dataset, []).append(run)
    shown = [sections.section(name, found) for name, found in by_dataset.items()]
    html = options.out.with_name(f"{options.out.name}.html")
    html.parent.mkdir(parents=True, exist_ok=True)
    write_text(html, page.page("Comparison", shown))
    png = options.out.with_name(f"{options.out.name}.png")
    render.save_png(pictures.whole(shown), png)
    print(f"{html}\n{png}")
    return 0


if __name__ == "__main__":
    command.run(main)
