"""The numbers of a map as text and as JSON."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gen_models.maps import quality
from gen_models.maps.gaps import Region
from gen_models.maps.making import Map

MAIN_CLASS = 0.3  # smallest share of a region's images for which a class is named


class Missed(NamedTuple):
    """A region that a model misses, in words."""

    region: Region
    text: str


def lines(found: Map) -> list[str]:
    """Sentences about the map itself."""
    accuracy, before, trust = found.quality
    return [
        f"{found.dataset}: {found.about}",
        f"{len(found.sets[0].images)} real images: the {quality.NEIGHBOURS} nearest ones tell the "
        f"class of {accuracy:.3f} of them (of {quality.MOST} at most) in the map, of {before:.3f} "
        f"before it was made; trustworthiness {trust:.3f}",
    ]


def rows(found: Map) -> list[list[str]]:
    """Cells of a table, heading first: a column for each model, and one for real images in a
    model's place; [] without models."""
    if len(found.sets) == 1:
        return []
    first, expected = found.mixing[0], found.gaps[0]
    level = "–" if first is None else "{:.3f} to {:.3f}".format(*first.level)
    titles = {
        "nearest image of its own kind": ("share", level),
        "  nearest to a sample": ("samples", "–"),  # their level would be wider
        "  nearest to a real image": ("real", "–"),
    }
    return [
        ["", *(one.name for one in found.sets[1:]), "real images"],
        *([title, *_cells(found.mixing, part), real] for title, (part, real) in titles.items()),
        ["real images covered", *_cells(found.gaps, "covered"), *_cells([expected], "expected")],
    ]


def missed(found: Map) -> list[Missed]:
    """The regions that models miss."""
    return [
        Missed(
            region,
            f"{found.sets[1 + index].name}, {_classes(found, region.images)}: a sample is near "
            f"{region.covered:.2f} of {len(region.images)} real images, another real image near "
            f"{region.expected:.2f}",
        )
        for index, gaps in enumerate(found.gaps)
        for region in (gaps.regions if gaps else ())
    ]


def to_json_object(found: Map) -> dict[str, Any]:
    """The numbers as a JSON object."""
    models = {
        one.name: {
            "samples": len(one.images),
            "mixing": None if mixing is None else mixing._asdict(),
            "covered": None if gaps is None else gaps.covered,
            "expected": None if gaps is None else gaps.expected,
            "missed": [] if gaps is None else [_region(found, region) for region in gaps.regions],
        }
        for one, mixing, gaps in zip(found.sets[1:], found.mixing, found.gaps, strict=True)
    }
    return {
        "dataset": found.dataset,
        "about": found.about,
        "images": len(found.sets[0].images),
        **found.quality._asdict(),
        "models": models,
    }


def _region(found: Map, region: Region) -> dict[str, Any]:
    return {
        "classes": _classes(found, region.images),
        "images": len(region.images),
        "covered": region.covered,
        "expected": region.expected,
        "middle": region.middle,
    }


def _cells(parts: Sequence[Any], name: str) -> list[str]:
    return ["–" if part is None else f"{getattr(part, name):.3f}" for part in parts]


def _classes(found: Map, images: np.ndarray) -> str:
    """Names of the main classes of the real images with the indices i64[n]."""
    counts = np.bincount(found.sets[0].labels[images], minlength=len(found.class_names))
    order = np.argsort(-counts, kind="stable")
    main = [label for label in order if counts[label] >= MAIN_CLASS * len(images)] or order[:1]
    return " and ".join(found.class_names[label] for label in main)
