"""`experiments.convert`: from pictures or arrays to a data set that a model is trained on."""

import numpy as np
import pytest
from PIL import Image
from trainings import OPTIONS

from experiments import convert, sample, train
from gen_models.data import catalog


def write_pictures(folder, tiny, folder_names):
    """The pictures of both splits of `tiny`, in a folder for each class."""
    for split, data in tiny._asdict().items():
        for index, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
            inner = folder / split / folder_names[label]
            inner.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(inner / f"{index}.png")
    return folder


@pytest.mark.parametrize("class_names", [("0", "1", "2"), ("Bag", "ankle boot", "coat")])
def test_pictures_become_a_data_set_to_train_on(tiny, tmp_path, run_command, class_names):
    pictures, out = write_pictures(tmp_path / "pictures", tiny, class_names), tmp_path / "mine"
    splits = ["--train", pictures / "train", "--test", pictures / "test"]
    code, said, _ = run_command(convert.main, *splits, "--out", out)
    assert (code, said.splitlines()) == (
        0,
        [
            "train: 70 images of 8×8; classes: 3",
            "test: 20 images of 8×8; classes: 3",
            f"python -m experiments.train --data-dir {out}",
        ],
    )
    for found, made in zip(catalog.load_splits(data_dir=out), tiny, strict=True):
        order = np.argsort(made.labels, kind="stable")
        np.testing.assert_array_equal(found.images, made.images[order])
        np.testing.assert_array_equal(found.labels, made.labels[order])
        assert found.class_names == class_names
    tiny_run = OPTIONS | {"model": "cgan", "steps": 1, "data_dir": out, "out": tmp_path / "run"}
    args = [f"--{name.replace('_', '-')}={value}" for name, value in tiny_run.items()]
    assert train.main(args) == 0
    drawn = ["--labels", class_names[1].upper(), "--out", str(tmp_path / "drawn.png")]
    assert sample.main([str(tmp_path / "run"), *drawn]) == 0


def test_a_test_folder_of_no_class_is_named(tiny, tmp_path, run_command):
    pictures = write_pictures(tmp_path / "pictures", tiny, ("bag", "boot", "coat"))
    (pictures / "test" / "coat").rename(pictures / "test" / "goat")
    splits = ["--train", pictures / "train", "--test", pictures / "test"]
    code, _, err = run_command(convert.main, *splits, "--out", tmp_path / "mine")
    assert (code, err.count("\n")) == (2, 1)
    assert "has a folder goat, which is no class; perhaps you meant 'coat'" in err
    assert not (tmp_path / "mine").exists()


def test_images_without_labels_are_asked_about(tiny, tmp_path, run_command):
    for split, data in tiny._asdict().items():
        np.save(tmp_path / f"{split}.npy", data.images)
    args = ["--train", tmp_path / "train.npy", "--test", tmp_path / "test.npy"]
    args += ["--out", tmp_path / "mine"]
    code, _, err = run_command(convert.main, *args)
    assert (code, err.count("\n")) == (2, 1)
    assert "train.npy holds no labels; expected pictures in folders" in err
    assert run_command(convert.main, *args, "--unlabelled")[0] == 0
    assert catalog.load(data_dir=tmp_path / "mine").num_classes == 1
