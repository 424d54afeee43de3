"""The table of the best setting of each family."""

from collections.abc import Sequence

from gen_models.classifiers import results, settings
from gen_models.classifiers.results import Results
from gen_models.classifiers.settings import Setting
from gen_models.data.known import CATALOG

PUBLISHED = "published, real"


def rows(sources: Sequence[Results], dataset: str) -> list[list[str]]:
    """Cells of the table, heading first: one row per family, one column per source of training
    images, then the published accuracy with real images. The last row has the numbers of training
    images. Families without results are left out."""
    heading = ["family", *(found.name for found in sources), PUBLISHED]
    cells = [
        [title(s), *(results.shown(found.of(s)) for found in sources), published(s, dataset)]
        for s in settings.best()
        if any(found.of(s) for found in sources)
    ]
    counts = ["training images", *map(_images, sources)]
    return [heading, *cells, [*counts, "60,000" if dataset in CATALOG else "–"]]


def _images(found: Results) -> str:
    """Number of training images of the families that take all of them, as text."""
    return f"{max((row.images for row in found.rows.values()), default=0):,}"


def title(setting: Setting) -> str:
    """Name of the family, with a dagger if it takes only a part of the images."""
    return setting.family + (" †" if setting.estimator.part else "")


def published(setting: Setting, dataset: str) -> str:
    """The published accuracy on a data set as text."""
    return f"{setting.published[dataset]:.3f}" if dataset in setting.published else "–"
