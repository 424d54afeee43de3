"""Progress of classifiers on the terminal."""

import sys
from collections.abc import Sequence

from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

from gen_models.classifiers import results
from gen_models.classifiers.results import ResultRow
from gen_models.classifiers.settings import ClassifierSetting
from gen_models.render.display import Display

OVERHEAD_MINUTES = 0.1  # time to start a process


class Bar(Display):
    """Observer that shows a source's progress bar and time left, and prints one line per
    setting."""

    def __init__(self) -> None:
        super().__init__(
            sys.stderr,
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[ended]} of {task.fields[settings]} settings"),
            TimeRemainingColumn(elapsed_when_finished=True),
        )

    def begin(self, source: str, seed: int, settings: Sequence[ClassifierSetting]) -> None:
        """Show a bar for these settings, as long as their expected time."""
        for task in self.progress.task_ids:
            self.progress.remove_task(task)
        self.source, self.ended = f"{source}, seed {seed}", 0
        self.settings = len(settings)
        total = sum(map(_weight, settings))
        # Drawing images or training a generator comes first, and is no part of the time left.
        self.task = self.progress.add_task(
            self.source, total=total, start=False, ended=0, settings=self.settings
        )

    def begin_training(self) -> None:
        """Start the clock: the images are there."""
        self.progress.start_task(self.task)

    def end_setting(self, setting: ClassifierSetting, row: ResultRow) -> None:
        """Move the bar on, and print the setting's line above it."""
        self.ended += 1
        self.progress.update(self.task, advance=_weight(setting), ended=self.ended)
        count = f"{self.ended}/{self.settings}"
        outcome = f"{results.cell([row])} after {row.seconds:.0f} s"
        self.say(f"{self.source}: {count} {setting.family} {setting.parameters}: {outcome}")


def _weight(setting: ClassifierSetting) -> float:
    return setting.minutes + OVERHEAD_MINUTES
