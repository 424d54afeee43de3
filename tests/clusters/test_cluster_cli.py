"""`experiments.cluster`: results one by one, and the page of them."""

import json
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

import jax
import numpy as np
import pytest
from trainings import make_recipe, write_folder

from experiments import cluster
from gen_models import programs, runs, trained
from gen_models.clusters import making, methods, report, results, scores, ways
from gen_models.data import catalog
from gen_models.errors import UserError
from gen_models.fields import ConfigError

pytest.importorskip("umap")
QUICK = ["kmeans-pixels", "mixture-pca"]
SCORES = scores.ClusterScores(0.5, 0.5, 0.4, 10, 0.0)


@pytest.fixture
def data(tiny, tmp_path, monkeypatch):
    """The folder of the data set; what is written lies beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return ["--data-dir", str(write_folder(tmp_path / "tiny", tiny))]


@pytest.fixture
def splits(data):
    """The data set as commands read it, to train on."""
    return catalog.load_splits(None, data[1])


def stored(out):
    return json.loads(out.with_name(f"{out.name}.json").read_text())["found"]


def test_each_way_and_seed_has_a_result_and_the_page_has_all(data, tmp_path, capsys):
    out = tmp_path / "found" / "tiny"
    args = [*data, "--ways", *QUICK, "--seeds", "2", "--out", str(out)]
    assert cluster.main(args) == 0
    assert [(result["way"], result["seed"]) for result in stored(out)] == [
        (way, seed) for seed in range(2) for way in QUICK
    ]
    page = out.with_name("tiny.md").read_text()
    assert "k-means of pixels" in page and "tiny-kmeans-pixels.png" in page
    assert (out.parent / "tiny-kmeans-pixels.png").exists()
    assert "accuracy" in capsys.readouterr().out


def test_labels_without_images_are_no_clusters(splits, monkeypatch):
    labels = splits.train.labels.copy()
    labels[labels == 1] = 0
    train = splits.train._replace(labels=labels)
    monkeypatch.setattr(making.sets, "load", lambda *_: (splits._replace(train=train), [], []))
    task = making.load_task([], None, None, making.ClusterOptions(ways=("kmeans-pixels",)), print)
    assert task.data.clusters == 2


def test_an_interrupted_command_continues_with_what_lacks(data, tmp_path, monkeypatch):
    out = tmp_path / "tiny-found"
    args = [*data, "--ways", *QUICK, "--seeds", "2", "--out", str(out)]
    calls = []

    def interrupted(*given):
        calls.append(given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return kmeans(*given)

    kmeans = methods.kmeans
    monkeypatch.setattr(ways, "METHODS", [("kmeans", "k-means", interrupted)])
    args[args.index(QUICK[1])] = "kmeans-pca"
    with pytest.raises(KeyboardInterrupt):
        cluster.main(args)
    assert len(stored(out)) == 2
    assert cluster.main(args) == 0
    assert len(stored(out)) == 4
    assert len(calls) == 5  # the third was tried twice
    assert cluster.main(args) == 0
    assert len(calls) == 5


def untrained(name: str, tiny, **options) -> trained.Trained:
    """A model as it is before training."""
    recipe, data = make_recipe(model=name, **options), runs.DataRecord.of(tiny.train)
    state = programs.start(recipe.model(data.spec), jax.random.key(0))
    return trained.Trained(name, recipe, data, state)


def test_a_vae_has_its_latents_and_an_infogan_its_own_code(tiny):
    data = ways.ClusterImages(tiny.train.images, tiny.train.labels, 3)
    kmeans, mixture = ways.of_models(data, "vae", [untrained("vae", tiny)])
    assert (kmeans.name, mixture.name) == ("kmeans-vae", "mixture-vae")
    assert kmeans.seeds(5) == [0]  # a run has one
    assert set(kmeans.cluster(0).clusters) == {0, 1, 2}
    infogans = [untrained("infogan", tiny, seed=seed) for seed in (3, 1)]
    (code,) = ways.of_models(data, "infogan", infogans)
    assert (code.name, code.seeds(5), code.seeds(1)) == ("code-infogan", [3, 1], [3])
    clustering = code.cluster(1)
    probabilities = infogans[1].recognise(data.images)[:, :10]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(clustering.clusters, probabilities.argmax(axis=1))


def test_models_without_latents_and_unknown_ways_are_refused(splits, data, tmp_path):
    untrained("dcgan", splits).save(tmp_path / "dcgan.safetensors")
    with pytest.raises(ConfigError, match="no encoder"):
        cluster.main([str(tmp_path / "dcgan.safetensors"), *data])
    with pytest.raises(UserError, match="expected a prefix of files"):
        cluster.main([*data, "--out", str(tmp_path)])
    with pytest.raises(ConfigError, match="perhaps you meant 'kmeans-pixels'"):
        cluster.main([*data, "--ways", "kmeans-pixel"])


def test_results_of_other_images_are_not_mixed(data, tmp_path):
    out = tmp_path / "found"
    args = [*data, "--ways", QUICK[0], "--seeds", "1", "--out", str(out)]
    assert cluster.main(args) == 0
    with pytest.raises(UserError, match="of other images"):
        cluster.main([*args, "--images", "40"])
    out.with_name("found.json").write_text("{}")
    with pytest.raises(UserError, match="delete it"):
        cluster.main(args)


def test_results_of_other_settings_are_replaced_only_when_that_is_asked_for():
    way = ways.Way("dec", "DEC", {"options": {"epochs": 2, "size": 3}}, {}, lambda _: None)
    settings = {"options": {"epochs": 1, "size": 3}}
    old = results.ClusterResult("dec", "DEC", None, settings, 0, None, {}, 1.0, {})
    earlier = results.ClusterResults("tiny", "", 3, [old, old._replace(seed=1)])
    assert not earlier.has(way, 0)
    with pytest.raises(ConfigError, match=r"dec with other settings: options\.epochs was 1, is 2;"):
        earlier.check(way)
    earlier = earlier.with_result(old._replace(settings=way.settings))
    earlier.check(way)
    assert [result.seed for result in earlier.found] == [0]  # no mean of both


def test_a_run_of_another_seed_is_added_and_another_state_of_one_is_refused(tiny):
    data = ways.ClusterImages(tiny.train.images, tiny.train.labels, 3)
    first, later = (untrained("vae", tiny, seed=seed) for seed in (0, 4))
    old, both = (ways.of_models(data, "vae", runs)[0] for runs in ([first], [first, later]))
    stored = results.ClusterResult(
        old.name, "", None, old.settings, 0, SCORES, {}, 1.0, old.models[0]
    )
    earlier = results.ClusterResults("tiny", "", 3, [stored])
    earlier.check(both)
    assert [earlier.has(both, seed) for seed in (0, 4)] == [True, False]
    second = stored._replace(seed=4, model=both.models[4])
    assert earlier.with_result(second).found == [stored, second]
    longer = replace(first, state=first.state._replace(step=9))
    (other, *_) = ways.of_models(data, "vae", [longer])
    with pytest.raises(ConfigError, match="step was 0, is 9"):
        earlier.check(other)
    assert not earlier.has(other, 0)


def test_runs_at_different_steps_are_no_seeds_of_one_way(tiny):
    runs = [untrained("vae", tiny, seed=seed) for seed in (0, 4)]
    assert [*making.group_models(["a", "b"], runs)] == ["a"]
    longer = replace(runs[1], state=runs[1].state._replace(step=9))
    groups = making.group_models(["x/vae-0", "y/vae-0"], [runs[0], longer])
    assert [*groups] == ["x-vae-0", "y-vae-0"]  # names that files may have


def test_a_result_of_before_steps_were_settings_is_found(tmp_path, tiny):
    data = ways.ClusterImages(tiny.train.images, tiny.train.labels, 3)
    way, *_ = ways.of_models(data, "vae", [untrained("vae", tiny)])
    settings = {name: value for name, value in way.settings.items() if name != "step"}
    model = way.models[0] | {"step": way.settings["step"]}
    old = results.ClusterResult(way.name, "", None, settings, 0, SCORES, {}, 1.0, model)
    path = tmp_path / "found.json"
    results.write(path, results.ClusterResults("tiny", "", 3, [old]))
    assert results.read(path, "tiny", "", 3).has(way, 0)


def test_a_result_of_before_an_option_was_added_is_of_its_value_of_then(tmp_path, tiny):
    data = ways.ClusterImages(tiny.train.images, tiny.train.labels, 3)
    way, *_ = ways.of_models(data, "vae", [untrained("vae", tiny)])
    then = dict(way.settings["recipe"])
    assert then.pop("prior_components") == 0
    settings = way.settings | {"recipe": then}
    old = results.ClusterResult(way.name, "", None, settings, 0, SCORES, {}, 1.0, way.models[0])
    path = tmp_path / "found.json"
    results.write(path, results.ClusterResults("tiny", "", 3, [old]))
    assert results.read(path, "tiny", "", 3).has(way, 0)


def test_other_settings_are_refused_before_anything_is_done(data, tmp_path, monkeypatch):
    out = tmp_path / "found"
    args = [*data, "--seeds", "1", "--out", str(out), "--ways"]
    monkeypatch.setattr(ways, "VERSION", 1)
    assert cluster.main([*args, QUICK[1]]) == 0
    before = stored(out)
    monkeypatch.setattr(ways, "VERSION", 2)
    with pytest.raises(ConfigError, match="mixture-pca with other settings: version was 1, is 2"):
        cluster.main([*args, *QUICK])
    assert stored(out) == before
    assert cluster.main([*args, *QUICK, "--anew"]) == 0
    assert [result["settings"] for result in stored(out)] == [{"version": 2}] * 2


def test_what_was_published_stands_beside_all_images_only():
    of_dec = [results.ClusterResult("dec", "DEC", "DEC", {}, 0, SCORES, {}, 1.0, {})]
    for images, text in ((70_000, "0.62 / 0.65"), (1000, "")):
        rows = report.rows(results.ClusterResults("fashion_mnist", "", images, of_dec))
        assert rows[1][-1] == text


def test_without_the_extra_one_line_says_what_to_install(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(UserError, match=r"sklearn is not installed.*\[analysis\]"):
        cluster.main(data)


def test_models_that_differ_only_in_their_seed_are_one_group(tiny):
    others = {"seed": 1}, {"width": 5}, {"steps": 7}, {"seed": 1}
    models = [untrained("vae", tiny, **options) for options in ({}, *others)]
    groups = making.group_models(["a", "b", "c", "d", "e"], models)
    assert {name: len(group) for name, group in groups.items()} == {"a": 2, "c": 1, "d": 1, "e": 1}


def test_without_umap_learn_the_other_ways_work(data, tmp_path, monkeypatch):
    def installed(library):
        if library == "umap-learn":
            raise PackageNotFoundError(library)
        return version(library)

    monkeypatch.setitem(sys.modules, "umap", None)
    monkeypatch.setattr(ways, "version", installed)
    out = tmp_path / "found"
    args = [*data, "--seeds", "1", "--out", str(out)]
    assert cluster.main([*args, "--ways", "kmeans-pixels"]) == 0
    with pytest.raises(UserError, match="umap is not installed, and this needs it"):
        cluster.main(args)


def test_results_of_another_process_are_kept(data, tmp_path):
    first, second = (["--ways", way, "--seeds", "1"] for way in QUICK)
    out = tmp_path / "found"
    assert cluster.main([*data, *first, "--out", str(out)]) == 0
    path = out.with_name("found.json")
    before = json.loads(path.read_text())
    empty = results.ClusterResults(before["dataset"], before["digest"], before["images"], [])
    other = results.read(path, *empty[:3]).found[0]._replace(way="other")
    both = results.add_result(path, empty, other)
    assert [result.way for result in both.found] == [QUICK[0], "other"]
    assert cluster.main([*data, *second, "--out", str(out)]) == 0
    assert {result["way"] for result in stored(out)} == {*QUICK, "other"}
