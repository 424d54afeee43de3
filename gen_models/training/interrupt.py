"""SIGINT and SIGTERM as a flag that training reads between dispatches."""

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

HANDLED = (signal.SIGINT, signal.SIGTERM)
SHOW_CURSOR = "\x1b[?25h"  # undoes a progress bar's hiding of the cursor


@dataclass
class Interruption:
    """A request by a signal to end, if one has come."""

    by: signal.Signals | None = None  # the signal

    @property
    def exit_code(self) -> int:
        """128 + signal, as shells and clusters expect; 0 without a signal."""
        return 128 + self.by if self.by else 0


@contextlib.contextmanager
def interruptible() -> Iterator[Interruption]:
    """Within the block, record the first signal and end the process at once on the second.

    Files are written under another name and renamed, or appended to in whole lines, of which a
    resumed run drops a half one: ending at once does no damage. A thread receives the signals:
    Python's own handlers would wait for a compilation to end, and merge two signals during it.
    Outside of the main thread, the only one that can handle signals, none is recorded.
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
    # Python writes the number of each signal to the socket; the handlers only have to exist.
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
