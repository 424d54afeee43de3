"""Group images without their labels and score the groups: `python -m experiments.cluster`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from experiments import command
from gen_models import render
from gen_models.clusters import making, report
from gen_models.clusters.making import ClusterOptions
from gen_models.fields import validate
from gen_models.render import Stages
from gen_models.storage.files import sole_writer, without_ending, write_text

CLUSTERS = Path("results/clusters")


@dataclass(frozen=True)
class Options(ClusterOptions):
    """Cluster a data set's images in several ways, and score the clusters by the labels. What has
    been done is not done again: the same command continues."""

    models: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Run folders, saved model files, or names of shipped models, all of one data set: VAEs, whose
    latents are clustered, and runs of infogan, which recognise a category themselves."""
    dataset: str | None = None
    """Data set: fashion_mnist or mnist. Default: that of the models or of --data-dir, else
    fashion_mnist."""
    data_dir: Path | None = None
    """Folder with the four IDX files. Not needed for a run, unless its data have moved."""
    out: Path | None = None
    """Prefix of the .json and .md files to write, with or without one of these endings, and of the
    pictures. Default: results/clusters/DATASET."""


def main(args: Sequence[str]) -> int:
    """Cluster, write each result and the page at once, print the table. Returns the exit
    code."""
    options = command.parse("cluster", Options, args)
    validate(options)
    out = without_ending(options.out, ".json", ".md")
    results = None
    with Stages() as stages:
        task = making.load_task(
            options.models, options.dataset, options.data_dir, options, stages.report
        )
        out = out or CLUSTERS / task.dataset
        out.parent.mkdir(parents=True, exist_ok=True)
        page = out.with_name(f"{out.name}.md")
        for _ in making.run_task(task, out, options, stages.report):
            with sole_writer(page):
                results = making.read_results(task, out)
                write_text(page, report.page(results, out))
    console = Console(highlight=False)
    for table in render.terminal_tables(report.rows(results), console.width):
        console.print(table)
    print(page)
    return 0


if __name__ == "__main__":
    command.run(main, spare=["--images"])
