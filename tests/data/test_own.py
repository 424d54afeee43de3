"""Images of the user's own, from arrays to a data set."""

import numpy as np
import pytest

import gen_models as gm
from gen_models.data import catalog, idx
from gen_models.data.catalog import DataError

IMAGES = np.arange(6 * 8 * 12, dtype=np.uint32).reshape(6, 8, 12).astype(np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize("last", [2, 300])
def test_a_saved_data_set_is_loaded_as_it_was(tmp_path, last):
    labels = np.where(LABELS == 2, last, LABELS)
    gm.save_dataset(tmp_path / "new" / "mine", (IMAGES, labels), (IMAGES[:2], [0, 1]))
    train, test = catalog.load_splits(data_dir=tmp_path / "new" / "mine")
    assert (train.name, train.num_classes, test.num_classes) == ("mine", last + 1, last + 1)
    for data, images, wanted in ((train, IMAGES, labels), (test, IMAGES[:2], [0, 1])):
        np.testing.assert_array_equal(data.images, images)
        np.testing.assert_array_equal(data.labels, wanted)


def test_images_without_labels_are_one_class_and_files_are_replaced(tmp_path):
    gm.save_dataset(tmp_path, (IMAGES, LABELS), (IMAGES, LABELS))
    gm.save_dataset(tmp_path, (IMAGES[1:], None), (IMAGES[:2], None))
    train, test = catalog.load_splits(data_dir=tmp_path)
    assert (len(train.images), len(test.images), train.num_classes) == (5, 2, 1)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (IMAGES, r"train is of the type ndarray, expected a pair \(images, labels\)"),
        ((IMAGES / 255, LABELS), r"train images holds float64\[6, 8, 12\], expected .* uint8\[N,H"),
        ((IMAGES[0], LABELS), r"train images holds uint8\[8, 12\], expected images"),
        ((3, LABELS), r"train images holds int64\[\], expected images"),
        (([IMAGES[0], IMAGES[0, :4]], LABELS), "train images cannot be made: .*inhomogeneous"),
        ((IMAGES[:0], LABELS[:0]), "train images holds 0 images of 8x12, expected at least one"),
        ((IMAGES[:, :6], LABELS), r"test images has images of \(8, 12\), expected \(6, 12\)"),
        ((IMAGES, LABELS[1:]), "train labels has 5 labels, expected one for each of the 6 images"),
        ((IMAGES, LABELS / 2), r"train labels holds float64\[6\], expected integer labels"),
        ((IMAGES, LABELS - 1), "train labels has label -1 at position 0, expected 0 to"),
    ],
)
def test_arrays_that_are_no_data_set_are_refused_and_nothing_is_written(tmp_path, train, message):
    with pytest.raises(DataError, match=message):
        gm.save_dataset(tmp_path / "mine", train, (IMAGES, LABELS))
    assert not (tmp_path / "mine").exists()


def test_class_names_are_kept_and_go_with_the_files_that_they_are_of(tmp_path):
    names = ["a coat", "Schuh", "靴", "of no image"]
    gm.save_dataset(tmp_path, (IMAGES, LABELS), (IMAGES, LABELS), class_names=names)
    for data in catalog.load_splits(data_dir=tmp_path):
        assert data.class_names == tuple(names)
    gm.save_dataset(tmp_path, (IMAGES, LABELS), (IMAGES, LABELS))
    assert catalog.load(data_dir=tmp_path).class_names == ("0", "1", "2")


def test_class_names_of_files_with_a_prefix(tmp_path):
    gm.save_dataset(tmp_path, (IMAGES, LABELS), (IMAGES, LABELS), class_names=["a", "b", "c"])
    for file in list(tmp_path.iterdir()):
        file.rename(tmp_path / f"mine-{file.name}")
    data = catalog.load(data_dir=tmp_path / "mine")
    assert (data.name, data.class_names) == ("mine", ("a", "b", "c"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b"], "2 names, expected one for each of the 3 classes"),
        ("abc", "holds 'abc', expected texts"),
        (["a", "b", 2], "expected texts, one for each class"),
        (["a", "b", "A"], "calls class 0 'a', as another class is called"),
        (["a", "0", "c"], "calls class 1 '0', as another class is called"),
        (["a", " ", "c"], "calls class 1 ' ', expected 1 to 60 printable characters"),
        (["a", "b\nc", "c"], r"calls class 1 'b\\nc', expected 1 to 60 printable"),
        (["a", "b", "c" * 61], "calls class 2 .*expected 1 to 60 printable"),
    ],
)
def test_class_names_that_do_not_fit_are_refused_and_nothing_is_written(tmp_path, names, message):
    with pytest.raises(DataError, match=f"class_names.*{message}"):
        gm.save_dataset(tmp_path / "mine", (IMAGES, LABELS), (IMAGES, LABELS), class_names=names)
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    ("content", "message"), [(b"a\n\nc\n", "calls class 1 ''"), (b"\xff", "no text in UTF-8")]
)
def test_a_file_of_class_names_that_does_not_fit_is_named(tmp_path, content, message):
    gm.save_dataset(tmp_path, (IMAGES, LABELS), (IMAGES, LABELS))
    (tmp_path / "classes.txt").write_bytes(content)
    with pytest.raises(DataError, match=f"classes.txt.*{message}"):
        catalog.load(data_dir=tmp_path)


@pytest.mark.parametrize("labels", [(LABELS, None), (None, LABELS)])
def test_labels_of_one_split_alone_are_refused(tmp_path, labels):
    with pytest.raises(DataError, match="only one of train and test has labels"):
        gm.save_dataset(tmp_path, (IMAGES, labels[0]), (IMAGES, labels[1]))


def test_a_replacement_that_is_stopped_leaves_no_mixture(tmp_path, monkeypatch):
    gm.save_dataset(tmp_path, (IMAGES, LABELS), (IMAGES, LABELS))
    write = idx.write

    def stop_after_images(path, array):
        if array.ndim == 1:
            raise KeyboardInterrupt
        write(path, array)

    monkeypatch.setattr(idx, "write", stop_after_images)
    with pytest.raises(KeyboardInterrupt):
        gm.save_dataset(tmp_path, (IMAGES[::-1], LABELS), (IMAGES, LABELS))
    with pytest.raises(DataError, match="it lacks"):
        catalog.load_splits(data_dir=tmp_path)


def test_images_that_no_net_takes_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"images are 6×12; .* must divide by 4"):
        gm.save_dataset(tmp_path, (IMAGES[:, :6], LABELS), (IMAGES[:, :6], LABELS))
