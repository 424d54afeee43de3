"""The page of results of classifiers on one data set, and the tables in it."""

from collections.abc import Sequence

from gen_models import render
from gen_models.classifiers import families, pictures, results, settings
from gen_models.classifiers.estimators import PART
from gen_models.classifiers.families import PUBLISHED
from gen_models.classifiers.pictures import Few
from gen_models.classifiers.results import Results, Row

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
    f"Families marked with † are trained on {PART:,} images at most, the first of the shuffled "
    "ones, from whichever source: all of them would take days.\n"
)


def page(dataset: str, sources: Sequence[Results], few: Few) -> str:
    """Text of the page. `sources` are the results of whole training sets, real images first."""
    parts = [
        f"# Classifiers on {dataset}\n\n{ABOUT}\n{PARTLY}\n{_machinery([*sources, *_all(few)])}"
    ]
    if any(found.accuracies(setting) for found in sources for setting in settings.best()):
        table = render.markdown_table(families.rows(sources, dataset))
        parts.append(
            "## The best setting of each family\n\nBest by its published accuracy on "
            f"fashion_mnist, on both data sets.\n\n{table}\n![Families]({FAMILIES})\n"
        )
    if pictures.shown_of(few):
        parts.append(
            "## Few real images, alone and with generated ones\n\nThe generator was trained on "
            "these few alone; other few, and another generator, a seed. Families that take a part "
            f"of the images are left out.\n\n{render.markdown_table(few_rows(few))}\n"
            f"![Few]({CURVES})\n"
        )
    if any(len(found.rows) for found in sources):
        table = render.markdown_table(setting_rows(sources, dataset))
        parts.append(f"## Every setting that was measured\n\n{table}\n{_left_out()}")
    return "\n".join(parts)


def _all(few: Few) -> list[Results]:
    return [found for sources in few.values() for found in sources.values()]


def _machinery(sources: Sequence[Results]) -> str:
    versions = sorted({str(found.subject.get("scikit-learn")) for found in sources})
    return f"scikit-learn {', '.join(versions)}.\n"


def setting_rows(sources: Sequence[Results], dataset: str) -> list[list[str]]:
    """Cells of the table of every measured setting, heading first."""
    names = [found.name for found in sources]
    rows = [["#", "family", "parameters", *names, PUBLISHED, "minutes", "note"]]
    for setting in settings.runnable():
        found = [source.of(setting) for source in sources]
        if any(found):
            notes = [setting.note, setting.estimator.note]
            cells = [results.shown(group) for group in found]
            first = next(group for group in found if group)
            rows.append(
                [
                    str(setting.number),
                    families.title(setting),
                    f"`{setting.parameters}`",
                    *cells,
                    families.published(setting, dataset),
                    _minutes(first),
                    "; ".join(filter(None, notes)),
                ]
            )
    return rows


def few_rows(few: Few) -> list[list[str]]:
    """Cells of the table of few real images, heading first: one row per family, one column per
    number of real images and what was added to them."""
    columns = {
        f"{count:,} real, {beside}": found[count]
        for count in pictures.counts_of(few)
        for beside, found in few.items()
        if count in found
    }
    rows = [["family", *columns]]
    for setting in pictures.shown_of(few):
        cells = [results.shown(found.of(setting)) for found in columns.values()]
        rows.append([setting.family, *cells])
    return rows


def _minutes(rows: Sequence[Row]) -> str:
    return f"{rows[0].seconds / 60:.1f}"


def _left_out() -> str:
    """Text on the settings of the grid that the benchmark could not run."""
    reasons: dict[str, list[str]] = {}
    for setting in settings.every():
        if not setting.can_run:
            reasons.setdefault(f"{setting.family}, {setting.note}", []).append(str(setting.number))
    lines = "".join(f"- {', '.join(found)}: {reason}\n" for reason, found in reasons.items())
    return f"Of the grid's 143 settings, left out here as in the benchmark:\n\n{lines}"
