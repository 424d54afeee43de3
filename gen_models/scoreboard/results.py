"""The file scoreboard.json: results of all measured runs, so that none is made again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gen_models import assessment
from gen_models.errors import UserError
from gen_models.evaluation import record
from gen_models.evaluation.protocol import SPACES
from gen_models.evaluation.record import Evaluation
from gen_models.storage import json_files
from gen_models.storage.files import sole_writer

FORMAT, VERSION = "gen_models.scoreboard", 3


class ScoreboardError(UserError):
    """A file that cannot be read as scoreboard.json."""


class Cell(NamedTuple):
    """One run of the scoreboard: a training with default options, or with those of a preset."""

    dataset: str  # name of the data set
    model: str  # name of the model
    seed: int  # seed of the run
    steps: int  # training steps
    preset: str = ""  # row of a table in configs/, such as papers.py:gan; "": default options

    @property
    def row(self) -> str:
        """Name of the cell's row: that of the preset, or of the model."""
        return self.preset or self.model

    @property
    def name(self) -> str:
        """Name of the folder of the cell's run."""
        return f"{self.dataset}-{file_name(self.row)}-{self.seed}"


def file_name(row: str) -> str:
    """A row's name as part of a file name: papers.py:gan becomes papers-gan."""
    return row.replace(".py:", "-")


class RunResult(NamedTuple):
    """The result of one run."""

    options: dict[str, Any]  # all options that determine a result
    evaluation: Evaluation  # evaluation of the last state
    seconds: float  # duration of the training, by the clock
    machine: str  # machine that trained the run, as text
    code: str  # version of this package that trained the run
    preset: str = ""  # as in Cell

    @property
    def fid(self) -> float:
        """The Fréchet distance of the run's samples."""
        return self.evaluation.measures["fid"].value


def read(path: Path) -> dict[Cell, RunResult]:
    """Read all results in `path`; {} if it does not exist. Raises ScoreboardError."""
    try:
        values = json_files.read(path)
        if (values["format"], values["version"]) != (FORMAT, VERSION):
            raise ValueError(
                f"expected format {FORMAT!r} version {VERSION}; earlier ones are of other nets and "
                "other measures"
            )
        results = [_parse_result(row) for row in values["runs"]]
        return {_cell(result): result for result in results}
    except FileNotFoundError:
        return {}
    except json_files.DAMAGES as error:
        raise ScoreboardError(
            f"{path} is no scoreboard: {error!s:.200}; restore it, or move it away to start anew"
        ) from error


def read_peers(folder: Path) -> list[Evaluation]:
    """The evaluations of other programs' images in `folder`, as `experiments.evaluate --images`
    writes them; none without the folder. Raises RecordError for other files, ScoreboardError for
    another protocol than the scoreboard's."""
    evaluations = {path: record.read(path) for path in sorted(folder.glob(f"*.{record.NAME}"))}
    for path, evaluation in evaluations.items():
        protocol = assessment.protocol(evaluation.protocol.data, assessment.EvaluationExtent())
        if evaluation.protocol != protocol or not _has_fids(evaluation):
            raise ScoreboardError(
                f"{path} was measured with {evaluation.protocol}, expected {protocol}; measure "
                "these images again, or move the file away"
            )
    return list(evaluations.values())


def _has_fids(evaluation: Evaluation) -> bool:
    return all(f"fid{suffix}" in evaluation.measures for suffix in SPACES.values())


def add(
    path: Path, results: Mapping[Cell, RunResult], cell: Cell, result: RunResult
) -> dict[Cell, RunResult]:
    """Add a result to a file, beside those of `results` and those that other processes have written
    meanwhile. Returns what the file then holds. Raises UserError."""
    with sole_writer(path):
        merged = {**results, **read(path), cell: result}
        write(path, merged)
    return merged


def write(path: Path, results: Mapping[Cell, RunResult]) -> None:
    """Write all results, in the order of their cells. Raises UserError."""
    rows = [
        results[cell]._asdict() | {"evaluation": record.to_dict(results[cell].evaluation)}
        for cell in sorted(results)
    ]
    values = {"format": FORMAT, "version": VERSION, "runs": rows}
    json_files.write(path, values)


def _parse_result(row: dict[str, Any]) -> RunResult:
    result = RunResult(**row | {"evaluation": record.from_dict(row["evaluation"])})
    for name, kind in RunResult.__annotations__.items():
        if kind in (str, float) and not isinstance(getattr(result, name), kind):
            raise ValueError(f"the {name} of a run is no {kind.__name__}")
    if not isinstance(result.options, dict):
        raise ValueError("the options of a run are no JSON object")
    for part, kind in zip(_cell(result), Cell.__annotations__.values(), strict=True):
        if not isinstance(part, kind):
            raise ValueError(f"{part!r} is not the {kind.__name__} that a run's subject has there")
    if not _has_fids(result.evaluation):
        raise ValueError(f"{_cell(result).name} lacks a FID")
    return result


def _cell(result: RunResult) -> Cell:
    subject = result.evaluation.subject
    return Cell(
        subject["dataset"], subject["model"], subject["seed"], subject["step"], result.preset
    )
