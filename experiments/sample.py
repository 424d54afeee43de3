"""Draw from a trained run: `python -m experiments.sample RUN --labels 3 --count 64`."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import jax
import numpy as np
import tyro

from experiments import command
from gen_models import render
from gen_models.algorithm import Key, State
from gen_models.config import Between, ConfigError, validate
from gen_models.data import idx
from gen_models.errors import UserError
from gen_models.training import advance, checkpoint
from gen_models.training import run as runs

BATCH = 500  # images drawn in one dispatch
GRID_IMAGES, GRID_COLUMNS = 400, 20


@dataclass(frozen=True)
class Options:
    """Draw images from a run's newest checkpoint."""

    run: Annotated[Path, tyro.conf.Positional]
    """The folder of the run."""
    labels: tuple[int, ...] = ()
    """Classes to draw, in turn. Default: every class."""
    count: Annotated[int, Between(1, 10_000_000)] = 100
    """How many images."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 1
    """Decides the latents."""
    out: Path | None = None
    """The picture to write, a grid of the first 400 images. Default: drawn.png in the run."""
    idx: Path | None = None
    """Also write all images and labels to IDX files, PREFIX-images-idx3-ubyte and -labels-."""


def newest_state(run: runs.Run) -> State:
    """The state in the newest whole checkpoint. Raises UserError if there is none."""
    template = jax.eval_shape(partial(advance.start, *run.model), jax.random.key(0))
    found = checkpoint.newest(run.checkpoints, template, lambda line: print(line, file=sys.stderr))
    if found is None:
        raise UserError(f"{run.folder} has no checkpoint yet; train it first, or go on with it")
    return jax.device_put(found[1])


def draw(run: runs.Run, state: State, key: Key, labels: np.ndarray) -> np.ndarray:
    """Images f32[N,H,W,1] in [-1,1] for labels i32[N], in dispatches of one size."""
    padded = np.resize(labels, -(-len(labels) // BATCH) * BATCH).reshape(-1, BATCH)
    parts = [
        np.asarray(advance.sample(*run.model, state, jax.random.fold_in(key, i), part))
        for i, part in enumerate(padded)
    ]
    return np.concatenate(parts)[: len(labels)]


def check_labels(options: Options, run: runs.Run, conditional: bool) -> np.ndarray:
    """One label an image, i32[N]. Raises ConfigError for classes that the run does not know."""
    classes = len(run.data.class_names)
    wrong = [label for label in options.labels if not 0 <= label < classes]
    if wrong:
        raise ConfigError(f"labels are {wrong}, expected whole numbers from 0 to {classes - 1}")
    if options.labels and not conditional:
        raise ConfigError(f"{run.config.run.model} is not conditional: it has no use for --labels")
    return np.resize(np.array(options.labels or range(classes), np.int32), options.count)


def main(args: Sequence[str]) -> int:
    """Draw, write, say where. Returns the exit code."""
    options = command.parse("sample", Options, args)
    validate(options)
    run = runs.load(options.run)
    build, spec, config = run.model
    conditional = build(config, spec).conditional
    labels = check_labels(options, run, conditional)
    images = draw(run, newest_state(run), jax.random.key(options.seed), labels)

    shown = min(len(images), GRID_IMAGES)
    columns = min(GRID_COLUMNS, shown)
    picture = render.grid(images[:shown], -(-shown // columns), columns)
    out = options.out or run.folder / "drawn.png"
    render.save_png(picture, out)
    print(f"{shown} of {len(images)} images: {out}")
    if options.idx is not None:
        for kind, array in (("images-idx3", render.to_uint8(images)), ("labels-idx1", labels)):
            path = options.idx.with_name(f"{options.idx.name}-{kind}-ubyte")
            idx.write(path, array.astype(np.uint8))
            print(f"{len(array)} {kind[:6]}: {path}")
    return 0


if __name__ == "__main__":
    command.run(main)
