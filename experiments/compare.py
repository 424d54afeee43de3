"""Put runs side by side: `python -m experiments.compare RUN RUN [RUN …]`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from experiments import command
from gen_models import render
from gen_models.comparison import entries, page, pictures
from gen_models.config import ConfigError, validate
from gen_models.evaluation import features, record
from gen_models.evaluation.features import FeatureNet
from gen_models.evaluation.record import Evaluation
from gen_models.files import write_text
from gen_models.training import checkpoint
from gen_models.training import run as runs

UNMEASURED = "not evaluated yet: {}; python -m experiments.evaluate measures them"

STALE = (
    "evaluated at another step than that of the newest checkpoint, from which the pictures are: {};"
    " python -m experiments.evaluate measures them anew"
)


@dataclass(frozen=True)
class Options:
    """Runs side by side: samples of the same classes and latents, curves, numbers."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders of runs. Those that differ in their seed alone share a column."""
    out: Path = Path("results/comparison")
    """Prefix of the .html and the .png to write."""


def section(name: str, found: Sequence[runs.Run]) -> page.Section:
    """What is shown of the runs on one data set. Raises ProtocolError for mixed numbers."""
    evaluations = {
        run.folder: record.read(run.folder / record.NAME)
        for run in found
        if (run.folder / record.NAME).exists()
    }
    protocol = str(record.common_protocol(list(evaluations.values()))) if evaluations else ""
    columns = entries.entries(found, evaluations)
    net = feature_net(name)
    return page.Section(
        title=name.replace("_", " "),
        protocol=protocol,
        rows=pictures.table_rows(columns) if evaluations else [],
        grids={e.name: pictures.grid(*entries.by_class(e.drawn, net)) for e in columns},
        paths={e.name: pictures.strip(entries.paths(e.drawn)) for e in columns},
        curves=pictures.curves(columns),
        notes=notes(found, evaluations),
    )


def notes(found: Sequence[runs.Run], evaluations: Mapping[Path, Evaluation]) -> list[str]:
    """Which runs' numbers are missing, or of another state than the pictures, and what to do."""
    missing = [run.folder.name for run in found if run.folder not in evaluations]
    stale = []
    for run in (run for run in found if run.folder in evaluations):
        measured = evaluations[run.folder].subject.get("step")
        newest = max(checkpoint.steps(run.checkpoints), default=0)
        if measured != newest:
            stale.append(f"{run.folder.name} (step {measured}, the newest is {newest})")
    named = ((UNMEASURED, missing), (STALE, stale))
    return [note.format(", ".join(names)) for note, names in named if names]


def feature_net(dataset: str) -> FeatureNet | None:
    """The net that sorts an unconditional model's samples by class; None if there is none."""
    path = features.net_path(dataset)
    return features.load(path) if path.exists() else None


def main(args: Sequence[str]) -> int:
    """Draw, write, say where. Returns the exit code."""
    options = command.parse("compare", Options, args)
    validate(options)
    if not options.runs:
        raise ConfigError("name one run or more")
    by_dataset: dict[str, list[runs.Run]] = {}
    for run in map(runs.load, options.runs):
        by_dataset.setdefault(run.config.run.dataset, []).append(run)
    sections = [section(name, found) for name, found in by_dataset.items()]
    html = options.out.with_name(f"{options.out.name}.html")
    html.parent.mkdir(parents=True, exist_ok=True)
    write_text(html, page.page("Comparison", sections))
    png = options.out.with_name(f"{options.out.name}.png")
    render.save_png(pictures.whole(sections), png)
    print(f"{html}\n{png}")
    return 0


if __name__ == "__main__":
    command.run(main)
