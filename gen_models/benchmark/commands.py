"""This project's commands, run in processes of their own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from gen_models.data.catalog import DATA_DIR_VARIABLE
from gen_models.errors import UserError
from gen_models.storage.cache import cache_folder

Changes = Mapping[str, str | None]  # environment variables to set; None: to unset

SHOWN = 300  # characters of a failed command's output
CHECK_S = 0.5  # between calls of `should_stop`
PATIENCE_S = 20  # until a process that was told to stop is killed


class CommandResult(NamedTuple):
    """A command that has ended."""

    code: int  # exit code; negative if a signal ended it
    seconds: float  # from its start to its end
    output: str  # what it wrote to both streams

    def check(self) -> "CommandResult":
        """Returns self. Raises UserError with the end of the output if the command failed."""
        if self.code:
            raise UserError(f"exit code {self.code}: {self.output.strip()[-SHOWN:]}")
        return self


def run(
    args: Sequence[str],
    changes: Changes | None = None,
    limit_s: float | None = None,
    *,
    group: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
) -> CommandResult:
    """Run `python -m experiments.ARGS` to its end, or stop it as by Ctrl-C after `limit_s` or when
    `should_stop` returns True. With `group`, all processes that it started end with it."""
    began = time.monotonic()
    with TemporaryFile("w+") as log, running(args, log, changes, group=group) as process:
        while process.poll() is None and not should_stop():
            left = None if limit_s is None else limit_s - (time.monotonic() - began)
            if left is not None and left <= 0:
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(CHECK_S if left is None else min(left, CHECK_S))
        stop(process, group=group)
        log.seek(0)
        return CommandResult(process.returncode, time.monotonic() - began, log.read())


@contextmanager
def running(
    args: Sequence[str],
    log: IO[str] | int,
    changes: Changes | None = None,
    *,
    group: bool = False,
) -> Iterator[subprocess.Popen]:
    """Run `python -m experiments.ARGS` in the background, and stop it as by Ctrl-C at the end of
    the block. It writes to `log`, a file or subprocess.PIPE. With `group`, all processes that it
    started are stopped with it."""
    command, *others = args
    line = [sys.executable, "-m", f"experiments.{command}", *others]
    variables = os.environ | (changes or {})
    environment = {name: value for name, value in variables.items() if value is not None}
    with subprocess.Popen(
        line,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=group,
    ) as process:
        try:
            yield process
        finally:
            stop(process, group=group)


def stop(process: subprocess.Popen, *, group: bool = False) -> None:
    """Interrupt a process, or the group that it leads, and kill it if it has not ended after
    PATIENCE_S."""
    send = partial(os.killpg, process.pid) if group else process.send_signal
    if process.poll() is None:
        send(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_S)
    if group or process.poll() is None:
        with contextlib.suppress(ProcessLookupError):  # all have ended
            send(signal.SIGKILL)
        process.wait()


def with_flags(flags: str) -> Changes:
    """Changes that add `flags` to the XLA flags of this process."""
    return {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()}


def fresh_cache(folder: Path) -> Changes:
    """Changes that make a process compile everything again, yet find the data sets of this one."""
    changes = {"XDG_CACHE_HOME": str(folder), "JAX_COMPILATION_CACHE_DIR": None}
    data = cache_folder("fashion_mnist")  # so that the empty cache does not cost a download
    if data.is_dir() and DATA_DIR_VARIABLE not in os.environ:
        changes[DATA_DIR_VARIABLE] = str(data)
    return changes
