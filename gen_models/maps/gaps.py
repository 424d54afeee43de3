"""Gaps of a model: regions of the map whose real images have too few samples nearby."""

from typing import NamedTuple

import numpy as np

from gen_models import extras
from gen_models.evaluation.manifold import DENSITY_NEIGHBOURS, nearest_radii
from gen_models.evaluation.neighbours import nearest

MOST = 10_000  # largest number of real images that are judged
IN_A_REGION = 50  # real images of a region, on average
MOST_REGIONS = 100
LISTED, SHOWN = 8, 12  # largest numbers of regions, and of images of each


class Region(NamedTuple):
    """A region of the map in which real images lack samples."""

    images: np.ndarray  # i64[n], the region's judged images, as indices among all real ones
    covered: float  # share of the judged images that are near a sample
    expected: float  # share near one of as many other real images
    shown: np.ndarray  # i64[<=12], images near no sample, those in the middle first
    middle: tuple[float, float]  # middle of the region in the map
    radius: float  # radius of a circle around the middle with nine tenths of the region


class Gaps(NamedTuple):
    """Coverage of real images by samples, and the regions where it is missing."""

    covered: float  # share of the judged real images that are near a sample
    expected: float  # share near one of as many other real images
    # Regions covered less than half as often as expected, those with most uncovered images first;
    # LISTED at most.
    regions: list[Region]


def gaps(real: np.ndarray, places: np.ndarray, samples: np.ndarray, seed: int) -> Gaps | None:
    """The gaps of samples [M,D] among real points [N,D] with places f32[N,2] in the map.

    An image is covered if a sample is nearer to it than its fifth nearest other judged real image
    (coverage of Naeem et al. 2020, eq. 4, whose k-balls are in the space, not in the map). The
    expected coverage is that by as many other real images. Regions are k-means clusters of the
    judged images' places. Returns None if five real images or fewer are left to be judged.
    """
    with extras.needed(extras.ANALYSIS):
        from sklearn.cluster import KMeans

    count = min(len(samples), len(real) // 2, MOST)
    order = np.random.default_rng(seed).permutation(len(real))
    others, judged = order[:count], order[count:][:MOST]
    if len(judged) <= DENSITY_NEIGHBOURS:
        return None
    (squared,) = nearest_radii(real[judged], (DENSITY_NEIGHBOURS,))
    radii = np.sqrt(squared)
    by_samples, by_real = (
        nearest(real[judged], x)[1] < radii for x in (samples[:count], real[others])
    )
    region_count = min(MOST_REGIONS, max(1, len(judged) // IN_A_REGION))
    region_of = KMeans(region_count, n_init=1, random_state=seed).fit_predict(places[judged])
    regions = [
        _region(judged[members], places[judged[members]], by_samples[members], by_real[members])
        for members in (np.flatnonzero(region_of == number) for number in np.unique(region_of))
    ]
    lacking = [region for region in regions if region.covered < region.expected / 2]
    lacking.sort(key=lambda region: (region.covered - region.expected) * len(region.images))
    return Gaps(float(by_samples.mean()), float(by_real.mean()), lacking[:LISTED])


def _region(
    images: np.ndarray, places: np.ndarray, by_samples: np.ndarray, by_real: np.ndarray
) -> Region:
    middle = places.mean(axis=0)
    distances = np.linalg.norm(places - middle, axis=1)
    uncovered = np.flatnonzero(~by_samples)
    shown = uncovered[np.argsort(distances[uncovered], kind="stable")][:SHOWN]
    return Region(
        images,
        float(by_samples.mean()),
        float(by_real.mean()),
        images[shown],
        tuple(middle.tolist()),
        float(np.quantile(distances, 0.9)),
    )
