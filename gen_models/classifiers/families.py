"""The table of the best setting of each family."""

from collections.abc import Sequence

from gen_models.classifiers import results, settings
from gen_models.classifiers.results import ClassifierResults
from gen_models.classifiers.settings import ClassifierSetting
from gen_models.data.known import CATALOG

PUBLISHED = "published, real"


def rows(sources: Sequence[ClassifierResults], dataset: str) -> list[list[str]]:
    """Cells of the table, heading first: one row per family, one column per source of training
    images, then the published accuracy with real images. The last row has the numbers of training
    images. Families without results are left out."""
    heading = ["family", *(source.name for source in sources), PUBLISHED]
    cells = [
        [
            title(setting),
            *(results.cell(source.rows_of(setting)) for source in sources),
            published_accuracy(setting, dataset),
        ]
        for setting in settings.best()
        if any(source.rows_of(setting) for source in sources)
    ]
    counts = ["training images", *map(_images, sources)]
    return [heading, *cells, [*counts, "60,000" if dataset in CATALOG else "–"]]


def _images(source: ClassifierResults) -> str:
    """Number of training images of the families that take all of them, as text."""
    return f"{max((row.images for row in source.rows.values()), default=0):,}"


def title(setting: ClassifierSetting) -> str:
    """Name of the family, with a dagger if it takes only a part of the images."""
    return setting.family + (" †" if setting.estimator.part else "")


def published_accuracy(setting: ClassifierSetting, dataset: str) -> str:
    """The published accuracy on a data set as text."""
    return f"{setting.published[dataset]:.3f}" if dataset in setting.published else "–"
