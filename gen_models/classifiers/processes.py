"""Settings in processes of their own, each with a limit of time and of memory."""

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

from gen_models.classifiers.results import KILLED, Limits, Row
from gen_models.classifiers.task import Task

CHECK_S = 0.1  # between looks at the running processes
MIB = 2**20
REASON = 200  # most characters of a failure
ROOT = Path(__file__).parents[2]  # the folder that holds gen_models
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def rows(tasks: Sequence[Task], limits: Limits, jobs: int) -> Iterator[Row]:
    """The row of each task as soon as it has ended, `jobs` at a time, started in the given order.

    The processes share the cores evenly. Those that run when the iterator is closed are ended, and
    so are they when this process ends in any way.
    """
    waiting, running = list(tasks), []
    threads = max(1, (os.cpu_count() or 1) // jobs)
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(_Worker(waiting.pop(0), limits, threads))
            for worker in list(running):
                row = worker.look()
                if row is not None:
                    running.remove(worker)
                    yield row
            time.sleep(CHECK_S)
    finally:
        for worker in running:
            worker.end()


class _Worker:
    """The running process of one task."""

    def __init__(self, task: Task, limits: Limits, threads: int) -> None:
        self.task, self.limits = task, limits
        self.files = ExitStack()
        self.output = self.files.enter_context(TemporaryFile())  # noqa: SIM115 (closed by the stack)
        self.errors = self.files.enter_context(TemporaryFile())  # noqa: SIM115
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        self.began, self.peak_mib = time.monotonic(), 0.0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gen_models.classifiers.worker", task.to_json()],
            stdin=subprocess.PIPE,  # its end, when this process ends, ends the other
            stdout=self.output,
            stderr=self.errors,
            env=environment | dict.fromkeys(THREADS, str(threads)),
            start_new_session=True,  # Ctrl-C is this process's to handle
        )
        self.files.enter_context(self.process.stdin)

    def look(self) -> Row | None:
        """The row, if the task has ended or is ended now for running over a limit."""
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
            return Row(**(row | self._outcome()))
        if row["seconds"] > self.limits.minutes * 60:
            self.end()
            return Row(**row, over="time")
        if self.peak_mib > self.limits.memory_gib * 1024:
            self.end()
            return Row(**row, over="memory")
        return None

    def end(self) -> None:
        """End the process at once, if it runs, and free what it held."""
        self.process.kill()
        self.process.wait()
        self.files.close()

    def _outcome(self) -> dict[str, float | bool | str]:
        """What the ended process has printed, or the last line of its complaint."""
        output, errors = map(_text, (self.output, self.errors))
        code = self.process.returncode
        self.files.close()
        if code == 0:
            return json.loads(output)
        if code < 0:
            return {"failure": f"{KILLED} {-code}"}
        said = (errors.strip().splitlines() or [f"ended with code {code}"])[-1]
        if "MemoryError" in said:  # more than this machine has, whatever the limit
            return {"over": "memory", "peak_mib": _tenths(self.limits.memory_gib * 1024)}
        return {"failure": said[:REASON]}

    def _memory_mib(self) -> float:
        try:
            return psutil.Process(self.process.pid).memory_info().rss / MIB
        except psutil.NoSuchProcess:  # it has ended since
            return 0.0


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _tenths(number: float) -> float:
    """The number rounded up, so that what is over a limit stays over it."""
    return math.ceil(10 * number) / 10
