"""Measurement of start-up and peak memory, each in a separate process."""

import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from gen_models.benchmark import commands
from gen_models.errors import UserError


class ProcessStart(NamedTuple):
    """The start of one process."""

    first_step_s: float  # seconds until the first step was done
    peak_mib: float  # peak memory at the end


def measure_starts(model: str, steps: int) -> tuple[ProcessStart, ProcessStart]:
    """Starts of a model's default run for a few steps, without and with cached compilations."""
    with tempfile.TemporaryDirectory() as cache:
        changes = commands.fresh_cache(Path(cache))
        cold, warm = (_measure_start(model, steps, changes) for _ in range(2))
    return cold, warm


def _measure_start(model: str, steps: int, changes: commands.Changes) -> ProcessStart:
    args = ["benchmark", "--only-start", model, "--steps", str(steps)]
    began, first_step_s, lines = time.perf_counter(), None, []
    with commands.running(args, subprocess.PIPE, changes) as process:
        for line in process.stdout:
            lines.append(line.strip())
            if line.startswith("first step") and first_step_s is None:
                first_step_s = time.perf_counter() - began
        code = process.wait()
    peaks = [float(line.split()[-1]) for line in lines if line.startswith("peak MiB")]
    if code or first_step_s is None or not peaks:
        raise UserError(f"the {model} process that was to be measured failed: {lines[-3:]}")
    return ProcessStart(first_step_s, peaks[-1])
