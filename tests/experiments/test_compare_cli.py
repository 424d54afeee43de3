"""`compare`: models beside each other on a page, by one protocol."""

import json
from pathlib import Path

import pytest
from evaluations import QUICK, evaluated
from PIL import Image

from experiments import compare, evaluate, train
from gen_models.errors import UserError
from gen_models.evaluation import record
from gen_models.evaluation.protocol import ProtocolError
from gen_models.fields import ConfigError

pytestmark = pytest.mark.usefixtures("place")


def test_a_comparison_is_one_page_that_holds_everything_and_one_picture(capsys):
    for name in ("cgan-0", "cgan-1", "vae-0"):
        evaluated(name)
    Path("dcgan-0/evaluation.json").unlink(missing_ok=True)
    assert compare.main(["cgan-0", "cgan-1", "vae-0", "dcgan-0", "--out", "side"]) == 0
    written = capsys.readouterr().out.splitlines()[-3:]
    assert written == ["side.html", "side.png", "side-explorer-tiny.html"]
    assert {path.name for path in Path().glob("side*")} == set(written)
    page = Path("side.html").read_text()
    assert page.count("(2 seeds)") == 1
    assert "not evaluated yet: dcgan-0" in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("data:image/png;base64,") == 3 + 3 + 1  # grids, interpolations, curves
    with Image.open("side.png") as picture:
        assert min(picture.size) > 300


def test_a_comparison_says_which_numbers_are_of_another_state_than_the_pictures():
    args = ["--model", "dcgan", "--data-dir", "tiny", *QUICK[:-2], "--out", "longer"]
    assert train.main([*args, "--steps", "4"]) == 0
    evaluated("longer")
    assert compare.main(["longer", "--out", "before.html"]) == 0
    assert "another step" not in Path("before.html").read_text()
    assert train.main([*args, "--steps", "6"]) == 0
    assert compare.main(["longer", "--out", "after"]) == 0
    page = Path("after.html").read_text()
    assert "longer (step 4, the newest is 6); python -m experiments.evaluate measures" in page


def test_a_comparison_refuses_numbers_of_different_protocols():
    evaluated("cgan-0")
    assert evaluate.main(["vae-0", "--samples", "30", "--draws", "1"]) == 0
    with pytest.raises(ProtocolError, match="30 samples"):
        compare.main(["cgan-0", "vae-0", "--out", "mixed"])
    with pytest.raises(UserError, match="expected a prefix of files"):
        compare.main(["cgan-0", "--out", "."])
    assert not Path("mixed.html").exists()


def test_compare_of_a_damaged_evaluation_raises_record_error():
    values = json.loads(Path("cgan-1/evaluation.json").read_text())
    del values["protocol"]
    Path("cgan-1/evaluation.json").write_text(json.dumps(values))
    with pytest.raises(record.RecordError, match="is no evaluation"):
        compare.main(["cgan-1", "--out", "damaged"])


def test_compare_says_what_to_do_with_a_model_that_is_no_run():
    with pytest.raises(ConfigError, match=r"--model vae --dataset mnist$"):
        compare.main(["cgan-0", "mnist-vae", "--out", "shipped"])
    with pytest.raises(UserError, match="nowhere"):
        compare.main(["nowhere", "--out", "shipped"])
