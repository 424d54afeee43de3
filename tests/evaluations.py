"""Evaluations so small that a test can afford many."""

import contextlib
import shutil
from pathlib import Path

from trainings import write_folder

from experiments import evaluate, train, train_features
from gen_models import runs
from gen_models.evaluation import record

QUICK = ["--width", "4", "--latent-size", "3", "--batch-size", "4", "--steps", "4"]


def make_runs(folder: Path, tiny) -> Path:
    """A folder with `tiny`, its feature net, and runs of three models."""
    data = str(write_folder(folder / "tiny", tiny))
    with contextlib.chdir(folder):
        features = ["--data-dir", data, "--steps", "60", "--encoder-steps", "20"]
        assert train_features.main(features) == 0
        for model, seed in (("cgan", 0), ("cgan", 1), ("dcgan", 0), ("vae", 0)):
            args = ["--model", model, "--seed", str(seed), "--out", f"{model}-{seed}"]
            assert train.main([*args, "--data-dir", data, *QUICK]) == 0
    return folder


def copy_runs(made: Path, folder: Path) -> Path:
    """A copy of what `make_runs` made. Its runs name the data in it."""
    shutil.copytree(made, folder)
    for config in folder.glob(f"*/{runs.CONFIG}"):
        config.write_text(config.read_text().replace(str(made), str(folder)))
    return folder


def evaluated(name: str, *options: str) -> record.Evaluation:
    """The evaluation by the command line of a run in the working folder."""
    assert evaluate.main([name, "--samples", "40", "--draws", "3", *options]) == 0
    return record.read(Path(name) / record.NAME)
