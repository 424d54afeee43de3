"""Training goes on exactly where it was, whatever stopped it."""

import json
import re
import shutil
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from trainings import StopAt, half_written, make_recipe, products, train

from gen_models import programs, render, runs
from gen_models.runs import checkpoint, rows
from gen_models.runs.checkpoint import CheckpointError
from gen_models.sampling import drawing
from gen_models.training import fit
from gen_models.training.fit import DivergenceError


@pytest.fixture(autouse=True)
def one_step_a_dispatch(monkeypatch):
    """So that a run can be stopped near any step."""
    monkeypatch.setattr(fit, "FIRST_DISPATCH_STEPS", 1)
    monkeypatch.setattr(fit, "DISPATCH_S", 1e-9)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, tiny):
    """What 30 steps without a stop make. In dispatches as long as they come."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert train(folder, tiny) == 30
    made = products(folder)
    assert [name for name in made if name.startswith("grids/")] == [
        f"grids/step_{step:08d}.png" for step in range(5, 31, 5)
    ]
    assert made["metrics.jsonl"].count(b"\n") == 30
    return made


def flip_last_byte(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("stops", "interval"), [([0, 1], 100), ([3, 4, 13], 1), ([9], 10), ([7, 20], 4), ([28], 7)]
)
def test_resumed_equals_uninterrupted(tmp_path, tiny, whole, stops, interval):
    for stop in stops:
        reached = train(tmp_path / "run", tiny, stop, checkpoint_every_steps=interval)
        assert stop <= reached <= stop + 2
        assert checkpoint.steps(tmp_path / "run" / "checkpoints")[-1] == reached
    assert train(tmp_path / "run", tiny, checkpoint_every_steps=interval) == 30
    assert products(tmp_path / "run") == whole
    assert half_written(tmp_path) == []


def test_an_evaluation_in_which_the_stop_is_asked_for_is_made_once(tmp_path, tiny):
    evaluated, stop = [], StopAt(10**9)

    def evaluate(state):
        evaluated.append(int(state.step))
        stop.stop_at = 0 if len(evaluated) == 1 else 10**9
        return {"fid": 1.0}

    recipe = make_recipe(evaluate_every_steps=6, checkpoint_every_steps=10, steps=12)
    for reached in (6, 12):
        with runs.open_locked(tmp_path / "run", recipe, tiny.train) as run:
            recorder = fit.Recorder(run, tiny)
            assert fit.fit(recorder, [stop], stop, evaluate=evaluate) == reached
            assert checkpoint.steps(run.checkpoints)[-1] == reached
        stop.stop_at = 10**9
    assert evaluated == [6, 12]
    assert list(rows.read(tmp_path / "run" / "evaluations.jsonl")) == [
        {"step": 6, "fid": 1.0},
        {"step": 12, "fid": 1.0},
    ]


@pytest.mark.parametrize("first", [13, 20])
def test_steps_may_be_added_later(tmp_path, tiny, whole, first):
    assert train(tmp_path / "run", tiny, steps=first) == first
    assert train(tmp_path / "run", tiny, steps=30) == 30
    assert products(tmp_path / "run") == whole
    assert json.loads((tmp_path / "run" / "config.json").read_text())["steps"] == 30


def test_a_model_that_reconstructs_resumes_too(tmp_path, tiny):
    train(tmp_path / "a" / "run", tiny, model="vae", steps=12)
    train(tmp_path / "b" / "run", tiny, 7, model="vae", steps=12)
    train(tmp_path / "b" / "run", tiny, model="vae", steps=12)
    made = products(tmp_path / "b" / "run")
    assert made == products(tmp_path / "a" / "run")
    assert "reconstructions/step_00000010.png" in made


def test_grid_has_a_row_for_each_class_with_images(tmp_path, gapped, monkeypatch):
    rows, labels = [], []
    grid, sample = render.grid, programs.sample
    monkeypatch.setattr(
        render, "grid", lambda *a, **names: rows.append(names["row_names"]) or grid(*a, **names)
    )
    monkeypatch.setattr(programs, "sample", lambda *a: labels.append(a[-1]) or sample(*a))
    train(tmp_path / "run", gapped, model="cgan", steps=5)
    assert rows == [["one", "three", "four"]]
    assert labels[0].tolist() == [1] * 10 + [3] * 10 + [4] * 10


def test_a_grid_is_drawn_as_the_model_will_be(tmp_path, tiny, monkeypatch):
    """From the state with batch statistics of its own, which `load_state` gives too."""
    drawn, sample = [], programs.sample
    monkeypatch.setattr(
        programs, "sample", lambda model, state, *a: drawn.append(state) or sample(model, state, *a)
    )
    train(tmp_path / "run", tiny, model="cgan", steps=5)
    wanted = drawing.load_state(runs.load(tmp_path / "run"), print)
    jax.tree.map(np.testing.assert_array_equal, drawn[-1].ema, wanted.ema)


def test_a_finished_run_is_left_as_it_is(tmp_path, tiny, whole):
    for _ in range(2):
        assert train(tmp_path / "run", tiny) == 30
    assert products(tmp_path / "run") == whole


def test_a_frame_that_cannot_be_read_costs_the_animation_alone(tmp_path, tiny, whole):
    """The last session of a run, one of whose grids was damaged in between."""
    folder, said = tmp_path / "run", []
    train(folder, tiny, 22)
    (folder / "grids" / "step_00000010.png").write_bytes(b"")
    assert train(folder, tiny, report=said.append) == 30
    (line,) = said
    assert re.match(r"there is no new animation\.gif: cannot read .*step_00000010\.png", line)
    assert (folder / "curves.png").exists()
    for name in ("metrics.jsonl", "samples.png"):
        assert (folder / name).read_bytes() == whole[name]
    (folder / "grids" / "step_00000010.png").write_bytes(whole["grids/step_00000010.png"])
    assert train(folder, tiny) == 30
    assert products(folder) == whole


def test_the_end_of_a_finished_run_is_drawn_once(tmp_path, tiny, monkeypatch):
    assert train(tmp_path / "run", tiny, steps=6) == 6
    drawn = []
    monkeypatch.setattr(render, "curves", lambda *_: drawn.append("curves"))
    monkeypatch.setattr(render, "save_gif", lambda *_: drawn.append("animation"))
    train(tmp_path / "run", tiny, steps=6)
    assert drawn == []
    (tmp_path / "run" / "curves.png").unlink()
    train(tmp_path / "run", tiny, steps=6)
    assert drawn == ["curves"]
    train(tmp_path / "run", tiny, steps=7)
    assert drawn == ["curves", "curves", "animation"]


def test_a_kill_between_checkpoints_loses_only_what_came_after(tmp_path, tiny, whole):
    """Metrics and grids ahead of the newest checkpoint, and half a line, are made again."""
    train(tmp_path / "run", tiny, 26, keep_checkpoints=9)
    (tmp_path / "run" / "checkpoints" / "step_00000020.safetensors").unlink()
    for later in checkpoint.steps(tmp_path / "run" / "checkpoints")[1:]:
        (tmp_path / "run" / "checkpoints" / f"step_{later:08d}.safetensors").unlink()
    assert checkpoint.steps(tmp_path / "run" / "checkpoints") == [10]
    with (tmp_path / "run" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 29, "disc_l')
    assert train(tmp_path / "run", tiny) == 30
    assert products(tmp_path / "run") == whole


def test_a_damaged_checkpoint_is_reported_and_the_one_before_used(tmp_path, tiny, whole):
    train(tmp_path / "run", tiny, 17, checkpoint_every_steps=5, keep_checkpoints=3)
    present = checkpoint.steps(tmp_path / "run" / "checkpoints")
    flip_last_byte(tmp_path / "run" / "checkpoints" / f"step_{present[-1]:08d}.safetensors")
    reports = []
    assert train(tmp_path / "run", tiny, report=reports.append, keep_checkpoints=3) == 30
    assert len(reports) == 1
    assert f"step_{present[-1]:08d}.safetensors is damaged" in reports[0]
    assert products(tmp_path / "run") == whole


def test_no_whole_checkpoint_is_an_error_that_destroys_nothing(tmp_path, tiny):
    train(tmp_path / "run", tiny, 12, keep_checkpoints=1)
    (path,) = (tmp_path / "run" / "checkpoints").iterdir()
    flip_last_byte(path)
    before = products(tmp_path / "run")
    with pytest.raises(CheckpointError, match=r"every checkpoint in .* is damaged"):
        train(tmp_path / "run", tiny, report=lambda _: None)
    assert products(tmp_path / "run") == before


def test_the_newest_checkpoints_stay_as_many_as_keep_checkpoints_says(tmp_path, tiny):
    train(tmp_path / "run", tiny, steps=9, checkpoint_every_steps=2, keep_checkpoints=3)
    assert checkpoint.steps(tmp_path / "run" / "checkpoints") == [6, 8, 9]


def test_missing_folders_are_made_again(tmp_path, tiny, whole):
    train(tmp_path / "run", tiny, 7)
    for name in ("checkpoints", "grids"):
        shutil.rmtree(tmp_path / "run" / name)
    assert train(tmp_path / "run", tiny) == 30
    assert products(tmp_path / "run") == whole


# --- pace


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [0.0]
    monkeypatch.setattr(fit, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(fit, "DISPATCH_S", 1.0)
    return now


def test_dispatches_grow_fourfold_at_most_until_one_takes_a_second(clock):
    pace, sizes = fit.Pace(1), []
    pace.start()
    for _ in range(5):
        clock[0] += 0.125 * pace.steps
        pace.took(pace.steps)
        sizes.append(pace.steps)
    assert sizes == [1, 4, 8, 8, 8]  # the first says nothing: it compiled


def test_the_pace_counts_no_pause(clock):
    pace = fit.Pace(1)
    for _ in range(3):
        pace.start()
        clock[0] += 0.5
        pace.took(1)
        clock[0] += 1000.0  # for grids and checkpoints
    assert pace.steps == 2


# --- divergence


def test_a_diverging_metric_ends_the_run(tmp_path, tiny):
    with pytest.raises(DivergenceError, match=r"NaN or infinite at step \d+; .*lower learning"):
        train(tmp_path / "run", tiny, model="vae", learning_rate=1e6, steps=100)
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").open()]
    assert all(np.isfinite(value) for row in rows for value in row.values())


@pytest.mark.parametrize(
    ("part", "what"), [("params", "the metric (gen|disc)_loss"), ("opt", "a parameter")]
)
def test_the_first_poisoned_step_is_named_and_the_last_good_checkpoint_kept(
    tmp_path, tiny, part, what
):
    """A NaN in the optimiser reaches the parameters of the next step, that step's metrics do not.

    The poisoned state is written as a checkpoint, as nothing but bad memory would.
    """
    train(tmp_path / "run", tiny, 12)
    (step,) = checkpoint.steps(tmp_path / "run" / "checkpoints")[1:]
    with runs.open_locked(tmp_path / "run", make_recipe(), tiny.train) as run:
        state = fit.Recorder(run, tiny).restored(print)
        poisoned = jax.tree.map(
            lambda x: x * np.nan if x.dtype == np.float32 else x, getattr(state, part)["gen"]
        )
        state = state._replace(**{part: getattr(state, part) | {"gen": poisoned}})
        checkpoint.save(run.checkpoints, state, step, keep=2)
    before = products(tmp_path / "run")
    with pytest.raises(DivergenceError) as caught:
        train(tmp_path / "run", tiny)
    message = str(caught.value)
    assert re.match(rf"{what} became NaN or infinite at step {step + 1};", message)
    assert f"the checkpoint of step {step} is kept" in message
    assert products(tmp_path / "run") == before


def test_the_best_state_is_kept_and_those_before_it_until_the_next_checkpoint(tmp_path, tiny):
    with runs.open_locked(tmp_path / "run", make_recipe(), tiny.train) as run:
        recorder = fit.Recorder(run, tiny)
        recorder.record(1, {"loss": np.zeros(20, np.float32)})
        state = programs.start(run.model, jax.random.key(0))

        def measured(step, fid):
            recorder.evaluate(lambda _: {"fid": fid}, state, step)
            return checkpoint.steps(run.best)

        assert [measured(10, 5.0), measured(15, 4.0), measured(18, 4.5)] == [
            [10],
            [10, 15],
            [10, 15],
        ]
        run.rewind(12)  # as when the checkpoints of later steps are lost
        assert [measured(14, 7.0), measured(16, 4.5)] == [[10], [10, 16]]
        recorder.save(state, 16)
        assert checkpoint.steps(run.best) == [16]
        run.rewind(12)  # as when even that one is found damaged
        assert measured(13, 9.0) == [13]
