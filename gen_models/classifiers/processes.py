"""Measurement of settings in processes of their own, each with limits of time and memory."""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import psutil

from gen_models.classifiers.results import KILLED, Limits, ResultRow
from gen_models.classifiers.task import FitTask

CHECK_S = 0.1  # between checks of the running processes
MIB = 2**20
REASON = 200  # largest number of characters of a failure
ROOT = Path(__file__).parents[2]  # the folder that holds gen_models
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_tasks(tasks: Sequence[FitTask], limits: Limits, jobs: int) -> Iterator[ResultRow]:
    """Yield the row of each task as soon as it has ended. Tasks start in the given order, `jobs` at
    a time.

    The processes share the cores evenly. Those still running end when the iterator is closed, and
    when this process ends in any way.
    """
    waiting, running = list(tasks), []
    threads = max(1, (os.cpu_count() or 1) // jobs)
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(_Worker(waiting.pop(0), limits, threads))
            for worker in list(running):
                row = worker.poll()
                if row is not None:
                    running.remove(worker)
                    yield row
            time.sleep(CHECK_S)
    finally:
        for worker in running:
            worker.end()


class _Worker:
    """The running process of one task."""

    def __init__(self, task: FitTask, limits: Limits, threads: int) -> None:
        self.task, self.limits = task, limits
        self.files = ExitStack()
        self.output = self.files.enter_context(TemporaryFile())  # noqa: SIM115 (closed by the stack)
        self.errors = self.files.enter_context(TemporaryFile())  # noqa: SIM115
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        self.began, self.peak_mib = time.monotonic(), 0.0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gen_models.classifiers.worker", task.to_json()],
            stdin=subprocess.PIPE,  # closed when this process ends, which ends the worker
            stdout=self.output,
            stderr=self.errors,
            env=environment | dict.fromkeys(THREADS, str(threads)),
            start_new_session=True,  # only this process handles Ctrl-C
        )
        self.files.enter_context(self.process.stdin)

    def poll(self) -> ResultRow | None:
        """The row of a task that has ended, or that exceeds a limit and is ended now; else None."""
        ended = self.process.poll() is not None
        if not ended:
            self.peak_mib = max(self.peak_mib, self._memory_mib())
        row = {
            "number": self.task.number,
            "seed": self.task.seed,
            "images": self.task.images,
            "seconds": _tenths(time.monotonic() - self.began),
            "peak_mib": _tenths(self.peak_mib),
        }
        if ended:
            return ResultRow(**(row | self._outcome()))
        if row["seconds"] > self.limits.minutes * 60:
            self.end()
            return ResultRow(**row, over="time")
        if self.peak_mib > self.limits.memory_gib * 1024:
            self.end()
            return ResultRow(**row, over="memory")
        return None

    def end(self) -> None:
        """Kill the process if it is running, and close its files."""
        self.process.kill()
        self.process.wait()
        self.files.close()

    def _outcome(self) -> dict[str, float | bool | str]:
        """Row fields of the ended process: those that it printed, or why it failed."""
        output, errors = map(_text, (self.output, self.errors))
        code = self.process.returncode
        self.files.close()
        if code == 0:
            return json.loads(output)
        if code < 0:
            return {"failure": f"{KILLED} {-code}"}
        last_line = (errors.strip().splitlines() or [f"ended with code {code}"])[-1]
        if "MemoryError" in last_line:  # more than this machine has, whatever the limit
            return {"over": "memory", "peak_mib": _tenths(self.limits.memory_gib * 1024)}
        return {"failure": last_line[:REASON]}

    def _memory_mib(self) -> float:
        try:
            return psutil.Process(self.process.pid).memory_info().rss / MIB
        except psutil.NoSuchProcess:  # it has ended since
            return 0.0


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _tenths(number: float) -> float:
    """The number rounded up to tenths, so that what is over a limit stays over it."""
    return math.ceil(10 * number) / 10
