"""What several test files share: tiny data, and tiny models on it."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest
from trainings import write_folder

from gen_models.data.catalog import Dataset, Splits
from gen_models.storage.cache import cache_folder

# Most of a test's time is XLA's: keep its programs from one run of the tests to the next.
jax.config.update("jax_compilation_cache_dir", str(cache_folder("xla-tests")))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)

TINY_OPTIONS = {"width": 4, "latent_size": 3}  # every model has these two


def make_split(seed: int, count: int, size: tuple[int, int] = (8, 8)) -> Dataset:
    """A split of `count` images. Labels 0, 1, 2, 0, …; a bright band whose place is the class's."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int32) % 3
    images = rng.integers(0, 60, (count, *size), dtype=np.uint8)
    for label in range(3):
        images[labels == label, 2 * label : 2 * label + 3] += 190
    digest = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    for array in (images, labels):
        array.flags.writeable = False
    return Dataset("tiny", images, labels, ("zero", "one", "two"), digest)


@pytest.fixture(scope="session")
def tiny() -> Splits:
    """A tiny data set in memory: `tiny.train` of 70 images, `tiny.test` of 20, 8×8, of 3 classes
    told apart by a bright band."""
    return Splits(make_split(0, 70), make_split(1, 20))


@pytest.fixture(scope="session")
def tiny_options() -> dict[str, int]:
    """The options that make any model tiny."""
    return dict(TINY_OPTIONS)


@pytest.fixture(scope="session")
def quick_jit() -> Callable:
    """`jax.jit` for tests of arithmetic, not speed: leaves out what takes XLA most of its time."""
    options = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
    return partial(jax.jit, compiler_options=options)


@pytest.fixture
def tiny_folder(tmp_path: Path, tiny: Splits) -> Path:
    """A folder called `tiny` with the four IDX files of `tiny`, for `--data-dir`."""
    return write_folder(tmp_path / "tiny", tiny)
