"""The page of results of classifiers on one data set, and the tables in it."""

from collections.abc import Sequence

from gen_models import render
from gen_models.classifiers import families, pictures, results, settings
from gen_models.classifiers.estimators import PART
from gen_models.classifiers.families import PUBLISHED
from gen_models.classifiers.few import ALONE
from gen_models.classifiers.pictures import FewImageCurves
from gen_models.classifiers.results import ClassifierResults, ResultRow

FAMILIES, CURVES = "families.png", "few.png"
ABOUT = f"""Written by `python -m experiments.classify`. Accuracy on the real test images of
classifiers that were trained on the images of each column; pixels standardised by the training
images, shuffled with the seed.

`{PUBLISHED}` is Table 3 of the data set's paper: the mean of five trainings on real images with the
scikit-learn of 2017. All other columns are ours, one training a seed with the scikit-learn named
below; `a ± b` is a mean over seeds and half of its 95 % interval (Student's t). A star: the solver
stopped at its limit of iterations. One test on 10,000 images is known to ± 0.006 at an accuracy of
0.9, ± 0.008 at 0.8 (95 %).
"""
PARTLY = (
    f"Families marked with † are trained on the first {PART:,} shuffled images of every source:\n"
    "all images would take days.\n"
)


def page(dataset: str, sources: Sequence[ClassifierResults], curves: FewImageCurves) -> str:
    """Text of the page. `sources` are the results of whole training sets, real images first."""
    few_image_sources = [source for curve in curves.values() for source in curve.values()]
    versions = _versions([*sources, *few_image_sources])
    parts = [f"# Classifiers on {dataset}\n\n{ABOUT}\n{PARTLY}\n{versions}"]
    if any(source.accuracies(setting) for source in sources for setting in settings.best()):
        table = render.markdown_table(families.rows(sources, dataset))
        parts.append(
            "## The best setting of each family\n\nBest by its published accuracy on "
            f"fashion_mnist, on both data sets.\n\n{table}\n![Families]({FAMILIES})\n"
        )
    if pictures.compared_settings(curves):
        parts.append(
            "## Few real images, alone and with generated ones\n\nThe generator was trained on "
            "these few alone; other few, and another generator, a seed. *Gain*: accuracy with "
            "generated images minus that without, seed by seed. Families that take a part of the "
            f"images are left out.\n\n{render.markdown_table(few_rows(curves))}\n"
            f"![Few]({CURVES})\n"
        )
    if any(source.rows for source in sources):
        table = render.markdown_table(setting_rows(sources, dataset))
        parts.append(f"## Every setting that was measured\n\n{table}\n{_left_out()}")
    return "\n".join(parts)


def _versions(sources: Sequence[ClassifierResults]) -> str:
    versions = sorted({str(source.subject.get("scikit-learn")) for source in sources})
    return f"scikit-learn {', '.join(versions)}.\n"


def setting_rows(sources: Sequence[ClassifierResults], dataset: str) -> list[list[str]]:
    """Cells of the table of every measured setting, heading first."""
    names = [source.name for source in sources]
    rows = [["#", "family", "parameters", *names, PUBLISHED, "minutes", "note"]]
    for setting in settings.runnable():
        by_source = [source.rows_of(setting) for source in sources]
        if any(by_source):
            notes = [setting.note, setting.estimator.note]
            rows.append(
                [
                    str(setting.number),
                    families.title(setting),
                    f"`{setting.parameters}`",
                    *map(results.cell, by_source),
                    families.published_accuracy(setting, dataset),
                    _minutes(next(filter(None, by_source))),
                    "; ".join(filter(None, notes)),
                ]
            )
    return rows


def few_rows(curves: FewImageCurves) -> list[list[str]]:
    """Cells of the table of few real images, heading first: one row per family; for each number of
    real images a column of them alone, and two per model: with its samples, and what these gain."""
    compared = pictures.compared_settings(curves)
    columns = [["family", *(setting.family for setting in compared)]]
    for count in pictures.real_counts(curves):
        alone = curves.get(ALONE, {}).get(count)
        for addition, curve in curves.items():
            if count not in curve:
                continue
            rows = [curve[count].rows_of(setting) for setting in compared]
            columns.append([f"{count:,} real, {addition}", *map(results.cell, rows)])
            if addition != ALONE and alone is not None:
                base = map(alone.rows_of, compared)
                columns.append(["gain", *map(results.gain_cell, rows, base)])
    return [list(row) for row in zip(*columns, strict=True)]


def _minutes(rows: Sequence[ResultRow]) -> str:
    return f"{rows[0].seconds / 60:.1f}"


def _left_out() -> str:
    """Text on the settings of the grid that the benchmark could not run."""
    numbers: dict[str, list[str]] = {}  # by reason
    for setting in settings.every():
        if not setting.can_run:
            numbers.setdefault(f"{setting.family}, {setting.note}", []).append(str(setting.number))
    lines = "".join(f"- {', '.join(group)}: {reason}\n" for reason, group in numbers.items())
    return f"Of the grid's 143 settings, left out here as in the benchmark:\n\n{lines}"
