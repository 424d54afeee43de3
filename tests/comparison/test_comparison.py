"""What a comparison shows of runs: its entries, one for those that differ in their seed alone."""

from pathlib import Path

import pytest
from trainings import make_recipe, train

from gen_models import runs as run_folders
from gen_models.comparison import pictures, sections
from gen_models.comparison.entries import COLUMNS, Entry, by_class, entries
from gen_models.runs import DataRecord, Run, checkpoint
from gen_models.storage.names import distinct_names


def test_an_entry_without_evaluations_has_no_summary():
    assert Entry("gan", (), ()).summary == {}
    assert entries([], {}) == []


def test_entries_are_the_groups_of_runs_that_differ_in_their_seed_alone(tiny):
    options = ({"seed": 0}, {"seed": 0, "width": 8}, {"seed": 1}, {"model": "vae"})
    data = DataRecord.of(tiny.train)
    runs = [Run(Path(str(i)), make_recipe(**chosen), data) for i, chosen in enumerate(options)]
    groups = entries(runs, {})
    assert [[run.folder.name for run in entry.runs] for entry in groups] == [
        ["0", "2"],
        ["1"],
        ["3"],
    ]
    assert [entry.shown_run for entry in groups] == [runs[0], runs[1], runs[3]]


def names(tiny, *options):
    """Names of the entries of runs with such options, each in the folder of its number."""
    data = DataRecord.of(tiny.train)
    runs = [Run(Path(f"s/{i}"), make_recipe(**chosen), data) for i, chosen in enumerate(options)]
    return [entry.name for entry in entries(runs, {})]


def test_an_entry_is_named_by_what_differs_from_the_others(tiny):
    assert names(tiny, {}, {"model": "vae"}) == ["dcgan", "vae"]  # though both are narrow
    assert names(tiny, {}, {"width": 8}) == ["dcgan width=4", "dcgan width=8"]
    both = {"width": 8, "learning_rate": 0.001}
    assert names(tiny, {}, {"model": "vae", "beta": 2.0}, both) == [
        "dcgan width=4, learning_rate=0.0008",
        "vae width=4, beta=2.0",
        "dcgan width=8, learning_rate=0.001",
    ]


def test_an_entry_is_named_by_the_step_it_has_reached_not_by_the_steps_asked_for(tiny, tmp_path):
    data, runs = DataRecord.of(tiny.train), []
    for number, (asked, reached) in enumerate([(20, 20), (900, 30), (900, 20)]):
        run = Run(tmp_path / str(number), make_recipe(steps=asked), data)
        run.checkpoints.mkdir(parents=True)
        checkpoint.file_of(run.checkpoints, reached).touch()
        runs.append(run)
    found = [entry.name for entry in entries(runs, {})]
    assert found == ["dcgan steps=20 0", "dcgan steps=30", "dcgan steps=20 2"]
    assert [entry.name for entry in entries(runs[:1] + runs[2:], {})] == ["dcgan 0", "dcgan 2"]


def test_the_interval_of_grids_is_in_no_name(tiny):
    both = {"sample_every_steps": 1, "model": "vae"}
    assert names(tiny, {"sample_every_steps": 1}, {"sample_every_steps": 2}, both) == [
        "dcgan 0",
        "dcgan 1",
        "vae",
    ]


def test_runs_of_equal_options_and_seed_are_entries_with_the_names_of_their_folders(tiny):
    assert names(tiny, {}, {}, {"seed": 1}) == ["dcgan 0", "dcgan 1"]


def test_metrics_of_two_kinds_of_models_are_all_shown_and_of_many_some_of_each():
    gan, vae = ("disc_loss", "gen_loss", "real_score", "fake_score"), ("kl", "loss")
    assert pictures.shown_metrics([gan, vae, gan]) == [*gan, *vae]
    kinds = [[f"{kind}{i}" for i in range(20)] for kind in "abcde"]
    shown = pictures.shown_metrics(kinds)
    assert len(shown) == pictures.PANELS
    assert {"a0", "b0", "c0", "d0", "e0"} < set(shown)
    assert shown == sorted(shown)


def test_samples_and_interpolations_of_an_entry_stand_below_each_other(place):
    runs = [run_folders.load(place / name) for name in ("cgan-0", "dcgan-0", "vae-0")]
    section = sections.section("tiny", runs)
    assert len({p.width for p in (*section.grids.values(), *section.paths.values())}) == 1


def test_folders_of_one_name_are_told_apart_by_their_parents():
    folders = [Path("a/seed=0"), Path("b/seed=0"), Path("b/seed=1")]
    assert distinct_names(folders) == ["a/seed=0", "b/seed=0", "b/seed=1"]
    assert distinct_names([Path("a/gan"), Path("b/vae"), Path("a/gan")]) == ["gan", "vae", "gan"]
    assert distinct_names([]) == []


@pytest.mark.parametrize("model", ["cgan", "dcgan"])
def test_a_comparison_has_a_row_for_each_class_with_images(tmp_path, gapped, model):
    train(tmp_path / "run", gapped, model=model, steps=5)
    images, names = by_class(run_folders.load(tmp_path / "run"), None)
    assert images.shape == (3 * COLUMNS, 8, 8)
    assert names == (("one", "three", "four") if model == "cgan" else ())
