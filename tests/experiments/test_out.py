"""`--out` of the commands that write files."""

import importlib

import pytest

from gen_models.errors import UserError

ENDINGS = {
    "sample nowhere": r"\.png",
    "explore nowhere": r"\.html",
    "compare nowhere": r"\.html or \.png",
    "embed nowhere": r"\.html or \.png or \.csv or \.json",
    "cluster nowhere": r"\.json or \.md",
    "benchmark": r"\.md or \.json or \.png",
    "train_features": r"\.safetensors",
}


@pytest.mark.parametrize(("words", "endings"), ENDINGS.items(), ids=ENDINGS)
def test_another_ending_of_out_is_refused_before_anything_is_read(words, endings):
    name, *args = words.split()
    main = importlib.import_module(f"experiments.{name}").main
    with pytest.raises(UserError, match=rf"--out is x\.pdf, expected .* in {endings}, or one with"):
        main([*args, "--out", "x.pdf"])
