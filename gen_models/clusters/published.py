"""Accuracy and NMI that were published for clusters of all images of a data set."""

from typing import NamedTuple


class PublishedScores(NamedTuple):
    """Scores from a paper or from its table of rivals."""

    accuracy: float
    nmi: float


IMAGES = 70_000  # training and test images; the scores are of all of them

# DEC and k-means of its auto-encoder: means of ten runs of the program of Guo et al. (DEC-keras,
# results/exp1), which later papers quote in their tables; the DEC paper itself reports an accuracy
# of 0.84 on MNIST. k-means of pixels: from such tables. Code: that of ClusterGAN (Mukherjee et al.
# 2019), which is like an InfoGAN's; means of ten runs of the authors' program.
PUBLISHED = {
    "fashion_mnist": {
        "k-means of pixels": PublishedScores(0.47, 0.51),
        "k-means of the auto-encoder": PublishedScores(0.61, 0.64),
        "DEC": PublishedScores(0.62, 0.65),
        "code": PublishedScores(0.61, 0.62),
    },
    "mnist": {
        "k-means of pixels": PublishedScores(0.53, 0.50),
        "k-means of the auto-encoder": PublishedScores(0.88, 0.81),
        "DEC": PublishedScores(0.91, 0.87),
        "code": PublishedScores(0.91, 0.85),
    },
}
