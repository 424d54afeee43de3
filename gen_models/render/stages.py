"""Progress of work in stages on the terminal."""

import sys
import time
from collections.abc import Callable

from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

from gen_models.render.display import Display

# Called with the stage, and the share of it that is done (None: unknown).
StageReporter = Callable[[str, float | None], None]
LINE_EVERY_S = 15.0  # period of the lines printed if the output is no terminal


class Stages(Display):
    """Progress bar of the current stage, with the time since the start, on standard error; lines of
    text if that is no terminal."""

    def __init__(self) -> None:
        about = TextColumn("{task.description}", markup=False)
        bar = BarColumn(bar_width=24)
        super().__init__(sys.stderr, bar, about, TimeElapsedColumn(), transient=True)
        self.task = self.progress.add_task("", total=None)
        self.stage, self.printed_at, self.began = "", 0.0, time.monotonic()

    def report(self, stage: str, share: float | None) -> None:
        """Show the current stage and the share of it that is done, None if unknown."""
        total = None if share is None else 1.0
        self.progress.update(self.task, description=stage, total=total, completed=share or 0.0)
        now = time.monotonic()
        if not self.console.is_terminal and (
            stage != self.stage or now - self.printed_at >= LINE_EVERY_S
        ):
            part = "" if share is None else f" {share:.0%}"
            self.say(f"{now - self.began:5.0f} s  {stage}{part}")
            self.printed_at = now
        self.stage = stage
