"""Measurement of start-up and peak memory, each in a separate process."""

import os
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from gen_models.data.catalog import DATA_DIR_VARIABLE
from gen_models.errors import UserError
from gen_models.storage.cache import cache_folder


class Start(NamedTuple):
    """The start of one process."""

    first_step_s: float  # seconds until the first step was done
    peak_mib: float  # peak memory at the end


def starts(model: str, steps: int) -> tuple[Start, Start]:
    """Starts of a model's default run for a few steps, without and with cached compilations."""
    data = cache_folder("fashion_mnist")  # so that the empty cache does not cost a download
    known = {DATA_DIR_VARIABLE: str(data)} if data.is_dir() else {}
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"XDG_CACHE_HOME": cache} | known
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)  # it would take the place of ours
        cold, warm = (_start(model, steps, environment) for _ in range(2))
    return cold, warm


def _start(model: str, steps: int, environment: dict[str, str]) -> Start:
    command = [sys.executable, "-m", "experiments.benchmark", "--only-start", model]
    began = time.perf_counter()
    with subprocess.Popen(
        [*command, "--steps", str(steps)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        first = None
        lines = []
        for line in process.stdout:
            lines.append(line.strip())
            if line.startswith("first step") and first is None:
                first = time.perf_counter() - began
    peaks = [float(line.split()[-1]) for line in lines if line.startswith("peak MiB")]
    if process.wait() or first is None or not peaks:
        raise UserError(f"the {model} process that was to be measured failed: {lines[-3:]}")
    return Start(first, peaks[-1])
