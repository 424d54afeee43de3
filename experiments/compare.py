"""Compare runs side by side: `python -m experiments.compare RUN RUN [RUN …]`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from experiments import command
from gen_models import explorer, render, runs, trained
from gen_models.comparison import page, pictures, sections
from gen_models.data.known import CATALOG
from gen_models.fields import ConfigError, validate
from gen_models.sampling.portable import SHIPPED, SUFFIX
from gen_models.storage.files import without_ending, write_text


@dataclass(frozen=True)
class Options:
    """Compare runs side by side: samples of the same classes and latents, curves, measures."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders of the runs to compare. Runs that differ only in their seed share a column."""
    out: Path = Path("results/comparison")
    """Prefix of the .html and .png files to write, with or without one of these endings, and of
    PREFIX-explorer-DATASET.html, a page for each data set in which the models run."""


def load_run(source: Path) -> runs.Run:
    """The run in a folder. Raises UserError, also for a saved or shipped model, which has no
    metrics to compare."""
    if source.is_dir() or not (str(source) in SHIPPED or source.suffix == SUFFIX):
        return runs.load(source)
    options = trained.load(source).recipe.options
    data = f"--dataset {options.dataset}" if options.dataset in CATALOG else "--data-dir FOLDER"
    raise ConfigError(
        f"{source} is a model without the metrics of its run, which a comparison shows; "
        "evaluate, sample, embed and explore take it; a run like it is made by "
        f"python -m experiments.train --model {options.model} {data}"
    )


def main(args: Sequence[str]) -> int:
    """Draw and write the comparison, print its paths. Returns the exit code."""
    options = command.parse("compare", Options, args)
    validate(options)
    if not options.runs:
        raise ConfigError("name one run or more")
    out = without_ending(options.out, ".html", ".png")
    by_dataset: dict[str, list[runs.Run]] = {}
    for run in map(load_run, options.runs):
        by_dataset.setdefault(run.options.dataset, []).append(run)
    out.parent.mkdir(parents=True, exist_ok=True)
    html, png = (out.with_name(out.name + suffix) for suffix in (".html", ".png"))
    parts, explorers = [], []
    for name, compared in by_dataset.items():
        playing = out.with_name(f"{out.name}-explorer-{name}.html")
        folders = [run.folder for run in sections.shown_runs(compared)]
        made = explorer.write_page(playing, folders, command.report)
        if made:
            explorers.append(playing)
        parts.append(sections.section(name, compared, playing.name if made else ""))
    write_text(html, page.page("Comparison", parts))
    render.save_png(pictures.whole(parts), png)
    print(html, png, *explorers, sep="\n")
    return 0


if __name__ == "__main__":
    command.run(main)
