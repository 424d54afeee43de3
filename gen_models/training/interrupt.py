"""Signals to end the process, as a flag that training reads between dispatches."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

# Signals that people and schedulers send to end a process. A second one ends it at once.
ENDS = (signal.SIGINT, signal.SIGTERM)
# Signals that the end is near: from a closed terminal; from Slurm's --signal, LSF, Grid Engine;
# from a limit on processor time, repeated each second. Windows has none of them.
WARNINGS = ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
HANDLED = (*ENDS, *(getattr(signal, name) for name in WARNINGS if hasattr(signal, name)))
TOGETHER_S = 1.0  # `timeout`, `uv run` and others forward signals that the process receives anyway
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)
SHOW_CURSOR = "\x1b[?25h"  # undoes a progress bar's hiding of the cursor


@dataclass
class Interruption:
    """A signal's request to end, if one has come."""

    by: signal.Signals | None = None  # the signal
    raises: bool = False  # whether the first signal raises Interrupted

    def asked(self) -> bool:
        """Whether a signal has come."""
        return self.by is not None

    @property
    def exit_code(self) -> int:
        """Exit code of a stopped process, 128 + signal, as shells and clusters expect; that of
        SIGTERM if only another process received a signal."""
        return 128 + (self.by or signal.SIGTERM)

    @contextlib.contextmanager
    def raising(self) -> Iterator[None]:
        """Within the block, the first signal raises Interrupted: for work that is done anew rather
        than saved."""
        self.raises = True
        try:
            yield
        finally:
            self.raises = False

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Handler of a signal in the main thread."""
        self.by = self.by or signal.Signals(number)
        if self.raises:
            self.raises = False
            raise Interrupted(self.by.name, self.exit_code)


class Interrupted(KeyboardInterrupt):
    """A signal has ended a computation. The message says how to go on with it, if it was saved."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # of a command that ends with it


@contextlib.contextmanager
def interruptible() -> Iterator[Interruption]:
    """Within the block, record the first signal, and end the process at once when SIGINT or
    SIGTERM comes again, TOGETHER_S later or more.

    Signals that are ignored, as SIGHUP under `nohup`, or for which the program has its own handler
    are left as they are.

    Ending at once does no damage: files are written under another name and renamed, or appended to
    in whole lines, and a resumed run drops an incomplete line. A thread receives the signals:
    Python's own handlers would wait for a compilation to end, and merge two signals during it.
    Outside of the main thread, the only one that can handle signals, none is recorded.
    """
    if threading.current_thread() is not threading.main_thread():
        yield Interruption()
        return
    interruption = Interruption()
    reader, writer = socket.socketpair()
    writer.setblocking(False)

    ours = [number for number in HANDLED if signal.getsignal(number) in _DEFAULTS]

    def watch() -> None:
        came: dict[int, float] = {}  # time at which each signal first came
        while data := reader.recv(1):
            number, now = data[0], time.monotonic()
            if number not in ours:
                continue
            if number in ENDS and now - came.setdefault(number, now) >= TOGETHER_S:
                _exit_at_once(128 + number)
            interruption.by = interruption.by or signal.Signals(number)

    watcher = threading.Thread(target=watch, name="signals", daemon=True)
    watcher.start()
    # Python writes the number of each signal to the socket, before it calls the handler.
    wakeup = signal.set_wakeup_fd(writer.fileno())
    before = {number: signal.signal(number, interruption.handle) for number in ours}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)
        writer.close()
        watcher.join()
        reader.close()


def _exit_at_once(code: int) -> None:
    with contextlib.suppress(OSError):
        if sys.stdout.isatty():
            os.write(sys.stdout.fileno(), SHOW_CURSOR.encode())
    os._exit(code)
