"""The page of results: every way to cluster, over its seeds, beside what was published."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gen_models import render
from gen_models.clusters.published import IMAGES, PUBLISHED, PublishedScores
from gen_models.clusters.results import ClusterResult, ClusterResults, picture_path

INTRODUCTION = (
    "Labels were not seen, but for the number of classes, which all but HDBSCAN are told, and by "
    "the encoders of conditional models. Accuracy is that of the best matching of clusters with "
    "classes; ± is the standard deviation over seeds."
)


def rows(results: ClusterResults) -> list[list[str]]:
    """Cells of the table, heading first, then by decreasing accuracy."""
    ways: dict[str, list[ClusterResult]] = {}
    for result in results.found:
        ways.setdefault(result.way, []).append(result)
    published = PUBLISHED.get(results.dataset, {}) if results.images == IMAGES else {}
    ordered = sorted(ways.values(), key=lambda seeds: -_mean(seeds, "accuracy"))
    heading = ["", "accuracy", "NMI", "ARI", "clusters", "left out", "seeds", "published"]
    return [heading, *(_row(seeds, published) for seeds in ordered)]


def page(results: ClusterResults, prefix: Path) -> str:
    """Markdown of the table, and of the pictures of ways that exist as PREFIX-WAY.png."""
    titles = {picture_path(prefix, result.way): result.title for result in results.found}
    pictures = {title: path for path, title in titles.items() if path.exists()}
    parts = [
        f"# Clusters of {results.images:,} images of {results.dataset}\n",
        INTRODUCTION + " Published are accuracy / NMI.\n",
        render.markdown_table(rows(results)),
    ]
    if pictures:
        parts.append(
            "Each row is a cluster, named after the class that it stands for: the images most "
            "typical of it, and the most typical ones of those of other classes.\n"
        )
    parts += [f"## {title}\n\n![{title}]({path.name})\n" for title, path in pictures.items()]
    return "\n".join(parts)


def _row(seeds: Sequence[ClusterResult], published: Mapping[str, PublishedScores]) -> list[str]:
    """Cells of one way's row, from its results by seed."""
    expected = published.get(seeds[0].published or "")
    return [
        seeds[0].title,
        *(_with_deviation(seeds, name) for name in ("accuracy", "nmi", "ari")),
        f"{_mean(seeds, 'clusters'):.0f}",
        f"{_mean(seeds, 'left_out'):.3f}",
        str(len(seeds)),
        "" if expected is None else "{:.2f} / {:.2f}".format(*expected),
    ]


def _mean(seeds: Sequence[ClusterResult], name: str) -> float:
    return float(np.mean([getattr(result.scores, name) for result in seeds]))


def _with_deviation(seeds: Sequence[ClusterResult], name: str) -> str:
    values = [getattr(result.scores, name) for result in seeds]
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"
