"""The page of results: every way to cluster, over its seeds, beside what was published."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gen_models import render
from gen_models.clusters.published import IMAGES, PUBLISHED
from gen_models.clusters.results import Result, Results, picture_path

INTRODUCTION = (
    "Labels were not seen, but for the number of classes, which all but HDBSCAN are told, and by "
    "the encoders of conditional models. Accuracy is that of the best matching of clusters with "
    "classes; ± is the standard deviation over seeds."
)


def rows(results: Results) -> list[list[str]]:
    """Cells of the table, heading first, then by decreasing accuracy."""
    ways: dict[str, list[Result]] = {}
    for one in results.found:
        ways.setdefault(one.way, []).append(one)
    published = PUBLISHED.get(results.dataset, {}) if results.images == IMAGES else {}
    ordered = sorted(ways.values(), key=lambda found: -_mean(found, "accuracy"))
    heading = ["", "accuracy", "NMI", "ARI", "clusters", "left out", "seeds", "published"]
    return [heading, *(_row(found, published) for found in ordered)]


def page(results: Results, prefix: Path) -> str:
    """Markdown of the table, and of the pictures of ways that exist as PREFIX-WAY.png."""
    titles = {picture_path(prefix, one.way): one.title for one in results.found}
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


def _row(found: Sequence[Result], published: Mapping[str, tuple[float, float]]) -> list[str]:
    known = published.get(found[0].published or "")
    return [
        found[0].title,
        *(_with_deviation(found, name) for name in ("accuracy", "nmi", "ari")),
        f"{_mean(found, 'clusters'):.0f}",
        f"{_mean(found, 'left_out'):.3f}",
        str(len(found)),
        "" if known is None else "{:.2f} / {:.2f}".format(*known),
    ]


def _mean(found: Sequence[Result], name: str) -> float:
    return float(np.mean([getattr(one.scores, name) for one in found]))


def _with_deviation(found: Sequence[Result], name: str) -> str:
    values = [getattr(one.scores, name) for one in found]
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"
