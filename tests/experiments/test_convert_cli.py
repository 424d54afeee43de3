"""`experiments.convert`: from pictures or arrays to a data set that a model is trained on."""

import numpy as np
import pytest
from PIL import Image
from trainings import OPTIONS

from experiments import convert, train
from gen_models.data import catalog


@pytest.fixture
def pictures(tmp_path, tiny):
    """A folder with the pictures of both splits of `tiny`, in a folder for each class."""
    for split, data in tiny._asdict().items():
        for index, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
            folder = tmp_path / "pictures" / split / str(label)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{index}.png")
    return tmp_path / "pictures"


def test_pictures_become_a_data_set_to_train_on(pictures, tiny, tmp_path, run_command):
    out = tmp_path / "mine"
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
    options = [f"--{name.replace('_', '-')}={x}" for name, x in OPTIONS.items() if name != "steps"]
    args = ["--data-dir", str(out), "--out", str(tmp_path / "run"), "--steps=1", *options]
    assert train.main(args) == 0


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
