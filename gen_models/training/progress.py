"""Progress of a run on the terminal."""

import sys
import time
from pathlib import Path

import numpy as np
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from gen_models import runs
from gen_models.render.display import Display

LINE_EVERY_S = 15.0  # period of the lines printed if the output is no terminal


class Metrics(ProgressColumn):
    """The latest metrics, the only column that a narrow terminal cuts."""

    def render(self, task: Task) -> Text:
        return Text(task.fields["metrics"], no_wrap=True, overflow="ellipsis")


class Terminal(Display):
    """Observer with a progress bar: steps, steps/s, time left, and the latest metrics."""

    def __init__(self, run: Path, steps: int) -> None:
        super().__init__(
            sys.stdout,
            BarColumn(bar_width=24, table_column=Column(no_wrap=True)),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[speed]}", table_column=Column(no_wrap=True)),
            TimeRemainingColumn(table_column=Column(no_wrap=True)),
            Metrics(table_column=Column()),
        )
        self.run, self.steps = run, steps
        self.resumed = (run / runs.ENVIRONMENT).exists()
        self.first_grid = run / "samples.png"
        self.grid_shown = self.first_grid.exists()

    def started(self, step: int) -> None:
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
