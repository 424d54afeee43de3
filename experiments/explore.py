"""Play with models in a browser: `python -m experiments.explore RUN [RUN …]` writes one page."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated

import tyro

from experiments import command
from gen_models import explorer
from gen_models.fields import ConfigError, validate
from gen_models.sampling import portable
from gen_models.storage.files import with_ending, write_text

PAGES = Path("results/explorer")


@dataclass(frozen=True)
class Options:
    """Write one HTML file in which the models run, to be played with in a browser, also from disk
    and without a network."""

    models: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Run folders, saved model files, or names of shipped models, such as fashion_mnist-cgan; all
    of one data set. Default: the shipped models, in a page for each data set."""
    out: Path | None = None
    """Page to write, an .html file. Default: results/explorer/NAME.html, where NAME is the only
    model or the data set."""


def shipped() -> list[list[Path]]:
    """The names of the shipped models, grouped by data set."""
    names = sorted(portable.SHIPPED)
    return [list(map(Path, group)) for _, group in groupby(names, lambda name: name.split("-")[0])]


def main(args: Sequence[str]) -> int:
    """Write the pages, print their paths and sizes. Returns the exit code."""
    options = command.parse("explore", Options, args)
    validate(options)
    out = with_ending(options.out, ".html")
    pages = [list(options.models)] if options.models else shipped()
    if out and len(pages) > 1:
        raise ConfigError("--out is one page, and the shipped models have several; name models")
    for models in pages:
        page = explorer.make_page(models, command.report)
        path = out or PAGES / f"{page.name}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, page.text)
        print(f"{path}: {len(page.text.encode()) / 1e6:.1f} MB, {page.weights:,} weights")
    return 0


if __name__ == "__main__":
    command.run(main)
