"""The process of one setting: `python -m gen_models.classifiers.worker TASK`, started by
`processes`.

It prints one line of JSON, and ends when the process that started it does.
"""

import json
import os
import sys
import threading
from pathlib import Path

from gen_models.classifiers import fitting, settings
from gen_models.classifiers.fitting import FitOutcome
from gen_models.classifiers.task import TEST, TRAIN, FitTask, read_images


def main(text: str) -> None:
    """Print the result of a task as JSON."""
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    print(json.dumps(run_task(FitTask.from_json(text))._asdict()))


def run_task(task: FitTask) -> FitOutcome:
    """Train and test the classifier of a task. Returns its accuracy and whether it converged."""
    train, test = (read_images(Path(task.folder), split) for split in (TRAIN, TEST))
    pixels = fitting.standardise(train.images[: task.images], test.images)
    estimator = fitting.classifier(settings.every()[task.number - 1], task.classes, task.seed)
    labels = train.labels[: task.images], test.labels
    return fitting.fit_and_score(estimator, *zip(pixels, labels, strict=True))


def _end_with_the_starter() -> None:
    """Exit as soon as stdin, which the starter holds open without writing to it, is closed."""
    os.read(0, 1)  # not sys.stdin, whose lock Python wants at its regular exit
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
