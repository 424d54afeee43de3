"""Draw from a trained run: `python -m experiments.sample RUN --labels 3 --count 64`."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from experiments import command
from gen_models import render, runs
from gen_models.data import idx
from gen_models.fields import Between, ConfigError, validate
from gen_models.sampling import drawing

GRID_IMAGES = 400


@dataclass(frozen=True)
class Options:
    """Draw images from a run's newest checkpoint, or from its best."""

    run: Annotated[Path, tyro.conf.Positional]
    """The folder of the run."""
    labels: tuple[int, ...] = ()
    """Classes to draw, in turn, from a conditional model. Default: every class."""
    count: Annotated[int, Between(1, 1_000_000)] = 100
    """How many images."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 1
    """Decides the latents."""
    best: bool = False
    """Take the best checkpoint that --eval-every kept, not the last one."""
    out: Path | None = None
    """The picture to write, a grid of the first 400 images. Default: drawn.png in the run."""
    idx: Path | None = None
    """Prefix of IDX files to write too: PREFIX-images-idx3-ubyte with all images, and from a
    conditional model PREFIX-labels-idx1-ubyte."""


def check_labels(options: Options, run: runs.Run, conditional: bool) -> np.ndarray:
    """One label an image, i32[N]. Raises ConfigError for classes that the run does not know."""
    classes = len(run.data.class_names)
    wrong = [label for label in options.labels if not 0 <= label < classes]
    if wrong:
        raise ConfigError(f"labels are {wrong}, expected whole numbers from 0 to {classes - 1}")
    if options.labels and not conditional:
        raise ConfigError(f"{run.config.run.model} is not conditional: it has no use for --labels")
    return np.resize(np.array(options.labels or range(classes), np.int32), options.count)


def write_idx(prefix: Path, images: np.ndarray, labels: np.ndarray | None) -> None:
    """IDX files of images u8[N,H,W] and, if they mean something, labels i32[N]."""
    arrays = {"images-idx3": images}
    if labels is not None:
        arrays["labels-idx1"] = labels.astype(np.uint8 if labels.max() < 256 else np.int32)
    for kind, array in arrays.items():
        path = prefix.parent / f"{prefix.name}-{kind}-ubyte"
        idx.write(path, array)
        print(f"{len(array)} {kind[:6]}: {path}")


def main(args: Sequence[str]) -> int:
    """Draw, write, say where. Returns the exit code."""
    options = command.parse("sample", Options, args)
    validate(options)
    run = runs.load(options.run)
    build, spec, config = run.model
    conditional = build(config, spec).conditional
    labels = check_labels(options, run, conditional)
    key = drawing.key_for(drawing.Purpose.SAMPLES, options.seed)
    state = drawing.newest_state(run, partial(print, file=sys.stderr), best=options.best)
    images = drawing.draw(run.model, state, key, labels)

    shown = min(len(images), GRID_IMAGES)
    columns = math.ceil(math.sqrt(shown))
    picture = render.grid(images[:shown], -(-shown // columns), columns)
    out = options.out or run.folder / "drawn.png"
    render.save_png(picture, out)
    print(f"{shown} of {len(images)} images: {out}")
    if options.idx is not None:
        write_idx(options.idx, images, labels if conditional else None)
    return 0


if __name__ == "__main__":
    command.run(main)
