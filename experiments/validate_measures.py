"""Test the measures on images that are wrong in known ways: `python -m
experiments.validate_measures`."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from experiments import command
from gen_models.data import catalog
from gen_models.data.known import CATALOG
from gen_models.errors import UserError
from gen_models.evaluation import features, sensitivity
from gen_models.evaluation.degradations import DEGRADATIONS
from gen_models.evaluation.evaluator import Evaluator
from gen_models.evaluation.sensitivity import Reading
from gen_models.fields import Between, check_known, validate
from gen_models.storage import json_files
from gen_models.storage.files import write_text

FORMAT, VERSION = "gen_models.measures", 1


@dataclass(frozen=True)
class Options:
    """Measure real images before and after each of them is made worse in a known way, and write
    which measure sees it. What is measured already is not measured again."""

    datasets: tuple[str, ...] = tuple(CATALOG)
    """Data sets whose measures to test."""
    degradations: tuple[str, ...] = tuple(DEGRADATIONS)
    """Ways to make images worse."""
    samples: Annotated[int, Between(100, 1_000_000)] = 10_000
    """Number of images to make worse."""
    cas: bool = False
    """Test the classification accuracy score too. Takes minutes for each set of images."""
    results: Path = Path("results/measures")
    """Folder of the page and its numbers."""

    def numbers(self, dataset: str) -> Path:
        """Path of the numbers of a data set."""
        return self.results / f"{dataset}.json"


def check(options: Options) -> None:
    """Raise ConfigError for unknown data sets or degradations."""
    for name in options.datasets:
        check_known("data set", name, CATALOG)
    for name in options.degradations:
        check_known("degradation", name, DEGRADATIONS)


def read(path: Path) -> tuple[str, list[Reading]]:
    """The protocol in a file, and its readings of degradations that exist; "" and [] if there is no
    file. Raises UserError."""
    try:
        values = json_files.read(path)
        if (values["format"], values["version"]) != (FORMAT, VERSION):
            raise ValueError(f"expected format {FORMAT!r} version {VERSION}")
        protocol, readings = values["protocol"], sensitivity.from_json(values["readings"])
    except FileNotFoundError:
        return "", []
    except json_files.DAMAGES as error:
        raise UserError(
            f"{path} holds no readings: {error!s:.200}; move it away to start anew"
        ) from error
    return protocol, [reading for reading in readings if reading.degradation in DEGRADATIONS]


def write(path: Path, protocol: str, readings: Sequence[Reading]) -> None:
    """Write readings as JSON. Raises UserError."""
    head = {"format": FORMAT, "version": VERSION, "protocol": protocol}
    path.parent.mkdir(parents=True, exist_ok=True)
    json_files.write(path, head | {"readings": sensitivity.to_json(readings)})


def is_measured(readings: Sequence[Reading], name: str, options: Options) -> bool:
    """Whether all readings of a degradation are there, with CAS if that is asked for."""
    of_degradation = [reading for reading in readings if reading.degradation == name]
    if [reading.amount for reading in of_degradation] != [0, *DEGRADATIONS[name].amounts]:
        return False
    scored = options.cas and "classification_score" in DEGRADATIONS[name].seen_by
    return not scored or all(
        "classification_score" in reading.measures for reading in of_degradation
    )


def measure(options: Options, dataset: str) -> None:
    """Measure what is missing on a data set, and write it."""
    splits = catalog.load_splits(dataset)
    evaluator = Evaluator(features.of(dataset), splits)
    protocol = str(evaluator.protocol(options.samples))
    path = options.numbers(dataset)
    written_protocol, readings = read(path)
    readings = readings if written_protocol == protocol else []
    missing = [name for name in options.degradations if not is_measured(readings, name, options)]
    readings = [reading for reading in readings if reading.degradation not in missing]
    report = lambda line: print(f"{dataset}: {line}", file=sys.stderr)
    for reading in sensitivity.take_readings(
        evaluator, options.samples, missing, cas=options.cas, report=report
    ):
        readings.append(reading)
        write(path, protocol, readings)


def section(options: Options, dataset: str) -> str:
    """The section of the page for a measured data set."""
    order = list(DEGRADATIONS)
    protocol, readings = read(options.numbers(dataset))
    readings.sort(key=lambda reading: order.index(reading.degradation))
    return f"## {dataset}\n\n{sensitivity.page(protocol, readings)}"


def main(args: Sequence[str]) -> int:
    """Measure, write the page. Returns the exit code."""
    options = command.parse("validate_measures", Options, args)
    validate(options)
    check(options)
    for dataset in options.datasets:
        measure(options, dataset)
    measured = [dataset for dataset in CATALOG if options.numbers(dataset).exists()]
    sections = [section(options, dataset) for dataset in measured]
    page = options.results / "README.md"
    write_text(page, "\n".join([INTRODUCTION, *sections]))
    print(page)
    return 0


INTRODUCTION = """# What the measures see

Written by `python -m experiments.validate_measures`: real training images, before and after they
are made worse in a known way, measured as a model's samples are. **sees**: the measure never gets
better as more is wrong, and differs each time from the untouched images, both by more than its 95 %
interval. **blind**: it claims to see this and does not. Bold: what a measure claims to see. A dot:
it neither claims to see this nor does. Copies are looked for in test images of which some are
replaced by training images. docs/measuring.md says what this means.
"""

if __name__ == "__main__":
    command.run(main, spare=["--samples"])
