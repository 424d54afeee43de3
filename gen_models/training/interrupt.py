"""SIGINT and SIGTERM as a question that training asks between dispatches."""

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

HANDLED = (signal.SIGINT, signal.SIGTERM)
SHOW_CURSOR = "\x1b[?25h"  # which a progress bar hides


@dataclass
class Interruption:
    """Which signal has asked for the end, if any has."""

    by: signal.Signals | None = None

    @property
    def exit_code(self) -> int:
        """128 + signal, as shells and clusters expect; 0 when none came."""
        return 128 + self.by if self.by else 0


@contextlib.contextmanager
def interruptible() -> Iterator[Interruption]:
    """Within the block the first signal is noted, the second ends the process at once.

    Every file is written beside its final name and renamed, so that ending at once does no damage.
    A thread takes the signals: Python's own handlers would wait for a compilation to end, and take
    two signals during it for one. Outside of the main thread, which alone can take signals, none
    is noted.
    """
    if threading.current_thread() is not threading.main_thread():
        yield Interruption()
        return
    interruption = Interruption()
    reader, writer = socket.socketpair()
    writer.setblocking(False)

    def watch() -> None:
        while data := reader.recv(1):
            number = data[0]
            if number not in HANDLED:
                continue
            if interruption.by is not None:
                _exit_at_once(128 + number)
            interruption.by = signal.Signals(number)

    watcher = threading.Thread(target=watch, name="signals", daemon=True)
    watcher.start()
    wakeup = signal.set_wakeup_fd(writer.fileno())
    before = {number: signal.signal(number, lambda *_: None) for number in HANDLED}
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
