"""Maps of real images and samples: `python -m experiments.embed RUN [RUN …] --method tsne`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from experiments import command
from gen_models import maps, render
from gen_models.fields import Between, validate
from gen_models.maps import report
from gen_models.maps.making import MapOptions
from gen_models.render import Stages
from gen_models.storage.files import without_ending

MAPS = Path("results/maps")


@dataclass(frozen=True)
class Options(MapOptions):
    """Put real images and models' samples into one map, to see and judge the models: a page that
    opens from disk, a picture, coordinates and numbers."""

    models: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Run folders, saved model files, or names of shipped models, all of one data set. Without any,
    the map is of real images alone."""
    dataset: str | None = None
    """Data set of a map without models: fashion_mnist or mnist. Default: that of --data-dir, else
    fashion_mnist."""
    data_dir: Path | None = None
    """Folder with the four IDX files. Not needed for a run, unless its data have moved."""
    points: Annotated[int, Between(1, 200_000)] = 20_000
    """Largest number of points in the page, some 500 bytes each. The picture and the CSV file have
    all."""
    out: Path | None = None
    """Prefix of the .html, .png, .csv and .json files to write, with or without one of these
    endings. Default: results/maps/DATASET-METHOD-SPACE."""


def main(args: Sequence[str]) -> int:
    """Make the map, write its files, print its numbers. Returns the exit code."""
    options = command.parse("embed", Options, args)
    validate(options)
    out = without_ending(options.out, ".html", ".png", ".csv", ".json")
    with Stages() as stages:
        image_map = maps.make_map(
            options.models, options.dataset, options.data_dir, options, stages.report
        )
        out = out or MAPS / f"{image_map.dataset}-{options.method}-{options.space}"
        out.parent.mkdir(parents=True, exist_ok=True)
        stages.report("files", None)
        paths = maps.write(image_map, out, options.points)
    console = Console(highlight=False)
    for line in report.lines(image_map):
        console.print(line, markup=False, soft_wrap=True)
    if options.models:
        for table in render.terminal_tables(report.rows(image_map), console.width):
            console.print(table)
    for region in report.missed_regions(image_map):
        console.print(f"missed by {region.text}", markup=False, soft_wrap=True)
    print("\n".join(map(str, paths)))
    return 0


if __name__ == "__main__":
    command.run(main, spare=["--images", "--samples"])
