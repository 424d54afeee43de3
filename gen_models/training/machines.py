"""Cooperation of several processes, on one machine or several."""

import os
from pathlib import Path

import jax

from gen_models.errors import UserError
from gen_models.storage.files import write_text

HEARTBEAT_S = 20  # until the others notice that a process has ended
JOIN_S = 120  # time limit for all processes to appear
SHUTDOWN_S = 7 * 24 * 3600  # for all processes to end; a lost heartbeat is noticed earlier


def join(coordinator: str | None, process_id: int | None, process_count: int | None) -> None:
    """Join the other processes, before JAX is used. Does nothing if there are no others.

    Missing arguments are read from JAX_COORDINATOR_ADDRESS, JAX_PROCESS_ID and JAX_NUM_PROCESSES;
    without these, JAX detects Slurm, Open MPI and TPU pods. Raises UserError if the others do not
    appear.
    """
    coordinator = coordinator or os.environ.get("JAX_COORDINATOR_ADDRESS")
    process_id = _number(process_id, "JAX_PROCESS_ID")
    process_count = _number(process_count, "JAX_NUM_PROCESSES")
    given = [coordinator, process_id, process_count]
    if given == [None] * 3 and not _in_a_cluster():
        return
    if None in given and given != [None] * 3:
        raise UserError(
            "several processes need --coordinator HOST:PORT, --process-id and --process-count, all "
            "three, or JAX_COORDINATOR_ADDRESS, JAX_PROCESS_ID and JAX_NUM_PROCESSES"
        )
    try:
        jax.distributed.initialize(
            coordinator,
            process_count,
            process_id,
            initialization_timeout=JOIN_S,
            heartbeat_timeout_seconds=HEARTBEAT_S,
            shutdown_timeout_seconds=SHUTDOWN_S,
        )
    except (RuntimeError, ValueError) as error:
        raise UserError(f"the processes did not find each other: {error!s:.300}") from error


def _number(given: int | None, variable: str) -> int | None:
    text = os.environ.get(variable)
    if given is not None or text is None:
        return given
    if not text.isdigit():
        raise UserError(f"{variable} is {text!r}, expected a whole number")
    return int(text)


def _in_a_cluster() -> bool:
    """Whether a launcher that JAX supports has started this process as one of several."""
    counts = ("SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE")
    several = any(int(os.environ.get(name) or 1) > 1 for name in counts)
    pod = os.environ.get("TPU_WORKER_HOSTNAMES", "")
    return several or "," in pod


class SharedStop:
    """A request to stop, shared by processes with a common folder but no common program."""

    def __init__(self, folder: Path) -> None:
        """Mark the start of this process. Raises UserError if the folder cannot be written."""
        self.file = folder / ".stop"
        mark = folder / f".process-{jax.process_index()}"
        write_text(mark, "")
        self.began = mark.stat().st_mtime_ns  # by the clock of the file system

    def ask(self, own: bool) -> bool:
        """Whether this process (`own`) or another one is to stop. Passes its request to others."""
        if own and not self._asked():
            write_text(self.file, "")
        return own or self._asked()

    def _asked(self) -> bool:
        try:
            return self.file.stat().st_mtime_ns >= self.began
        except FileNotFoundError:
            return False
