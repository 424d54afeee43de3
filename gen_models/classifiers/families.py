"""The table of the best setting of each family."""

from collections.abc import Sequence

from gen_models.classifiers import results, settings
from gen_models.classifiers.results import Results
from gen_models.classifiers.settings import Setting
from gen_models.data.known import CATALOG

PUBLISHED = "published, real"


def rows(sources: Sequence[Results], dataset: str) -> list[list[str]]:
    """Cells of the table, heading first: a row a family, a column a source of training images, then
    the published accuracy of real ones; the last row has the numbers of training images. Families
    that no source has are left out."""
    heading = ["family", *(found.name for found in sources), PUBLISHED]
    cells = [
        [title(s), *(results.shown(found.of(s)) for found in sources), published(s, dataset)]
        for s in settings.best()
        if any(found.of(s) for found in sources)
    ]
    counts = ["training images", *map(_images, sources)]
    return [heading, *cells, [*counts, "60,000" if dataset in CATALOG else "–"]]


def _images(found: Results) -> str:
    """The number of training images of the families that take all."""
    return f"{max((row.images for row in found.rows.values()), default=0):,}"


def title(setting: Setting) -> str:
    """The family, with a dagger if it takes a part of the images."""
    return setting.family + (" †" if setting.estimator.part else "")


def published(setting: Setting, dataset: str) -> str:
    """The published accuracy on a data set as text."""
    return f"{setting.published[dataset]:.3f}" if dataset in setting.published else "–"
