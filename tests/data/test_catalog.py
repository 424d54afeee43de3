"""Where data sets are looked for, and what is refused; no test reaches the web."""

import gzip
import hashlib
import shutil

import numpy as np
import pytest

from gen_models.algorithm import Spec
from gen_models.data import catalog, folders, idx, known
from gen_models.data.catalog import DataError, load, load_splits
from gen_models.data.known import FILES, IMAGES, LABELS, KnownDataset
from gen_models.data.sources import Payload, SourceError
from gen_models.storage import cache
from gen_models.storage.cache import cache_folder


class Folder:
    """A source that has the files at hand, and counts how often it is asked."""

    def __init__(self, folder):
        self.folder, self.calls = folder, 0

    def __str__(self):
        return f"folder {self.folder.name}"

    def download(self, payloads, scratch):
        self.calls += 1
        if not self.folder.is_dir():
            raise SourceError("it is gone")
        for payload in payloads:
            shutil.copy(self.folder / payload.name, scratch)
        return scratch


def write_files(folder, seed=0, classes=3, size=(6, 8)):
    """Four small, valid files; what they hold depends on the seed."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for split, count in (("train", 12), ("test", 5)):
        images = rng.integers(0, 256, (count, *size), np.uint8)
        idx.write(folder / IMAGES[split], images)
        idx.write(folder / LABELS[split], (np.arange(count) % classes).astype(np.uint8))
    return folder


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A catalogue of two tiny data sets with a cache and an OS folder of their own."""
    monkeypatch.delenv("GEN_MODELS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    entries = {}
    for seed, name in enumerate(("fashion_mnist", "mnist")):
        origin = write_files(tmp_path / "origin" / name, seed)
        payloads = tuple(
            Payload(file, len(content), hashlib.sha256(content).hexdigest())
            for file in FILES
            for content in [(origin / file).read_bytes()]
        )
        entries[name] = KnownDataset(
            name, ("a", "b", "c"), payloads, (str(tmp_path / "os" / name),), (Folder(origin),)
        )
    for module in (catalog, folders):
        monkeypatch.setattr(module, "CATALOG", entries)
    return tmp_path


def origin_images(world, name, split="train"):
    return idx.read(world / "origin" / name / IMAGES[split])


def damage(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_default_is_fetched_into_the_cache_once(world):
    source = catalog.CATALOG["fashion_mnist"].sources[0]
    for split in ("train", "test", "train"):
        dataset = load(split=split)
        assert dataset.name == "fashion_mnist"
        np.testing.assert_array_equal(dataset.images, origin_images(world, "fashion_mnist", split))
    assert source.calls == 1
    cache = world / "cache" / "gen_models" / "fashion_mnist"
    assert {path.name for path in cache.iterdir()} - {".lock"} == set(FILES)


def test_dataset_fields(world):
    dataset = load("mnist", "test")
    assert isinstance(dataset.images, np.memmap)
    assert not dataset.images.flags.writeable
    assert not dataset.labels.flags.writeable
    assert dataset.labels.dtype == np.int32
    assert dataset.labels.tolist() == [0, 1, 2, 0, 1]
    assert (dataset.num_classes, dataset.image_shape) == (3, (6, 8))
    assert dataset.spec == Spec(height=6, width=8, num_classes=3)
    digests = {load(name, split).digest for name in catalog.CATALOG for split in IMAGES}
    assert len(digests) == 4
    assert dataset.digest == load("mnist", "test", world / "origin" / "mnist").digest


@pytest.mark.parametrize("kind", ["known", "own", "own, zipped"])
def test_load_splits_reads_what_load_finds_into_memory(world, kind):
    folder = write_files(world / "own", seed=7)
    if kind == "own, zipped":
        for file in FILES:
            idx.write(folder / file, idx.read(folder / file), compress=True)
    name, data_dir = ("mnist", None) if kind == "known" else (None, folder)
    splits = load_splits(name, data_dir)
    for split, loaded in zip(("train", "test"), splits, strict=True):
        wanted = load(name, split, data_dir)
        assert not isinstance(loaded.images, np.memmap)
        assert not loaded.images.flags.writeable
        assert not loaded.labels.flags.writeable
        assert loaded.images.dtype == wanted.images.dtype
        np.testing.assert_array_equal(loaded.images, wanted.images)
        np.testing.assert_array_equal(loaded.labels, wanted.labels)
        assert (loaded.name, loaded.class_names) == (wanted.name, wanted.class_names)
        assert loaded.digest == wanted.digest
    assert (len(splits.train.labels), len(splits.test.labels)) == (12, 5)


def test_load_splits_survives_a_file_that_another_program_overwrites(world):
    folder = write_files(world / "own", seed=7)
    splits = load_splits(data_dir=folder)
    before = splits.train.images.copy()
    path = folder / IMAGES["train"]
    path.write_bytes(bytes(path.stat().st_size))  # in place, as a mapping would see it
    np.testing.assert_array_equal(splits.train.images, before)


@pytest.mark.usefixtures("world")
def test_load_splits_leaves_huge_images_mapped(monkeypatch):
    monkeypatch.setattr(catalog, "MAX_IN_MEMORY_BYTES", 12 * 6 * 8 - 1)
    splits = load_splits("mnist")
    assert [isinstance(split.images, np.memmap) for split in splits] == [True, False]


def test_order_of_search(world, monkeypatch):
    """Each place is used only when those before it have nothing."""
    sets = {}
    for place in ("cache/gen_models/mnist", "os/mnist", "variable", "argument"):
        sets[place] = shutil.copytree(world / "origin" / "mnist", world / place)
        if place == "variable":
            monkeypatch.setenv("GEN_MODELS_DATA", str(world / place))
        data_dir = world / place if place == "argument" else None
        assert str(load("mnist", data_dir=data_dir).images.filename).startswith(str(world / place))
    assert catalog.CATALOG["mnist"].sources[0].calls == 0


@pytest.mark.usefixtures("no_cache")
def test_without_a_cache_the_files_are_fetched_once_a_process(world):
    cache._temporary.cache_clear()  # as in a new process
    source = catalog.CATALOG["mnist"].sources[0]
    for split in ("train", "test", "train"):
        loaded = load("mnist", split)
        np.testing.assert_array_equal(loaded.images, origin_images(world, "mnist", split))
    assert source.calls == 1


def test_a_read_only_cache_that_holds_the_files_is_enough(world, read_only):
    read_only(shutil.copytree(world / "origin" / "mnist", world / "cache/gen_models/mnist"))
    np.testing.assert_array_equal(load("mnist").images, origin_images(world, "mnist"))
    assert catalog.CATALOG["mnist"].sources[0].calls == 0


def test_cache_falls_back_to_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert str(cache_folder("mnist")) == "/home/somebody/.cache/gen_models/mnist"


@pytest.mark.parametrize("form", ["raw", "gz", "dot", "sub-folder", "hyphen"])
def test_forms_of_the_data_folder(world, form):
    folder = world / "data"
    inside = {"sub-folder": folder / "fashion_mnist", "hyphen": folder / "fashion-mnist"}
    target = shutil.copytree(world / "origin" / "fashion_mnist", inside.get(form, folder))
    for path in list(target.iterdir()):
        if form == "gz":
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
        elif form == "dot":
            path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    for name in ("fashion_mnist", None):
        dataset = load(name, data_dir=folder)
        assert dataset.name == "fashion_mnist"
        np.testing.assert_array_equal(dataset.images, origin_images(world, "fashion_mnist"))
    assert catalog.CATALOG["fashion_mnist"].sources[0].calls == 0


def test_folder_without_name_is_the_known_set_that_it_holds(world):
    folder = shutil.copytree(world / "origin" / "mnist", world / "whatever")
    assert load(data_dir=folder).name == "mnist"
    assert load(data_dir=folder).class_names == ("a", "b", "c")


def test_folder_without_files_is_refused_where_nothing_else_is_asked_for(world):
    (world / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty holds no IDX .* it has no files; expected "):
        load(data_dir=world / "empty")


def test_folder_with_other_names_lists_them_and_the_right_ones(world):
    folder = world / "other"
    (folder / "deep").mkdir(parents=True)
    for number in range(12):
        (folder / f"{number:02}.png").touch()
    (folder / "deep" / "train-images-idx3-ubyte.bin").touch()
    with pytest.raises(DataError) as caught:
        load(data_dir=folder)
    assert str(caught.value) == (
        f"{folder} holds no IDX files of a data set, by their names; it has "
        "deep/train-images-idx3-ubyte.bin, 00.png, 01.png, 02.png, 03.png, 04.png, 05.png, "
        f"06.png, 07.png, 08.png and 3 more; expected {', '.join(FILES)}, raw or .gz, together "
        "there or in a folder in it (python -m experiments.convert makes them of pictures); name a "
        "--dataset to look for it elsewhere too"
    )


def renamed(folder, prefix="", test="t10k", dash="-", zipped=False):
    """The files of a folder under names as others give them."""
    for path in [path for path in folder.iterdir() if path.name in FILES]:
        name = prefix + path.name.replace("t10k", test).replace("-idx", f"{dash}idx")
        content = path.read_bytes()
        path.unlink()
        (folder / (name + ".gz" * zipped)).write_bytes(
            gzip.compress(content) if zipped else content
        )
    return folder


@pytest.mark.parametrize(
    ("inside", "how", "name"),
    [
        ("", {"test": "test", "zipped": True}, "data"),  # converters of PNG pictures
        ("gzip", {"prefix": "emnist-letters-", "test": "test", "zipped": True}, "emnist-letters"),
        ("", {"prefix": "qmnist-", "test": "test"}, "qmnist"),
        ("raw", {}, "data"),
        ("KMNIST/raw", {"zipped": True}, "kmnist"),  # torchvision
        ("", {"dash": "_"}, "data"),
        ("gzip", {"prefix": "mnist-"}, "mnist-own"),
    ],
)
def test_files_are_found_as_others_name_and_place_them(world, inside, how, name):
    renamed(write_files(world / "data" / inside, seed=7), **how)
    wanted = load(data_dir=write_files(world / "wanted", seed=7), split="test")
    loaded = load(data_dir=world / "data", split="test")
    assert (loaded.name, loaded.digest) == (name, wanted.digest)
    np.testing.assert_array_equal(loaded.images, wanted.images)


def test_labels_of_qmnist_are_their_first_column(world):
    folder = renamed(write_files(world / "qmnist", seed=7), "qmnist-", "test")
    for split in ("train", "test"):
        path = folder / f"qmnist-{split}-labels-idx1-ubyte"
        facts = np.zeros((len(labels := idx.read(path)), 8), np.int32) + 9
        facts[:, 0] = labels
        idx.write(folder / f"qmnist-{split}-labels-idx2-int", facts)
        path.unlink()
    loaded = load(data_dir=folder)
    assert (loaded.name, loaded.labels.tolist()) == ("qmnist", [0, 1, 2] * 4)


def test_known_set_is_found_below_a_folder_of_several_as_torchvision_has_them(world):
    for name, folder in (("fashion_mnist", "FashionMNIST"), ("mnist", "MNIST")):
        shutil.copytree(world / "origin" / name, world / "data" / folder / "raw")
    for name in ("fashion_mnist", "mnist"):
        loaded = load(name, data_dir=world / "data")
        assert (loaded.name, catalog.CATALOG[name].sources[0].calls) == (name, 0)
        np.testing.assert_array_equal(loaded.images, origin_images(world, name))
    first, second = (world / "data" / name / "raw" for name in ("FashionMNIST", "MNIST"))
    with pytest.raises(DataError) as caught:
        load(data_dir=world / "data")
    assert str(caught.value) == (
        f"{world / 'data'} holds 2 data sets: {first}, {second}; name one of them, such as "
        f"--data-dir {first}"
    )


def test_of_several_prefixes_in_a_folder_one_is_named(world):
    for seed, prefix in enumerate(("emnist-digits-", "emnist-letters-"), 7):
        renamed(write_files(world / "emnist" / "gzip", seed), prefix, "test", zipped=True)
    folder = world / "emnist" / "gzip"
    for named in (folder, folder.parent):
        with pytest.raises(DataError, match=f"{named} holds 2 data sets: .*/emnist-digits, .*"):
            load(data_dir=named)
    letters = load(data_dir=folder / "emnist-letters")
    assert letters.name == "emnist-letters"
    assert letters.digest == load(data_dir=write_files(world / "x", 8)).digest
    (folder / "emnist-letters-test-labels-idx1-ubyte.gz").unlink()
    lacks = "lacks emnist-letters-t10k-labels-idx1-ubyte$"
    with pytest.raises(DataError, match=lacks):
        load(data_dir=folder / "emnist-letters")


def test_files_with_the_plain_names_are_what_a_folder_means(world):
    folder = renamed(write_files(world / "own", 8), "emnist-letters-")
    write_files(folder, 7)
    for path in list(folder.iterdir()):  # Finder's litter
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7")
    renamed(write_files(folder, 7), dash=".")
    write_files(folder, 7)
    assert load(data_dir=folder).name == "own"
    assert load(data_dir=folder).digest == load(data_dir=write_files(world / "x", 7)).digest


def test_label_that_no_training_image_has_is_said_once(world, capsys):
    folder = write_files(world / "letters", seed=7)
    for split in LABELS:
        labels = idx.read(folder / LABELS[split])
        idx.write(folder / LABELS[split], labels + np.uint8(2) * (labels > 0) + np.uint8(1))
    splits = load_splits(data_dir=folder)
    assert splits.train.num_classes == 6
    assert np.unique(splits.train.labels).tolist() == [1, 4, 5]
    assert " ".join(capsys.readouterr().err.split()) == (
        "letters: no training image has the label 0, 2, 3; no picture and no sample is of such a "
        "class unless it is asked for"
    )


def test_folder_without_files_is_passed_over_aloud(world, capsys):
    (world / "empty").mkdir()
    assert load("fashion_mnist", data_dir=world / "empty").name == "fashion_mnist"
    assert (
        "empty holds no IDX files; looking for fashion_mnist elsewhere" in capsys.readouterr().err
    )


def test_folder_with_some_files_is_refused(world):
    """Passing it over would train on something else than what the user gave."""
    folder = shutil.copytree(world / "origin" / "mnist", world / "half")
    (folder / IMAGES["test"]).unlink()
    with pytest.raises(DataError, match=f"half holds .*; it lacks {IMAGES['test']}"):
        load(data_dir=folder)


def test_absent_folder_is_refused(world, monkeypatch):
    with pytest.raises(DataError, match=r"the data folder, .*/absent, is not there"):
        load(data_dir=world / "absent")
    monkeypatch.setenv("GEN_MODELS_DATA", str(world / "absent"))
    with pytest.raises(DataError, match="that GEN_MODELS_DATA names"):
        load()
    with pytest.raises(DataError, match=r"cannot look at .*: File name too long"):
        load(data_dir="x" * 5000)
    with pytest.raises(DataError, match="cannot tell what ~ means in ~nobody-has-this-name"):
        load(data_dir="~nobody-has-this-name/data")


def test_files_placed_in_the_cache_by_hand(world):
    """What the message of a failed fetch asks for."""
    shutil.copytree(world / "origin" / "mnist", world / "cache" / "gen_models" / "mnist")
    assert load("mnist").name == "mnist"
    assert catalog.CATALOG["mnist"].sources[0].calls == 0


def test_wrong_digest_in_a_named_folder(world):
    folder = shutil.copytree(world / "origin" / "mnist", world / "data")
    damage(folder / IMAGES["train"])
    expected = next(p.sha256 for p in catalog.CATALOG["mnist"].payloads if p.name == FILES[0])
    found = hashlib.sha256((folder / IMAGES["train"]).read_bytes()).hexdigest()
    with pytest.raises(DataError) as caught:
        load("mnist", data_dir=folder)
    assert str(caught.value) == (
        f"{folder / IMAGES['train']} is not mnist's: found sha256 {found}, expected {expected}; "
        "get it again, or, to use it as a data set of its own, leave out --dataset and give "
        f"--data-dir {folder}"
    )
    assert load(data_dir=folder).name == "data"


def test_wrong_digest_in_an_os_folder(world):
    folder = shutil.copytree(world / "origin" / "mnist", world / "os" / "mnist")
    damage(folder / LABELS["train"])
    with pytest.raises(DataError, match="reinstall the package"):
        load("mnist")


@pytest.mark.parametrize("how", ["flip", "cut", "remove"])
def test_damaged_cache_is_mended(world, capsys, how):
    load("mnist")
    path = world / "cache" / "gen_models" / "mnist" / IMAGES["train"]
    capsys.readouterr()
    if how == "flip":
        damage(path)
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:-3])
    else:
        path.unlink()
    np.testing.assert_array_equal(load("mnist").images, origin_images(world, "mnist"))
    assert catalog.CATALOG["mnist"].sources[0].calls == 2
    said = f"{path} is damaged; fetching it again" in capsys.readouterr().err
    assert said == (how != "remove")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "fashion-mnist",
            "no data set is called 'fashion-mnist'; perhaps you meant 'fashion_mnist'",
        ),
        ("minst", "perhaps you meant 'mnist'"),
        ("cifar", "known are 'fashion_mnist', 'mnist'"),
    ],
)
def test_unknown_name(name, message):
    with pytest.raises(DataError) as caught:
        load(name)
    assert message in str(caught.value)


def test_unknown_split():
    with pytest.raises(DataError, match="no split is called 'tset'; perhaps you meant 'test'"):
        load("mnist", "tset")


def test_own_data_set(world):
    folder = write_files(world / "My Data (2)", seed=7, classes=5, size=(12, 16))
    dataset = load(data_dir=folder)
    assert dataset.name == "my_data_2"
    assert dataset.class_names == ("0", "1", "2", "3", "4")
    assert dataset.image_shape == (12, 16)
    # The classes are those of both splits.
    idx.write(folder / LABELS["test"], np.array([0, 1, 2, 3, 9], np.int32))
    assert load(data_dir=folder).num_classes == 10
    assert load(data_dir=folder).digest == dataset.digest


def test_own_data_set_never_takes_a_known_name(world):
    folder = write_files(world / "mnist", seed=7)
    assert load(data_dir=folder).name == "mnist-own"


@pytest.mark.parametrize(
    ("file", "array", "message"),
    [
        (
            IMAGES["train"],
            np.zeros((12, 6, 8), np.int8),
            r"holds int8\[12, 6, 8\], expected images",
        ),
        (IMAGES["train"], np.zeros((12, 48), np.uint8), r"holds uint8\[12, 48\], expected images"),
        (IMAGES["train"], np.zeros((0, 6, 8), np.uint8), "holds 0 images of 6x8"),
        (
            IMAGES["train"],
            np.zeros((12, 3, 8), np.uint8),
            "holds 12 images of 3x8, expected .* 4x4",
        ),
        (
            IMAGES["test"],
            np.zeros((5, 8, 8), np.uint8),
            r"has images of \(8, 8\), expected \(6, 8\)",
        ),
        (LABELS["train"], np.zeros(11, np.uint8), "has 11 labels, expected one .* 12 images"),
        (LABELS["test"], np.zeros(5, np.float32), r"holds float32\[5\], expected integer labels"),
        (LABELS["test"], np.zeros((5, 1), np.uint8), r"holds uint8\[5, 1\], expected integer"),
        (LABELS["test"], np.full(5, -1, np.int16), "has label -1 at position 0, expected 0 to"),
        (LABELS["test"], np.full(5, 2**31 - 1, np.int32), "has label 2147483647 at position 0"),
    ],
)
def test_inconsistent_own_data_set(world, file, array, message):
    folder = write_files(world / "own", seed=7)
    idx.write(folder / file, array)
    with pytest.raises(DataError, match=f"{file} {message}"):
        load(data_dir=folder)


def test_malformed_file_of_an_own_data_set(world):
    folder = write_files(world / "own", seed=7)
    (folder / IMAGES["train"]).write_bytes(b"GIF89a")
    with pytest.raises(idx.IdxError, match=f"{IMAGES['train']}: byte 0: found 0x4749"):
        load(data_dir=folder)


def test_known_entries_are_complete():
    for name, entry in known.CATALOG.items():
        assert entry.name == name
        assert {payload.name for payload in entry.payloads} == set(FILES)
        assert len(entry.class_names) == 10
        assert all(len(payload.sha256) == 64 for payload in entry.payloads)
