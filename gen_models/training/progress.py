"""Progress of a run on the terminal."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import numpy as np
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from gen_models import runs

LINE_EVERY_S = 15.0  # period of the lines printed if the output is no terminal


class Display:
    """A text stream that ignores all writes after a failed one, so that training survives a closed
    terminal, a closed pipe and a full disk."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.failed = stream, False

    def write(self, text: str) -> None:
        self._attempt(self.stream.write, text)

    def flush(self) -> None:
        self._attempt(self.stream.flush)

    def _attempt(self, call: Callable[..., Any], *args: str) -> None:
        if not self.failed:
            try:
                call(*args)
            except OSError:
                self.failed = True

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.stream, name)


class Metrics(ProgressColumn):
    """The latest metrics, the only column that a narrow terminal cuts."""

    def render(self, task: Task) -> Text:
        return Text(task.fields["metrics"], no_wrap=True, overflow="ellipsis")


class Terminal:
    """Observer with a progress bar: steps, steps/s, time left, and the latest metrics."""

    def __init__(self, run: Path, steps: int) -> None:
        self.run, self.steps = run, steps
        self.resumed = (run / runs.ENVIRONMENT).exists()
        self.first_grid = run / "samples.png"
        self.console = Console(file=Display(sys.stdout), highlight=False)
        self.progress = Progress(
            BarColumn(bar_width=24, table_column=Column(no_wrap=True)),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[speed]}", table_column=Column(no_wrap=True)),
            TimeRemainingColumn(table_column=Column(no_wrap=True)),
            Metrics(table_column=Column()),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.grid_shown = self.first_grid.exists()

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def started(self, step: int) -> None:
        self.progress.start()
        if self.resumed:
            done = "finished already" if step >= self.steps else "going on"
            past = f"past step {self.steps}, at {step}"  # with fewer --steps than it has done
            at = past if step > self.steps else f"at step {step} of {self.steps}"
            self.say(f"{self.run} is {at}: {done}")
        self.task = self.progress.add_task(
            "train", total=max(step, self.steps), completed=step, speed="compiling", metrics=""
        )
        self.step, self.at, self.printed_at = step, time.perf_counter(), time.perf_counter()

    def trained(self, step: int, history: dict[str, np.ndarray]) -> None:
        now = time.perf_counter()
        speed = f"{(step - self.step) / (now - self.at):.1f} steps/s"
        metrics = "  ".join(f"{name} {values.mean():.3f}" for name, values in history.items())
        self.progress.update(self.task, completed=step, speed=speed, metrics=metrics)
        self.step, self.at = step, now
        if not self.console.is_terminal and (
            now - self.printed_at > LINE_EVERY_S or step == self.steps
        ):
            self.printed_at = now
            self.say(f"step {step}/{self.steps}  {speed}  {metrics}")
        if not self.grid_shown and self.first_grid.exists():
            self.grid_shown = True
            self.say(f"the first samples are in {self.first_grid}, renewed as training goes on")

    def say(self, message: str) -> None:
        """Print a line above the bar."""
        self.console.print(message, markup=False, soft_wrap=True)
