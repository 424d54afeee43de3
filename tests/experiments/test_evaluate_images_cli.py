"""`evaluate --images`: images that another program drew."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments import evaluate
from gen_models.data import idx
from gen_models.errors import UserError
from gen_models.evaluation import record

pytestmark = pytest.mark.usefixtures("place")


def made_by_another_program(*options):
    """The evaluation of images in a file, without its name."""
    assert evaluate.main(["--images", *map(str, options), "--data-dir", "tiny"]) == 0
    evaluation = record.read(Path(f"{options[0]}.{record.NAME}"))
    assert evaluation.subject == {"dataset": "tiny", "name": str(options[0])}
    assert Path(f"{options[0]}.memorisation.png").is_file()
    return evaluation._replace(subject={})


@pytest.fixture(scope="module")
def others(place, tiny):
    """Forty images with their labels, as IDX, and what they score: an evaluation."""
    idx.write(place / "forty", tiny.train.images[30:])
    idx.write(place / "forty-labels", tiny.train.labels[30:].astype(np.uint8))
    return made_by_another_program("forty", "--labels", "forty-labels")


def test_images_and_labels_in_an_npz_score_as_those_in_two_idx_files(others, tiny):
    images, labels = tiny.train.images[30:], tiny.train.labels[30:]
    np.savez("both.npz", images=images, labels=labels)
    assert made_by_another_program("both.npz") == others
    np.savez("floats.npz", images=images[..., None] / np.float32(127.5) - 1, y=labels)
    assert made_by_another_program("floats.npz") == others


def test_labels_given_by_option_stand_in_for_those_in_the_file(others, tiny):
    np.savez("wrong.npz", images=tiny.train.images[30:], labels=np.zeros(40, np.int64))
    assert made_by_another_program("wrong.npz") != others
    Path("forty.csv").write_text("".join(f"{label}\n" for label in tiny.train.labels[30:]))
    assert made_by_another_program("wrong.npz", "--labels", "forty.csv") == others


def test_labels_in_the_file_of_images_are_ignored_if_unlabelled(others, tiny):
    np.savez("unasked.npz", images=tiny.train.images[30:], labels=np.zeros(40, np.int64))
    np.save("alone.npy", tiny.train.images[30:])
    unlabelled = made_by_another_program("unasked.npz", "--unlabelled")
    assert unlabelled == made_by_another_program("alone.npy")
    reweighted = {"fid_reweighted", "fid_reweighted_classifier"}
    assert unlabelled.measures.keys() == others.measures.keys() - {"label_accuracy"} | reweighted


@pytest.mark.usefixtures("others")
def test_the_classification_score_of_images_is_taken_of_those_with_labels():
    measures = made_by_another_program("forty", "--labels", "forty-labels", "--cas").measures
    assert measures["classification_score"].floor is not None
    assert "classification_score" not in made_by_another_program("forty", "--cas").measures


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG")
    return file.getvalue()


def test_a_zip_of_pngs_in_folders_of_their_class_scores_as_their_arrays(others, tiny):
    pairs = list(enumerate(zip(tiny.train.images[30:], tiny.train.labels[30:], strict=True)))
    with zipfile.ZipFile("classes.zip", "w") as archive:
        for index, (image, label) in pairs:
            archive.writestr(f"made/{label}/{index}.png", png(image))
    evaluation = made_by_another_program("classes.zip")
    order = np.argsort(tiny.train.labels[30:], kind="stable")
    np.savez("in_order.npz", x=tiny.train.images[30:][order], y=tiny.train.labels[30:][order])
    assert evaluation == made_by_another_program("in_order.npz")
    assert evaluation.measures.keys() == others.measures.keys()
    for name in others.measures.keys() - {
        "kid",
        "kid_classifier",
    }:  # whose subsets depend on the order
        value = others.measures[name].value
        assert evaluation.measures[name].value == pytest.approx(value, rel=1e-6, abs=1e-6)


def test_folders_of_no_class_are_refused_unless_no_labels_are_wanted_of_them(tiny):
    for index, image in enumerate(tiny.train.images[30:]):
        file = Path("mixed", "2" if index % 2 else "coat", f"{index}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(image))
    with pytest.raises(UserError, match="mixed has a folder coat, which is no class"):
        made_by_another_program("mixed")
    assert "label_accuracy" not in made_by_another_program("mixed", "--unlabelled").measures


def test_a_zip_and_a_folder_of_pngs_have_the_order_of_their_numbers(others, tiny):
    Path("pictures").mkdir()
    with zipfile.ZipFile("flat.zip", "w") as archive:
        for index, image in enumerate(tiny.train.images[30:]):
            archive.writestr(f"{index}.png", png(image))
            Path(f"pictures/{index}.png").write_bytes(png(image))
    for name in ("flat.zip", "pictures"):
        assert "label_accuracy" not in made_by_another_program(name).measures
        assert made_by_another_program(name, "--labels", "forty-labels") == others


def test_images_without_a_data_set_are_refused_with_one_line(place, run_command):
    idx.write(place / "twenty", np.zeros((20, 8, 8), np.uint8))
    code, out, err = run_command(evaluate.main, "--images", "twenty")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: --images needs --dataset or --data-dir")
    assert "fashion_mnist, mnist" in err
    assert not Path(f"twenty.{record.NAME}").exists()


def test_real_images_score_as_the_floor_does(place, tiny):
    idx.write(place / "real", tiny.train.images[:40])
    assert evaluate.main(["--images", "real", "--data-dir", "tiny"]) == 0
    evaluation = record.read(Path("real.evaluation.json"))
    fid = evaluation.measures["fid"]
    # By nets of four seeds 0.5 to 0.9 of the floor, and images a fifth darker 1.9 to 3.6.
    assert fid.value < 1.5 * fid.floor
    assert evaluation.details["memorisation"]["exact_copies"] == 40
    assert evaluation.measures["authenticity"].value == 0


def test_labels_that_do_not_fit_the_images_are_refused(place):
    idx.write(place / "twenty", np.zeros((20, 8, 8), np.uint8))
    for labels, words in (
        (np.zeros(19, np.uint8), "19 labels from 0 to 0, expected one from 0 to 2 for each of 20"),
        (np.full(20, 3, np.uint8), "20 labels from 3 to 3, expected one from 0 to 2 for each"),
        (np.zeros(20, np.float32), "float32.20., expected one integer an image"),
    ):
        idx.write(place / "labels", labels)
        with pytest.raises(UserError, match=f"^labels: found {words}"):
            evaluate.main(["--images", "twenty", "--labels", "labels", "--data-dir", "tiny"])
    np.savez("both.npz", images=np.zeros((20, 8, 8), np.uint8), labels=np.full(20, 3))
    with pytest.raises(UserError, match=r"/both\.npz: found 20 labels from 3 to 3"):
        evaluate.main(["--images", "both.npz", "--data-dir", "tiny"])
