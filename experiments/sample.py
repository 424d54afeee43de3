"""Draw from a trained model: `python -m experiments.sample RUN --labels 3 --count 64`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from experiments import command
from gen_models import render, trained
from gen_models.data import idx
from gen_models.data.own import compact
from gen_models.fields import Between, Samples, Seed, counted, validate
from gen_models.storage.files import check_parent, check_prefix, with_ending

GRID_IMAGES = 400


@dataclass(frozen=True)
class Options:
    """Draw images from a run's newest or best checkpoint, a saved model or a shipped model."""

    model: Annotated[Path, tyro.conf.Positional]
    """Run folder, saved model file, or name of a shipped model, such as fashion_mnist-cgan."""
    labels: tuple[int | str, ...] = ()
    """Classes to draw in turn, from a conditional model, by number or name (dress "ankle boot").
    Default: all classes."""
    count: Samples = 100
    """Number of images to draw."""
    seed: Seed = 1
    """Seed of the latents that are drawn."""
    best: bool = False
    """Use the best checkpoint that --evaluate-every-steps kept instead of the last one."""
    ema_decay: Annotated[float, Between(0, 1)] | None = None
    """Decay of the averaged weights to draw from, for a run that kept several (--ema-decays)."""
    out: Path | None = None
    """Picture to write, a grid of the first 400 images: a .png file. Default: drawn.png in the run,
    or MODEL.png in the working folder."""
    idx: Path | None = None
    """Prefix of IDX files to write as well: PREFIX-images-idx3-ubyte with all images and, for a
    conditional model, PREFIX-labels-idx1-ubyte."""


def write_idx(prefix: Path, images: np.ndarray, labels: np.ndarray | None) -> None:
    """Write images u8[N,H,W] and, unless None, labels i32[N] as IDX files named after `prefix`."""
    arrays = {"images-idx3": images}
    if labels is not None:
        arrays["labels-idx1"] = compact(labels)
    for kind, array in arrays.items():
        path = prefix.parent / f"{prefix.name}-{kind}-ubyte"
        idx.write(path, array)
        print(f"{len(array)} {kind[:6]}: {path}")


def main(args: Sequence[str]) -> int:
    """Draw the images, write the files, print their paths. Returns the exit code."""
    options = command.parse("sample", Options, args)
    validate(options)
    out = with_ending(options.out, ".png")
    check_prefix(options.idx, "--idx")
    model = trained.load(options.model, best=options.best, ema_decay=options.ema_decay)
    folder = options.model if options.model.is_dir() else None
    out = out or (folder / "drawn.png" if folder else Path(f"{model.name}.png"))
    for path in filter(None, (out, options.idx)):
        check_parent(path)
    labels = options.labels or None
    images = model.sample(options.count, labels, options.seed)
    shown = images[:GRID_IMAGES]
    render.save_png(render.grid(shown), out)
    print(f"{len(shown)} of {counted(len(images), 'image')}: {out}")
    if options.idx is not None:
        drawn = model.labels_in_turn(options.count, labels) if model.conditional else None
        write_idx(options.idx, images, drawn)
    return 0


if __name__ == "__main__":
    command.run(main, spare=["--count"])
