"""SIGINT and SIGTERM as a question that training asks between dispatches."""

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType


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
    """
    interruption = Interruption()

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        if interruption.by is not None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        interruption.by = signal.Signals(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
