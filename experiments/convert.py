"""Make a data set of images of your own: `python -m experiments.convert --train FOLDER --test
FOLDER --out my_images`."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments import command
from gen_models.data import catalog
from gen_models.data.folders import shortened_list
from gen_models.data.images import ImagesError, class_folders, read_images
from gen_models.data.own import save_dataset
from gen_models.fields import validate


@dataclass(frozen=True)
class Options:
    """Write images of your own as a data set: a folder for --data-dir of the other commands."""

    train: Path
    """Training images: a folder or zip of PNG pictures, in a sub-folder for each class that is
    named by its label (0, 1, …) or by its name, or an .npz file with `images` and `labels`."""
    test: Path
    """Test images, in one of the same forms."""
    out: Path
    """Folder to write, after whose name the data set is called."""
    unlabelled: bool = False
    """Give all images one class, for images without labels."""


def read(path: Path, class_names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The images u8[N,H,W] and labels i32[N]. Raises UserError."""
    images, labels = read_images(path, class_names)
    if labels is None:
        kind = f"one of {shortened_list(class_names)}" if class_names else "0, 1, … or a name"
        raise ImagesError(
            f"{path} holds no labels; expected pictures in folders that are named by their class "
            f"({kind}), or an .npz file with `images` and `labels`; --unlabelled does without"
        )
    return images, labels


def main(args: Sequence[str]) -> int:
    """Read the images, write the data set, print how to train on it. Returns the exit code."""
    options = command.parse("convert", Options, args)
    validate(options)
    sources = options.train, options.test
    if options.unlabelled:
        train, test = ((read_images(source)[0], None) for source in sources)
        save_dataset(options.out, train, test)
    else:
        class_names = class_folders(options.train)
        train, test = (read(source, class_names) for source in sources)
        save_dataset(options.out, train, test, class_names or None)
    splits = catalog.load_splits(data_dir=options.out)
    for split, data in splits._asdict().items():
        size = "×".join(map(str, data.image_shape))
        print(f"{split}: {len(data.images)} images of {size}; classes: {data.num_classes}")
    print(f"python -m experiments.train --data-dir {shlex.quote(str(options.out))}")
    return 0


if __name__ == "__main__":
    command.run(main)
