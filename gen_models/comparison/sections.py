"""The section of a comparison for one data set: pictures, measures, and notes on missing ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gen_models.classifiers import families, results
from gen_models.classifiers.results import ClassifierResults
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
OLD_CLASSIFIERS = (
    "classifiers were trained on samples of another step than that of the newest checkpoint: {};"
    " move the run's file in results/classifiers away, and python -m experiments.classify --train"
    " trains them anew"
)


def drawn(found: Sequence[Run]) -> list[Run]:
    """The runs on one data set whose pictures are shown: the first of each group that differs only
    in the seed."""
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
    classified = classifiers(columns)
    net = features.find(name)
    return Section(
        title=name.replace("_", " "),
        protocol=protocol,
        rows=pictures.table_rows(columns) if evaluations else [],
        grids={e.name: pictures.grid(*entries.by_class(e.drawn, net)) for e in columns},
        paths={e.name: pictures.strip(entries.paths(e.drawn)) for e in columns},
        curves=pictures.curves(columns),
        notes=notes(found, evaluations, classified),
        classifiers=classifier_rows(name, columns, classified),
        explorer=explorer,
    )


def classifiers(columns: Sequence[Entry]) -> dict[Path, ClassifierResults]:
    """Results of classifiers that were trained on samples of the drawn runs, by run folder; only of
    runs that have any. Raises ResultsError."""
    folders = [entry.drawn.folder for entry in columns]
    found = {folder: results.read(folder / results.NAME) for folder in folders}
    return {folder: each for folder, each in found.items() if each is not None}


def classifier_rows(
    dataset: str, columns: Sequence[Entry], classified: Mapping[Path, ClassifierResults]
) -> list[list[str]]:
    """Cells of the table of classifiers, one column per run with results; [] if none has any."""
    named = [
        classified[entry.drawn.folder]._replace(name=entry.name)
        for entry in columns
        if entry.drawn.folder in classified
    ]
    return families.rows(named, dataset) if named else []


def notes(
    found: Sequence[Run],
    evaluations: Mapping[Path, Evaluation],
    classified: Mapping[Path, ClassifierResults],
) -> list[str]:
    """Notes on runs without evaluation, and on results of another state than the pictures show."""
    missing = [str(run.folder) for run in found if run.folder not in evaluations]
    named = (
        (UNMEASURED, missing),
        (STALE, _of_another_step(found, evaluations)),
        (OLD_CLASSIFIERS, _of_another_step(found, classified)),
    )
    return [note.format(", ".join(names)) for note, names in named if names]


def _of_another_step(
    found: Sequence[Run], measured: Mapping[Path, Evaluation | ClassifierResults]
) -> list[str]:
    """The runs that were measured at another step than that of their newest checkpoint."""
    steps = [
        (run, measured[run.folder].subject.get("step")) for run in found if run.folder in measured
    ]
    return [
        f"{run.folder} (step {step}, the newest is {run.step})"
        for run, step in steps
        if step != run.step
    ]
