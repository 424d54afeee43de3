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


def shown_runs(runs: Sequence[Run]) -> list[Run]:
    """The runs on one data set whose pictures are shown: the first of each group that differs only
    in the seed."""
    return [entry.shown_run for entry in entries.entries(runs, {})]


def section(name: str, runs: Sequence[Run], explorer: str = "") -> Section:
    """The section for runs on one data set, with a link to the page `explorer`, if there is one.
    Raises ProtocolError for mixed protocols."""
    evaluations = {
        run.folder: record.read(run.folder / record.NAME)
        for run in runs
        if (run.folder / record.NAME).exists()
    }
    protocol = str(record.common_protocol(list(evaluations.values()))) if evaluations else ""
    columns = entries.entries(runs, evaluations)
    classifiers = read_classifiers(columns)
    net = features.find(name)
    grids = {e.name: pictures.grid(*entries.by_class(e.shown_run, net)) for e in columns}
    paths = {e.name: pictures.strip(entries.paths(e.shown_run)) for e in columns}
    width = max(picture.width for picture in (*grids.values(), *paths.values()))
    return Section(
        title=name.replace("_", " "),
        protocol=protocol,
        rows=pictures.table_rows(columns) if evaluations else [],
        grids=pictures.equally_wide(grids, width),
        paths=pictures.equally_wide(paths, width),
        curves=pictures.curves(columns),
        notes=notes(runs, evaluations, classifiers),
        classifiers=classifier_rows(name, columns, classifiers),
        explorer=explorer,
    )


def read_classifiers(columns: Sequence[Entry]) -> dict[Path, ClassifierResults]:
    """Results of classifiers that were trained on samples of the shown runs, by run folder; only of
    runs that have any. Raises ResultsError."""
    folders = [entry.shown_run.folder for entry in columns]
    by_folder = {folder: results.read(folder / results.NAME) for folder in folders}
    return {folder: each for folder, each in by_folder.items() if each is not None}


def classifier_rows(
    dataset: str, columns: Sequence[Entry], classifiers: Mapping[Path, ClassifierResults]
) -> list[list[str]]:
    """Cells of the table of classifiers, one column per run with results; [] if none has any."""
    named = [
        classifiers[entry.shown_run.folder]._replace(name=entry.name)
        for entry in columns
        if entry.shown_run.folder in classifiers
    ]
    return families.rows(named, dataset) if named else []


def notes(
    runs: Sequence[Run],
    evaluations: Mapping[Path, Evaluation],
    classifiers: Mapping[Path, ClassifierResults],
) -> list[str]:
    """Notes on runs without evaluation, and on results of another state than the pictures show."""
    missing = [str(run.folder) for run in runs if run.folder not in evaluations]
    runs_by_note = {
        UNMEASURED: missing,
        STALE: _stale_runs(runs, evaluations),
        OLD_CLASSIFIERS: _stale_runs(runs, classifiers),
    }
    return [note.format(", ".join(names)) for note, names in runs_by_note.items() if names]


def _stale_runs(
    runs: Sequence[Run], measured: Mapping[Path, Evaluation | ClassifierResults]
) -> list[str]:
    """The runs that were measured at another step than that of their newest checkpoint."""
    steps = [
        (run, measured[run.folder].subject.get("step")) for run in runs if run.folder in measured
    ]
    return [
        f"{run.folder} (step {step}, the newest is {run.step})"
        for run, step in steps
        if step != run.step
    ]
