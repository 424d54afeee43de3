"""Train the feature net of a data set: `python -m experiments.train_features --data-dir FOLDER`."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from experiments import command
from gen_models.data import catalog
from gen_models.errors import UserError
from gen_models.evaluation import classifier, features
from gen_models.fields import Between, ConfigError, validate


@dataclass(frozen=True)
class Options:
    """Train the classifier that measures use in place of ImageNet's Inception. Takes minutes."""

    dataset: str | None = None
    """Data set: fashion_mnist, mnist, or nothing for what --data-dir holds. These two have a
    shipped net, which stays the one that they are measured with."""
    data_dir: Path | None = None
    """Folder with the four IDX files."""
    steps: classifier.Steps = 5600
    """Updates of 128 images; 5600 are 12 epochs of 60,000."""
    mirror: bool = False
    """Train on mirrored images too. Right for clothes, wrong for digits."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0
    """Seed of the initial weights, the order of the data and its augmentation."""
    out: Path | None = None
    """Weights to write, a .safetensors. Default: results/features/<data set>.safetensors."""


def progress(steps: int) -> Callable[[int, float], None]:
    """Prints a line every few hundred steps."""
    return lambda step, loss: print(f"step {step}/{steps}  loss {loss:.3f}", flush=True)


def check(out: Path) -> None:
    """Refuse to replace a net: numbers that were made with it could not be made again."""
    if out.suffix != ".safetensors":
        raise ConfigError(f"--out is {out}, expected the name of a .safetensors file")
    if out.exists():
        raise UserError(f"{out} is there already; delete it, or choose another file with --out")


def main(args: Sequence[str]) -> int:
    """Train, write, say how well it classifies. Returns the exit code."""
    options = command.parse("train_features", Options, args)
    validate(options)
    splits = catalog.load_splits(options.dataset, options.data_dir)
    name = splits.train.name
    out = options.out or features.OWN / f"{name}.safetensors"
    check(out)
    config = classifier.Config(steps=options.steps, mirror=options.mirror)
    began = time.perf_counter()
    weights = classifier.train(splits.train, config, options.seed, progress(options.steps))
    seconds = time.perf_counter() - began
    out.parent.mkdir(parents=True, exist_ok=True)
    record = {"steps": options.steps, "mirror": options.mirror, "seed": options.seed}
    net = features.save(out, weights, splits, record)
    print(f"{net.name}: test accuracy {net.record['accuracy']:.4f} after {seconds:.0f} s: {out}")
    if features.net_path(name).resolve() != out.resolve():
        print(f"to measure with it, and not with {name}'s own: --features {out}")
    return 0


if __name__ == "__main__":
    command.run(main)
