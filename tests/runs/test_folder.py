"""A run's folder: whose it is, what it holds, and what is refused."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from trainings import ROOT, half_written, make_recipe

from gen_models import runs
from gen_models.errors import UserError
from gen_models.runs import RunError, checkpoint

HISTORY = {"disc_loss": np.float32([0.1, 0.2]), "gen_loss": np.float32([1, 1e-9])}


def make(folder, dataset, **options):
    """A run that nobody has trained yet."""
    with runs.open_locked(folder, make_recipe(**options), dataset) as run:
        return run


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refusal(folder, dataset, **options):
    """Why a run is refused. Nothing in its folder changes."""
    before = contents(folder)
    with pytest.raises(RunError) as caught:
        make(folder, dataset, **options)
    after = contents(folder)
    after.pop(folder / ".lock", None)
    before.pop(folder / ".lock", None)
    assert after == before
    return str(caught.value)


@pytest.fixture
def run(tmp_path, tiny):
    return make(tmp_path / "run", tiny.train)


# --- what it holds


def test_a_run_is_loaded_as_it_was_made(run):
    loaded = runs.load(run.folder)
    assert loaded.data == run.data
    assert loaded.recipe.config == run.recipe.config
    assert loaded.options == run.options  # `out` is the folder, wherever it is by then
    assert half_written(run.folder) == []


def test_a_record_of_the_data_says_which_labels_have_images(tmp_path, gapped):
    data = runs.DataRecord.of(gapped.train)
    assert (data.classes, data.spec.num_classes) == ((1, 3, 4), 5)
    with runs.open_locked(tmp_path / "run", make_recipe(), gapped.train):
        assert runs.load(tmp_path / "run").data == data
    path = tmp_path / "run" / "config.json"
    values = json.loads(path.read_text())
    for labels, message in (([5], "labels of no class"), (["1"], "labels is .*whole number")):
        path.write_text(json.dumps(values | {"data": values["data"] | {"labels": labels}}))
        with pytest.raises(RunError, match=message):
            runs.load(tmp_path / "run")
    del values["data"]["labels"]  # as written before labels were recorded
    path.write_text(json.dumps(values))
    assert runs.load(tmp_path / "run").data.classes == (0, 1, 2, 3, 4)


def test_pictures_show_all_classes_but_not_thousands():
    for count, shown in ((26, 26), (62, 62), (5000, 64)):
        data = runs.DataRecord("", 8, 8, tuple(map(str, range(count + 1))), (*range(1, count + 1),))
        assert data.shown_classes == tuple(range(1, shown + 1))


def test_metrics_come_back_digit_by_digit(run):
    run.append_metrics(1, HISTORY)
    assert (run.folder / "metrics.jsonl").read_text().splitlines() == [
        '{"step": 1, "disc_loss": 0.1, "gen_loss": 1.0}',
        '{"step": 2, "disc_loss": 0.2, "gen_loss": 1e-09}',
    ]
    before = (run.folder / "metrics.jsonl").read_bytes()
    run.rewind(2)
    assert (run.folder / "metrics.jsonl").read_bytes() == before
    assert {name: np.float32(x).tolist() for name, x in run.metrics().items()} == {
        "step": [1, 2]
    } | {name: x.tolist() for name, x in HISTORY.items()}


def test_rewind_forgets_metrics_and_grids_of_later_steps(run):
    for first in (1, 3, 5):
        run.append_metrics(first, HISTORY)
    (run.folder / "grids").mkdir()
    for step in (2, 4, 100_000_000):
        run.picture("grids", step).write_bytes(b"")
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 7, "disc')
    run.rewind(3)
    assert run.metrics()["step"] == [1, 2, 3]
    assert run.pictures("grids") == [run.picture("grids", 2)]


def test_pictures_are_in_the_order_of_their_steps(run):
    assert run.pictures("grids") == []
    (run.folder / "grids").mkdir()
    for step in (100_000_000, 5, 99_999_999):
        run.picture("grids", step).write_bytes(b"")
    assert run.pictures("grids") == [
        run.picture("grids", step) for step in (5, 99_999_999, 100_000_000)
    ]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: lines[:1] + lines[2:],
        lambda lines: [*lines[:2], lines[1], *lines[2:]],
        lambda lines: [*lines[:2], '{"step": 3, "disc_loss": "high"}', *lines[3:]],
        lambda lines: [*lines[:2], '{"step": 3, "disc_loss": 1}', *lines[3:]],
        lambda lines: [*lines[:2], "\0\xff[" * 9999, *lines[3:]],
        lambda _: [],
    ],
    ids=["missing", "duplicated", "text", "incomplete", "garbage", "empty"],
)
def test_metrics_that_lack_steps_are_refused_and_left(run, spoil):
    for first in (1, 3):
        run.append_metrics(first, HISTORY)
    path = run.folder / "metrics.jsonl"
    path.write_text("".join(line + "\n" for line in spoil(path.read_text().splitlines())))
    before = path.read_bytes()
    with pytest.raises(RunError, match="one line for each of the 4 steps"):
        run.rewind(4)
    assert path.read_bytes() == before


def test_a_full_disk_takes_no_half_line(tmp_path):
    script = """
import resource, sys
from pathlib import Path
import numpy as np
from gen_models.errors import UserError
from gen_models.runs.folder import Run
run = Run(Path(sys.argv[1]), None, None)
run.append_metrics(1, {"loss": np.ones(9, np.float32)})
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    run.append_metrics(10, {"loss": np.ones(99, np.float32)})
except UserError as error:
    print(error)
"""
    done = python(script, tmp_path)
    assert "metrics.jsonl: File too large" in done.communicate()[0]
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines(keepends=True)
    assert lines == [f'{{"step": {step}, "loss": 1.0}}\n' for step in range(1, 10)]


def test_sessions_survive_a_damaged_record(run):
    run.record_sessions([{"code": "a"}])
    assert run.sessions() == [{"code": "a"}]
    for text in ("", "[]", "{", '{"sessions": 1}', '{"sessions": [1, {}]}', "[" * 99_999):
        (run.folder / "environment.json").write_text(text)
        assert run.sessions() in ([], [{}])


# --- what is refused


def test_every_differing_option_is_listed(run, tiny):
    message = refusal(run.folder, tiny.train, learning_rate=2e-3, seed=3, batch_size=8)
    assert message.splitlines()[1:-1] == [
        "  batch_size: the run has 4, asked for 8",
        "  learning_rate: the run has 0.0008, asked for 0.002",
        "  seed: the run has 0, asked for 3",
    ]
    assert "model: the run has 'dcgan', asked for 'vae'" in refusal(
        run.folder, tiny.train, model="vae"
    )


def test_options_that_change_no_result_may_differ(run, tiny):
    others = {"checkpoint_every_steps": 3, "tensorboard": True}
    make(run.folder, tiny.train, steps=40, keep_checkpoints=5, **others)
    values = json.loads((run.folder / "config.json").read_text())
    assert (values["steps"], values["keep_checkpoints"]) == (40, 5)


def test_other_data_are_refused(run, tiny):
    assert "  data: the run has" in refusal(run.folder, tiny.test)


def test_a_run_that_has_done_more_steps_keeps_its_config(run, tiny):
    checkpoint.save(run.checkpoints, {"x": np.ones(1)}, 20, keep=1)
    before = (run.folder / "config.json").read_bytes()
    continued = make(run.folder, tiny.train, steps=19, keep_checkpoints=5)
    assert (continued.step, continued.options.steps) == (20, 19)
    assert (run.folder / "config.json").read_bytes() == before
    with pytest.raises(RunError, match="has done 20 steps, asked for 19"):
        continued.check_steps()
    make(run.folder, tiny.train, steps=20).check_steps()
    assert runs.load(run.folder).options.steps == 20


def test_a_new_run_has_no_folder_of_pictures(run):
    assert sorted(path.name for path in run.folder.iterdir() if path.is_dir()) == ["checkpoints"]


def test_a_folder_with_other_files_is_no_run(tmp_path, tiny):
    (tmp_path / "thesis.tex").write_text("mine")
    assert "is not a run" in refusal(tmp_path, tiny.train)
    assert list(tmp_path.iterdir()) == [tmp_path / "thesis.tex"]
    for folder in (tmp_path, tmp_path / "absent", tmp_path / "thesis.tex"):
        with pytest.raises(RunError, match="is not a run"):
            runs.load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"latent_dim": 3}, "no option is called 'latent_dim'; perhaps you meant 'latent_size'"),
        ({"width": None}, "width is None, expected a whole number"),
        ({"version": 9}, "format version 9, this program reads version 3"),
        ({"version": 2}, "of gen_models 0.1, whose models have other nets"),
        ({"format": "other"}, "expected a JSON object of options"),
        ({"data": {"digest": "x"}}, "expected a field `data`"),
        ({"data": None}, "expected a field `data`"),
    ],
)
def test_a_config_of_another_kind_is_refused(run, tiny, change, message):
    path = run.folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError) as caught:
        make(run.folder, tiny.train)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_config_that_lacks_an_option_is_refused(run, tiny):
    path = run.folder / "config.json"
    values = json.loads(path.read_text())
    del values["beta1"], values["seed"]
    path.write_text(json.dumps(values))
    assert "config.json lacks beta1, seed" in refusal(run.folder, tiny.train)


def test_a_config_from_before_hold_out_held_nothing_out(run, tiny):
    path = run.folder / "config.json"
    values = json.loads(path.read_text())
    del values["hold_out"]
    path.write_text(json.dumps(values))
    assert runs.load(run.folder).options.hold_out is False
    assert make(run.folder, tiny.train).recipe == run.recipe


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"[" * 9999, b"{}" * 99_999])
def test_a_damaged_config_is_refused(run, tiny, content):
    (run.folder / "config.json").write_bytes(content)
    with pytest.raises(UserError, match=r"config\.json"):
        make(run.folder, tiny.train)


def test_a_place_that_cannot_be_written_is_a_user_error(tmp_path, tiny):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UserError, match="cannot write"):
            make(folder, tiny.train)
    make(tmp_path / "run", tiny.train)
    (tmp_path / "run" / "grids").write_text("a file where a folder belongs")
    with pytest.raises(UserError, match=r"cannot write .*grids"):
        make(tmp_path / "run", tiny.train)


def test_a_read_only_folder_is_a_user_error(read_only, tmp_path, tiny):
    out = read_only(tmp_path) / "run"
    reasons = "(Permission denied|Read-only file system); choose a folder that you may write to"
    with pytest.raises(UserError, match=f"cannot write {out}: {reasons}"):
        make(out, tiny.train)


# --- one process at a time


def python(script, *args):
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, args)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
    )


def test_a_second_process_is_refused_by_name_until_the_first_is_dead(run, tiny):
    script = """
import sys, time
from pathlib import Path
from gen_models.runs.lock import hold_lock
with hold_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(600)
"""
    first = python(script, run.folder)
    try:
        assert first.stdout.readline() == "locked\n"
        message = refusal(run.folder, tiny.train)
        assert f"{run.folder} is in use by process {first.pid} on " in message
    finally:
        first.kill()
        first.communicate()
    assert (run.folder / ".lock-holder").exists()  # the dead process left its name, not its lock
    make(run.folder, tiny.train)
    assert not (run.folder / ".lock-holder").exists()


def test_a_lock_without_a_name_is_a_lock(run, tiny):
    with runs.open_locked(run.folder, make_recipe(), tiny.train):
        (run.folder / ".lock-holder").unlink()
        assert "in use by another process" in refusal(run.folder, tiny.train)
    make(run.folder, tiny.train)


def test_what_dead_processes_left_half_written_goes(run, tiny):
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = [folder / f".x.{dead.pid}-0a1b2c3d.tmp" for folder in (run.folder, run.checkpoints)]
    others = [run.folder / ".x.1-0a1b2c3d.tmp", run.folder / ".notes.tmp"]
    for path in left + others:
        path.write_text("half")
    make(run.folder, tiny.train)
    assert [path.exists() for path in left + others] == [False, False, True, True]
