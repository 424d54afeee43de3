"""The numbers of a map as text and as JSON."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gen_models.maps import quality
from gen_models.maps.gaps import Region
from gen_models.maps.making import Map

MAIN_CLASS = 0.3  # smallest share of a region's images for which a class is named


class MissedRegion(NamedTuple):
    """A region that a model misses, in words."""

    region: Region
    text: str


def lines(image_map: Map) -> list[str]:
    """Sentences about the map itself."""
    accuracy, before, trust = image_map.quality
    return [
        f"{image_map.dataset}: {image_map.about}",
        f"{len(image_map.sets[0].images)} real images: the {quality.NEIGHBOURS} nearest ones tell "
        f"the class of {accuracy:.3f} of them (of {quality.MOST} at most) in the map, of "
        f"{before:.3f} before it was made; trustworthiness {trust:.3f}",
    ]


def rows(image_map: Map) -> list[list[str]]:
    """Cells of a table, heading first: a column for each model, and one for real images in a
    model's place; [] without models."""
    if len(image_map.sets) == 1:
        return []
    first, expected = image_map.mixing[0], image_map.gaps[0]
    level = "–" if first is None else "{:.3f} to {:.3f}".format(*first.level)
    titles = {
        "nearest image of its own kind": ("share", level),
        "  nearest to a sample": ("samples", "–"),  # their level would be wider
        "  nearest to a real image": ("real", "–"),
    }
    covered = *_cells(image_map.gaps, "covered"), *_cells([expected], "expected")
    return [
        ["", *(image_set.name for image_set in image_map.sets[1:]), "real images"],
        *([title, *_cells(image_map.mixing, part), real] for title, (part, real) in titles.items()),
        ["real images covered", *covered],
    ]


def missed_regions(image_map: Map) -> list[MissedRegion]:
    """The regions that models miss."""
    return [
        MissedRegion(
            region,
            f"{image_set.name}, {_classes(image_map, region.images)}: a sample is near "
            f"{region.covered:.2f} of {len(region.images)} real images, another real image near "
            f"{region.expected:.2f}",
        )
        for image_set, gaps in zip(image_map.sets[1:], image_map.gaps, strict=True)
        for region in (gaps.regions if gaps else ())
    ]


def to_json_object(image_map: Map) -> dict[str, Any]:
    """The numbers as a JSON object."""
    models = {
        image_set.name: {
            "samples": len(image_set.images),
            "mixing": None if mixing is None else mixing._asdict(),
            "covered": None if gaps is None else gaps.covered,
            "expected": None if gaps is None else gaps.expected,
            "missed": [] if gaps is None else [_region(image_map, r) for r in gaps.regions],
        }
        for image_set, mixing, gaps in zip(
            image_map.sets[1:], image_map.mixing, image_map.gaps, strict=True
        )
    }
    return {
        "dataset": image_map.dataset,
        "about": image_map.about,
        "images": len(image_map.sets[0].images),
        **image_map.quality._asdict(),
        "models": models,
    }


def _region(image_map: Map, region: Region) -> dict[str, Any]:
    return {
        "classes": _classes(image_map, region.images),
        "images": len(region.images),
        "covered": region.covered,
        "expected": region.expected,
        "middle": region.middle,
    }


def _cells(parts: Sequence[Any], name: str) -> list[str]:
    return ["–" if part is None else f"{getattr(part, name):.3f}" for part in parts]


def _classes(image_map: Map, images: np.ndarray) -> str:
    """Names of the main classes of the real images with the indices i64[n]."""
    counts = np.bincount(image_map.sets[0].labels[images], minlength=len(image_map.class_names))
    order = np.argsort(-counts, kind="stable")
    main = [label for label in order if counts[label] >= MAIN_CLASS * len(images)] or order[:1]
    return " and ".join(image_map.class_names[label] for label in main)
