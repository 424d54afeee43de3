"""Play with models in a browser: `python -m experiments.explore RUN [RUN …]` writes one page."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from experiments import command
from gen_models import explorer
from gen_models.fields import ConfigError, validate
from gen_models.storage.files import write_text


@dataclass(frozen=True)
class Options:
    """Write one HTML file in which the models run, to be played with in a browser, also from disk
    and without a network."""

    models: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Run folders, saved model files, or names of shipped models, such as fashion_mnist-cgan; all
    of one data set."""
    out: Path = Path("results/explorer.html")
    """HTML file to write."""


def main(args: Sequence[str]) -> int:
    """Write the page, print its path and size. Returns the exit code."""
    options = command.parse("explore", Options, args)
    validate(options)
    if not options.models:
        raise ConfigError("name one run or more")
    made = explorer.made(options.models, lambda line: print(line, file=sys.stderr))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_text(options.out, made.text)
    print(f"{options.out}: {len(made.text.encode()) / 1e6:.1f} MB, {made.weights:,} weights")
    return 0


if __name__ == "__main__":
    command.run(main)
