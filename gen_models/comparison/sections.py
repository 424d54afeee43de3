"""The section of a comparison for one data set: pictures, measures, and notes on missing ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gen_models.classifiers import families, results
from gen_models.comparison import entries, pictures
from gen_models.comparison.entries import Entry
from gen_models.comparison.page import Section
from gen_models.evaluation import features, record
from gen_models.evaluation.record import Evaluation
from gen_models.runs import Run

UNMEASURED = "not evaluated yet: {}; python -m experiments.evaluate measures them"

STALE = (
    "evaluated at another step than that of the newest checkpoint, from which the pictures are: {};"
    " python -m experiments.evaluate measures them anew"
)


def drawn(found: Sequence[Run]) -> list[Run]:
    """The runs on one data set whose pictures are shown: the first of those that differ only in
    their seed."""
    return [entry.drawn for entry in entries.entries(found, {})]


def section(name: str, found: Sequence[Run], explorer: str = "") -> Section:
    """The section for runs on one data set, with a link to the page `explorer`, if there is one.
    Raises ProtocolError for mixed protocols."""
    evaluations = {
        run.folder: record.read(run.folder / record.NAME)
        for run in found
        if (run.folder / record.NAME).exists()
    }
    protocol = str(record.common_protocol(list(evaluations.values()))) if evaluations else ""
    columns = entries.entries(found, evaluations)
    net = features.find(name)
    return Section(
        title=name.replace("_", " "),
        protocol=protocol,
        rows=pictures.table_rows(columns) if evaluations else [],
        grids={e.name: pictures.grid(*entries.by_class(e.drawn, net)) for e in columns},
        paths={e.name: pictures.strip(entries.paths(e.drawn)) for e in columns},
        curves=pictures.curves(columns),
        notes=notes(found, evaluations),
        classifiers=classifier_rows(name, columns),
        explorer=explorer,
    )


def classifier_rows(dataset: str, columns: Sequence[Entry]) -> list[list[str]]:
    """Cells of the table of classifiers that were trained on samples of the runs that are drawn, of
    those that have such results; [] if none has. Raises ResultsError."""
    found = [(entry.name, results.read(entry.drawn.folder / results.NAME)) for entry in columns]
    named = [each._replace(name=name) for name, each in found if each is not None]
    return families.rows(named, dataset) if named else []


def notes(found: Sequence[Run], evaluations: Mapping[Path, Evaluation]) -> list[str]:
    """Notes on runs without evaluation, or with one of another state than the pictures."""
    missing = [str(run.folder) for run in found if run.folder not in evaluations]
    stale = []
    for run in (run for run in found if run.folder in evaluations):
        measured = evaluations[run.folder].subject.get("step")
        if measured != run.step:
            stale.append(f"{run.folder} (step {measured}, the newest is {run.step})")
    named = ((UNMEASURED, missing), (STALE, stale))
    return [note.format(", ".join(names)) for note, names in named if names]
