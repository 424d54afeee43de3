"""Progress of work in stages on the terminal."""

import sys
import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

# Called with the stage, and the share of it that is done (None: unknown).
StageReporter = Callable[[str, float | None], None]
LINE_EVERY_S = 15.0  # period of the lines printed if the output is no terminal


class Stages:
    """Progress bar of the current stage, with the time since the start, on standard error; lines of
    text if that is no terminal."""

    def __init__(self) -> None:
        self.console = Console(file=sys.stderr, highlight=False)
        self.progress = Progress(
            BarColumn(bar_width=24),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
            transient=True,
        )
        self.task = self.progress.add_task("", total=None)
        self.stage, self.printed_at, self.began = "", 0.0, time.monotonic()

    def __enter__(self) -> "Stages":
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def report(self, stage: str, share: float | None) -> None:
        """Show the current stage and the share of it that is done, None if unknown."""
        total = None if share is None else 1.0
        self.progress.update(self.task, description=stage, total=total, completed=share or 0.0)
        now = time.monotonic()
        if not self.console.is_terminal and (
            stage != self.stage or now - self.printed_at >= LINE_EVERY_S
        ):
            part = "" if share is None else f" {share:.0%}"
            line = f"{now - self.began:5.0f} s  {stage}{part}"
            self.console.print(line, markup=False, soft_wrap=True)
            self.printed_at = now
        self.stage = stage
