"""Cooperation of several processes, on one machine or several."""

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import jax

from gen_models.errors import UserError
from gen_models.storage.files import write_text

HEARTBEAT_S = 20  # until the others notice that a process has ended
JOIN_S = 120  # time limit for all processes to appear
SHUTDOWN_S = 7 * 24 * 3600  # time limit for all to end; a lost heartbeat is noticed earlier
# Variables that launchers set in each process: number of processes, and index of this one. A
# process that mpirun starts inside of a Slurm step also has Slurm's variables, of mpirun's own
# step. SLURM_NTASKS would not do: it is set in the whole allocation, where a process may have been
# started by hand.
LAUNCHERS = (
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),  # mpirun of Open MPI
    ("PMI_SIZE", "PMI_RANK"),  # mpirun of MPICH and Intel MPI
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),  # srun
)
POD = "TPU_WORKER_HOSTNAMES"


class Group(NamedTuple):
    """Processes that are to cooperate; JAX detects the fields that are None."""

    coordinator: str | None  # address of process 0
    process_id: int | None  # index of this process
    process_count: int | None  # number of processes
    because: str | None  # variable of the launcher that started them, with its value, if any


def join(coordinator: str | None, process_id: int | None, process_count: int | None) -> None:
    """Join the other processes, before JAX is used. Does nothing if there are no others.

    Raises UserError if that is not possible. If the others do not appear in time, the process
    prints that error and ends with status 2: JAX would abort it with a stack trace, which cannot be
    caught.
    """
    group = grouped(coordinator, process_id, process_count)
    if group is None:
        return
    others = f"the other processes of {group.process_count or 'the pod'}"
    where = f" at {group.coordinator}" if group.coordinator else ""
    why = f" ({group.because}; to train alone: --process-count 1)" if group.because else ""
    print(f"waiting up to {JOIN_S} s for {others}{where}{why}", file=sys.stderr, flush=True)
    late = threading.Timer(JOIN_S, _end, [_not_found(f"not all came within {JOIN_S} s", group)])
    late.daemon = True
    late.start()
    try:
        jax.distributed.initialize(
            group.coordinator,
            group.process_count,
            group.process_id,
            initialization_timeout=2 * JOIN_S,
            heartbeat_timeout_seconds=HEARTBEAT_S,
            shutdown_timeout_seconds=SHUTDOWN_S,
        )
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UserError(_not_found(f"{reason:.300}", group)) from error
    finally:
        late.cancel()


def joined() -> bool:
    """Whether this process is one of several."""
    return jax.distributed.is_initialized()


def leave(code: int) -> None:
    """End this process at once, after a failure: its regular exit would wait for the others, which
    wait for it. They notice within `HEARTBEAT_S` and end."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


def _not_found(reason: str, group: Group) -> str:
    """The error message for processes that do not find each other, with advice."""
    hint = "start all of them, with the same address, one of process 0 that each reaches"
    if group.because:
        hint = (
            f"they were looked for because of {group.because}; give --coordinator HOST:PORT, an "
            "address of process 0, or --process-count 1 to train alone"
        )
    return f"the processes did not find each other: {reason}; {hint}"


def _end(message: str) -> None:
    print(f"error: {message}", file=sys.stderr, flush=True)
    leave(2)


def grouped(
    coordinator: str | None, process_id: int | None, process_count: int | None
) -> Group | None:
    """The processes to join, or None if this one is alone.

    Missing arguments are read from JAX_COORDINATOR_ADDRESS, JAX_PROCESS_ID and JAX_NUM_PROCESSES,
    then from the variables of a launcher that has started several processes. Raises UserError if
    some are known and others are not.
    """
    coordinator = coordinator or os.environ.get("JAX_COORDINATOR_ADDRESS")
    process_id = _number(process_id, "JAX_PROCESS_ID")
    process_count = _number(process_count, "JAX_NUM_PROCESSES")
    if process_count == 1:
        return None
    because = None
    if process_id is None and process_count is None:
        process_id, process_count, because = _launched()
    if because is None and [coordinator, process_id, process_count] == [None] * 3:
        return None
    if because is None and None in (coordinator, process_id, process_count):
        raise UserError(
            "several processes need --coordinator HOST:PORT, --process-id and --process-count, all "
            "three, or JAX_COORDINATOR_ADDRESS, JAX_PROCESS_ID and JAX_NUM_PROCESSES; "
            "--process-count 1 trains alone"
        )
    if coordinator is not None and not _is_address(coordinator):
        raise UserError(f"coordinator is {coordinator!r}, expected HOST:PORT, such as node1:12345")
    if process_count is not None and not 0 <= (process_id or 0) < process_count:
        raise UserError(
            f"process {process_id} of {process_count}: expected a number from 0 to "
            f"{process_count - 1}"
        )
    return Group(coordinator, process_id, process_count, because)


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) < 2**16


def _launched() -> tuple[int | None, int | None, str | None]:
    """Index of this process, number of processes, and the variable that gives the number, if a
    launcher has started several; None where unknown."""
    for size, rank in LAUNCHERS:
        count = _number(None, size)
        if count is not None and count > 1:
            return _number(None, rank), count, f"{size}={count}"
    if "," in os.environ.get(POD, ""):
        return None, None, f"{POD}={os.environ[POD]:.60}"
    return None, None, None


def _number(given: int | None, variable: str) -> int | None:
    text = os.environ.get(variable)
    if given is not None or not text:
        return given
    if not text.isdigit():
        raise UserError(f"{variable} is {text!r}, expected a whole number; correct or unset it")
    return int(text)


class SharedStop:
    """A request to stop, shared by processes with a common folder but no common program."""

    def __init__(self, folder: Path) -> None:
        """Mark the start of this process. Raises UserError if the folder cannot be written."""
        self.file = folder / ".stop"
        mark = folder / f".process-{jax.process_index()}"
        write_text(mark, "")
        self.began = mark.stat().st_mtime_ns  # by the clock of the file system

    def ask(self, own: bool) -> bool:
        """Whether this process (`own`) or another one is to stop. Passes this process's request on
        to the others."""
        if own and not self._asked():
            write_text(self.file, "")
        return own or self._asked()

    def _asked(self) -> bool:
        try:
            return self.file.stat().st_mtime_ns >= self.began
        except FileNotFoundError:
            return False
