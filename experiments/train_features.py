"""Train the feature nets of a data set: `python -m experiments.train_features --data-dir
FOLDER`."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments import command
from gen_models.data import catalog
from gen_models.data.catalog import Splits
from gen_models.errors import UserError
from gen_models.evaluation import classifier, encoder, features
from gen_models.evaluation.fitting import LossReport
from gen_models.fields import Seed, validate
from gen_models.storage.files import with_ending


@dataclass(frozen=True)
class Options:
    """Train the two nets that measures use in place of ImageNet's Inception, in minutes."""

    dataset: str | None = None
    """Data set: fashion_mnist or mnist, which are still measured with their shipped nets. Default:
    the one in --data-dir, else fashion_mnist."""
    data_dir: Path | None = None
    """Folder with the four IDX files of the data set."""
    steps: classifier.Steps = 5600
    """Training steps of the classifier; 5600 are 12 epochs of 60,000 images."""
    encoder_steps: classifier.Steps = 2500
    """Training steps of the encoder, which sees no labels."""
    mirror: bool = False
    """Train the classifier on mirrored images too: right for clothes, wrong for digits."""
    seed: Seed = 0
    """Seed of the initial weights, the order of the data and its augmentation."""
    out: Path | None = None
    """Weights to write, a .safetensors file. Default: results/features/<data set>.safetensors."""


def progress(net: str, steps: int) -> LossReport:
    """A function that prints a line about a net's training, called every few hundred steps."""
    return lambda step, loss: print(f"{net}: step {step}/{steps}  loss {loss:.3f}", flush=True)


def check(out: Path, splits: Splits) -> None:
    """Raise UserError if `out` exists, as measures may depend on it, or if the features of the data
    have no covariance."""
    for split, data in splits._asdict().items():
        if len(data.images) < 2:
            raise UserError(
                f"{data.name} has one {split} image, expected 2 or more of each split to compare "
                "samples with"
            )
    if out.exists():
        raise UserError(f"{out} is there already; delete it, or choose another file with --out")


def main(args: Sequence[str]) -> int:
    """Train and write the nets, print the classifier's test accuracy. Returns the exit code."""
    options = command.parse("train_features", Options, args)
    validate(options)
    out = with_ending(options.out, ".safetensors")
    splits = catalog.load_splits(options.dataset, options.data_dir)
    name = splits.train.name
    out = out or features.OWN / f"{name}.safetensors"
    check(out, splits)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=out.parent):  # an error here costs no minutes of work
        pass
    began = time.perf_counter()
    encoder_weights = encoder.train(
        splits.train,
        encoder.Config(steps=options.encoder_steps),
        options.seed,
        progress("encoder", options.encoder_steps),
    )
    classifier_weights = classifier.train(
        splits.train,
        classifier.Config(steps=options.steps, mirror=options.mirror),
        options.seed,
        progress("classifier", options.steps),
    )
    seconds = time.perf_counter() - began
    recorded = ("encoder_steps", "steps", "mirror", "seed")
    record = {name: getattr(options, name) for name in recorded}
    net = features.save(out, encoder_weights, classifier_weights, splits, record)
    print(f"{net.name}: test accuracy {net.record['accuracy']:.4f} after {seconds:.0f} s: {out}")
    if features.net_path(name).resolve() != out.resolve():
        print(f"to measure with it, and not with {name}'s own: --features {out}")
    return 0


if __name__ == "__main__":
    command.run(main)
