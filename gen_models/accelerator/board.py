"""The scoreboard and the presets, trained in the time that the parts of the report leave.

Both resume where they were stopped when the same folder is given again.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from gen_models import assessment
from gen_models.accelerator.extent import Figures, ReportExtent
from gen_models.benchmark import commands
from gen_models.evaluation import record
from gen_models.models import MODELS
from gen_models.runs import recipe as recipes
from gen_models.scoreboard import agenda, results

TABLES = (Path("configs/tf_collection.py"), Path("configs/lucic2018.py"))
STOPPED = 130  # exit code of a command that was interrupted


def fill(extent: ReportExtent, folder: Path, until: float) -> Figures:
    """Train and measure until `until`, in seconds of `time.monotonic`. Returns what the folder
    then holds, including results of earlier calls, and the commands that failed."""
    failed = {}
    for line in _lines(extent, folder):
        left = until - time.monotonic()
        if left <= 0:
            break
        result = commands.run(line, limit_s=left)
        if result.code not in (0, STOPPED):
            failed[" ".join(line)] = result.output.strip()[-commands.SHOWN :]
    measured = [source.name for source, run in _presets(folder) if _is_measured(source, run)]
    return {"runs": len(results.read(folder / "scoreboard.json")), "presets": measured} | {
        "failed": failed
    }


def _lines(extent: ReportExtent, folder: Path) -> Iterator[list[str]]:
    """The commands to run, in order."""
    seeds, best = ["--seeds", str(extent.board_seeds)], ["--best", str(len(MODELS))]
    yield ["scoreboard", "--results", str(folder), *seeds, *best]
    for source, run in _presets(folder):
        if not _is_measured(source, run):
            yield ["train", "--config", str(source), "--out", str(run)]
            yield ["evaluate", str(run)]


def _is_measured(source: Path, run: Path) -> bool:
    """Whether the run of a preset has been evaluated at its last step."""
    values, path = recipes.read(source), run / record.NAME
    if not path.exists():  # checked first, as the protocol is slow to make
        return False
    protocol = agenda.protocol(values["dataset"])
    return (
        assessment.match_evaluation(path, values["steps"], protocol, assessment.EvaluationExtent())
        is not None
    )


def _presets(folder: Path) -> list[tuple[Path, Path]]:
    """The presets and the folders of their runs."""
    sources = [row for table in TABLES if table.exists() for row in recipes.rows(table)]
    return [(source, folder / "runs" / results.file_name(source.name)) for source in sources]


def page(figures: Figures) -> str:
    """Markdown of the runs and presets in the folder, and of the failed commands."""
    presets = ", ".join(f"`{name}`" for name in figures["presets"]) or "none"
    text = f"{figures['runs']} runs of the scoreboard; presets: {presets}.\n"
    return text + "".join(f"\n- `{line}`: {end}\n" for line, end in figures["failed"].items())
