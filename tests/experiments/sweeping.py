"""Sweeps by the command line so small that a test can afford many."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from experiments import command
from gen_models import render
from gen_models.sweep import estimate

MODEL = ["--model", "vae", "--width", "4", "--latent-size", "3", "--batch-size", "4"]
SMALL = [*MODEL, "--steps", "6", "--sample-every-steps", "3"]
FOUR = ["--beta", "1", "2", "--seeds", "2", "--no-evaluate"]
NAMES = [f"beta={beta},seed={seed}" for beta in (1.0, 2.0) for seed in (0, 1)]


def hasten(patch: pytest.MonkeyPatch) -> None:
    """Leave out the curves, which take longest, and the measuring of this machine."""
    patch.setattr(render, "curves", lambda *_: None)
    patch.setattr(estimate, "matmul", lambda: (lambda: 1.0, lambda _: 1e9))
    patch.setattr(command, "_discard_output", lambda: None)


def completed(args: Sequence, usual: Sequence) -> list:
    """The words of a command line, after the options of `usual` that it does not give, with their
    values."""
    words, is_kept = [], True
    for word in usual:
        if str(word).startswith("--"):
            is_kept = word not in args
        words += [word] * is_kept
    return [*words, *args]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
