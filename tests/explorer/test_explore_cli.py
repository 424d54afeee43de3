"""`experiments.explore`: from folders to a page, or one line on why not."""

import dataclasses
from itertools import chain

import jax
import numpy as np
import pytest
from trainings import contents_of, train
from untrained import random_model

from experiments import explore, sweep
from gen_models import explorer, runs
from gen_models.errors import UserError
from gen_models.fields import ConfigError
from gen_models.runs import checkpoint
from gen_models.sampling import portable

TINY = ["--width", "4", "--latent-size", "3", "--batch-size", "4", "--steps", "2"]


@pytest.fixture
def run(tiny, tmp_path):
    folder = tmp_path / "dcgan-0"
    train(folder, tiny, keep_checkpoints=2)
    return folder


def test_a_page_has_every_checkpoint_that_was_kept(run, tmp_path, capsys):
    out = tmp_path / "new" / "page.html"
    assert explore.main([str(run), "--out", str(out.with_suffix(""))]) == 0
    (shown,) = contents_of(out)["runs"]
    steps = checkpoint.steps(runs.load(run).checkpoints)
    assert [saved["step"] for saved in shown["checkpoints"]] == steps
    assert len(steps) == 2
    printed = capsys.readouterr().out
    assert str(out) in printed and "MB" in printed


def test_saved_models_are_shown_too_with_a_name_of_their_own(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random_model("gan", tiny).save(tmp_path / "mine.safetensors")
    assert explore.main(["mine.safetensors"]) == 0
    (shown,) = contents_of(tmp_path / "results" / "explorer" / "mine.html")["runs"]
    assert shown["name"] == "mine"


def test_models_of_one_name_are_told_apart_by_their_folders(tiny, tmp_path):
    files = ("a/gan.safetensors", "b/gan.safetensors", "vae.safetensors")
    sources = [tmp_path / place for place in files]
    for name, source in zip(("gan", "gan", "vae"), sources, strict=True):
        source.parent.mkdir(exist_ok=True)
        random_model(name, tiny).save(source)
    out = tmp_path / "page.html"
    assert explore.main([*map(str, sources), "--out", str(out)]) == 0
    names = [model["name"] for model in contents_of(out)["runs"]]
    assert names == ["a/gan.safetensors", "b/gan.safetensors", "vae"]


def test_without_names_the_shipped_models_have_a_page_for_each_data_set():
    pages = [[str(name) for name in names] for names in explore.shipped()]
    assert sorted(chain.from_iterable(pages)) == sorted(portable.SHIPPED)
    assert len({names[0].split("-")[0] for names in pages}) == len(pages) == 2
    with pytest.raises(ConfigError, match="name models"):
        explore.main(["--out", "page.html"])


def test_models_of_different_data_are_refused_together(tiny, gapped, tmp_path):
    for name, data in (("a", tiny), ("b", gapped)):
        random_model("gan", data).save(tmp_path / f"{name}.safetensors")
    with pytest.raises(ConfigError, match="one data set"):
        explore.main([str(tmp_path / "a.safetensors"), str(tmp_path / "b.safetensors")])


def test_a_run_that_is_damaged_or_untrained_is_one_error(run, tmp_path):
    for file in (run / runs.CHECKPOINTS).iterdir():
        file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(UserError, match="damaged"):
        explore.main([str(run)])
    for file in (run / runs.CHECKPOINTS).iterdir():
        file.unlink()
    with pytest.raises(UserError, match="no checkpoint"):
        explore.main([str(run)])
    with pytest.raises(UserError, match="no run and no shipped model"):
        explore.main([str(tmp_path / "nothing")])


def test_a_run_that_cannot_be_shown_is_left_out_beside_others(tiny, tmp_path, capsys):
    model = random_model("gan", tiny)
    model.save(tmp_path / "good.safetensors")
    broken = jax.tree.map(lambda x: x * np.nan, model.state.ema)
    dataclasses.replace(model, state=model.state._replace(ema=broken)).save(
        tmp_path / "nan.safetensors"
    )
    names = [tmp_path / "good.safetensors", tmp_path / "nan.safetensors", tmp_path / "none"]
    out = tmp_path / "page.html"
    assert explore.main([*map(str, names), "--out", str(out)]) == 0
    assert [model["name"] for model in contents_of(out)["runs"]] == ["good"]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and "not finite" in lines[0] and "no run" in lines[1]
    with pytest.raises(UserError, match="none of the models"):
        explore.main([*map(str, names[1:]), "--out", str(out)])


def test_a_model_with_an_unknown_operation_is_named_with_it(run, monkeypatch, tmp_path):
    monkeypatch.delitem(explorer.program.PARAMETERS, "tanh")
    with pytest.raises(UserError, match=r"dcgan-0 cannot be shown: .* no operation tanh"):
        explore.main([str(run)])
    lines = []
    assert not explorer.write_page(tmp_path / "page.html", [run], lines.append)
    assert "tanh" in lines[-1] and not (tmp_path / "page.html").exists()


def test_a_sweep_links_to_a_page_with_a_model_of_each_setting(tiny_folder, tmp_path):
    out = tmp_path / "sweep"
    args = ["--model", "gan", "--data-dir", str(tiny_folder), "--out", str(out), *TINY]
    wanted = ["--learning-rate", "1e-3", "1e-4", "--seeds", "2", "--no-evaluate"]
    assert sweep.main([*args, *wanted]) == 0
    assert "(explorer.html)" in (out / "README.md").read_text()
    names = [model["name"] for model in contents_of(out / "explorer.html")["runs"]]
    assert len(set(names)) == 2 and all(name.endswith("seed=0") for name in names), names
