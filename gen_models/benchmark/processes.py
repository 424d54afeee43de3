"""What can only be measured from outside: start-up and peak memory of a process of its own."""

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
    """Of one process: seconds until it had done its first step, its peak memory at the end."""

    first_step_s: float
    peak_mib: float


def starts(model: str, steps: int) -> tuple[Start, Start]:
    """The default run of a model for a few steps: nothing compiled is cached, then all is."""
    data = cache_folder("fashion_mnist")  # the empty cache must not cost a download
    known = {DATA_DIR_VARIABLE: str(data)} if data.is_dir() else {}
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"XDG_CACHE_HOME": cache} | known
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
