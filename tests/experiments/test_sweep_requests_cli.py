"""`python -m experiments.sweep` before anything is trained: the plan, and bad requests."""

import json
import re

import jax
import pytest
from sweeping import FOUR, NAMES, SMALL, completed, hasten, tree
from trainings import plain

from experiments import settings, sweep
from gen_models.runs import RunOptions
from gen_models.training import population


@pytest.fixture(autouse=True, scope="module")
def quick():
    with pytest.MonkeyPatch.context() as patch:
        hasten(patch)
        yield


@pytest.fixture
def call(run_command, monkeypatch, tiny_folder, tmp_path):
    """Runs the command line in this process, in `tmp_path`: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    usual = ["--data-dir", tiny_folder, *SMALL]
    return lambda *args: run_command(sweep.main, *completed(args, usual))


# --- the plan


def test_a_dry_run_prints_the_plan_and_writes_nothing(call, tmp_path):
    before = tree(tmp_path)
    args = ["--beta", 1, 2, "--ema-decay", "None", 0.9, "--seeds", 3, "--per-device", 4]
    code, out, err = call(*args, "--devices", 1, "--dry-run")
    assert (code, err) == (0, "")
    words = plain(out)
    assert max(map(len, out.splitlines())) <= 80
    assert "12 members of vae, 6 steps each; varying: ema_decay (2), beta (2), seed (3)" in words
    assert "compilations: 2, waves: 4, devices: 1 with up to 3 members each" in words
    # At 0.7 GFLOP/s each measurement takes two hours.
    assert re.search(r"memory: about \d+ MiB on a device, and activations time: about", words)
    assert re.search(r"about 1 min of training, 24\.\d h of measuring", words)
    assert tree(tmp_path) == before


def test_a_random_sweep_has_as_many_settings_as_asked_for(call):
    args = ["--learning-rate", "1e-5", "1e-1", "--beta", 0, 4, "--random", 5, "--seeds", 2]
    code, out, _ = call(*args, "--dry-run")
    assert code == 0
    assert "10 members of vae" in plain(out)


def test_an_option_of_one_value_does_not_vary(call):
    code, out, _ = call("--beta", 0.5, "--seeds", 2, "--no-evaluate", "--dry-run")
    assert code == 0
    assert "2 members of vae, 6 steps each; varying: seed (2)" in plain(out)
    assert "measuring" not in out


def test_a_preset_gives_the_defaults_and_the_command_line_overrides_them(call, tmp_path):
    (tmp_path / "p.py").write_text(
        'common = {"model": "vae", "steps": 5, "keep_checkpoints": 1, "seed": 7, "devices": 3,'
        ' "hold_out": False}\n'
        'row = {"beta": 0.25, "latent_size": 5, "tensorboard": True}\n'
    )
    args = ["--config", "p.py:row", "--learning-rate", 1e-3, 2e-3, "--latent-size", 4]
    asked = settings.parse("sweep", sweep.Options, "", [str(arg) for arg in args])
    assert asked.base.options == RunOptions(
        model="vae", steps=5, sample_every_steps=500, keep_checkpoints=1, hold_out=True
    )
    assert (asked.options.seed, asked.options.devices) == (7, None)
    given = asked.given
    assert (given["beta"], given["latent_size"]) == ((0.25,), (4,))
    assert given["learning_rate"] == (1e-3, 2e-3)
    code, out, _ = call("--config", "p.py:row", "--beta", 1, 2, "--dry-run")
    assert (code, "2 members of vae, 6 steps each" in plain(out)) == (0, True)
    other = ["--config", "p.py:row", "--model", "gan"]
    assert settings.parse("sweep", sweep.Options, "", other).base.options.model == "gan"


def test_a_bad_preset_is_named(call, tmp_path):
    (tmp_path / "p.py").write_text('model = "vae"\nbetta = 2\n')
    code, _, err = call("--config", "p.py")
    assert (code, err.count("\n")) == (2, 1)
    assert "p.py: no option is called 'betta'; perhaps you meant 'beta'" in err


# --- bad requests


REFUSED = [
    (
        ["--devices", "9999", "--seeds", "2"],
        f"devices is 9999, expected at least 1 and at most {jax.device_count()}",
    ),
    (["--devices", "0"], "devices is 0, expected a number between 1 and"),
    (["--per-device", "0"], "per_device is 0, expected a number between 1 and"),
    (["--steps", "0"], "steps is 0, expected a number between 1 and"),
    (["--dataset", "mnits"], "holds 'tiny', not 'mnits'; leave out --dataset"),
    (["--data-dir", "absent"], "absent, is not there or not a folder"),
    (["--beta"], "--beta has no value; give one or more"),
    (["--beta", "--seeds", "2"], "--beta has no value; give one or more"),
    (["--beta", "1", "1.0"], "two members of the sweep are the same; leave out repeated values"),
    (["--beta", "1", "2000"], "beta is 2000.0, expected a number between 0 and 1000"),
    (["--learning-rate", "nan", "1"], "learning_rate is nan, expected a finite number"),
    (
        ["--beta", "2"],
        "nothing varies: give an option several values, or --seeds 2 or more",
    ),
    (["--random", "3"], "--random needs a range: give an option two values"),
    (["--random", "3", "--beta", "2", "1"], "beta is [2.0, 1.0]; with --random"),
    (["--random", "3", "--beta", "1", "1"], "beta is [1.0, 1.0]; with --random"),
    (["--random", "3", "--beta", "0", "1", "2"], "beta is [0.0, 1.0, 2.0]; with --random"),
    (["--random", "3", "--width", "2", "4"], "width is [2, 4]; with --random"),
    (["--random", "3", "--beta", "900", "9000"], "expected a number between 0 and 1000"),
    (["--lerning-rate", "1e-3"], "--learning-rate"),
    (["--beta2", "0.5"], "vae has no --beta2, an option of acgan, began"),
    (["--likelihood", "gausian"], "'gausian'"),
    (["--width", "4", "many"], "many"),
    (["--width", "many", "4"], "--width is 'many', expected a whole number"),
    (["--beta", "1", "--beta", "2"], "--beta is given twice; give it once, followed by its value"),
    (["--random", "3", "--ema-decay", "None", "0.9"], "ema_decay is [None, 0.9]; with --random"),
    (["--random", "3", "--learning-rate", "1e-3", "inf"], "expected a finite number"),
    (["--random", "3", "--learning-rate", "-1e-5", "0.1"], "learning_rate is -1e-05, expected a"),
]


@pytest.mark.parametrize(("args", "message"), REFUSED)
def test_a_bad_request_is_one_clear_message_before_anything_is_compiled(
    call, monkeypatch, tmp_path, args, message
):
    monkeypatch.setattr(sweep, "show", None)  # which comes first of what compiles
    before = tree(tmp_path)
    code, out, err = call(*args)
    assert (code, out) == (2, "")
    assert message in plain(err)
    assert "Traceback" not in err
    assert tree(tmp_path) == before


def test_an_unknown_model_is_refused_with_the_nearest_right_name(run_command):
    code, _, err = run_command(sweep.main, "--model", "vea", "--beta", 1, 2)
    assert code == 2
    assert "no model is called 'vea'; perhaps you meant 'vae'" in err


@pytest.fixture
def nothing_is_trained(monkeypatch):
    monkeypatch.setattr(population, "fit", None)


@pytest.mark.usefixtures("nothing_is_trained")
def test_a_member_folder_that_holds_something_else_is_refused(call, tmp_path):
    other = tmp_path / "out" / NAMES[1] / "mine"
    other.parent.mkdir(parents=True)
    other.write_text("precious")
    (tmp_path / "out" / "plan.json").touch()
    code, _, err = call(*FOUR, "--out", "out")
    assert code == 2
    assert re.search(rf"{re.escape(NAMES[1])} is not a run: .*choose another --out", err)
    assert other.read_text() == "precious"


@pytest.mark.usefixtures("nothing_is_trained")
def test_a_sweep_over_other_values_does_not_replace_this_ones_results(call, tmp_path):
    about = {"format": "gen_models.sweep", "command": "sweep x", "axes": {"beta": [1.0, 3.0]}}
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "plan.json").write_text(json.dumps(about))
    code, _, err = call("--beta", 1, 2, "--no-evaluate", "--out", "out")
    assert code == 2
    assert "a sweep with axes {'beta': [1.0, 3.0]}, not {'beta': [1.0, 2.0]}; choose" in err
    assert err.endswith("another --out, or go on with it: sweep x\n")


@pytest.mark.usefixtures("nothing_is_trained")
def test_a_file_in_the_place_of_the_folder_is_refused(call, tmp_path):
    (tmp_path / "out").write_text("precious")
    code, _, err = call(*FOUR, "--out", "out")
    assert (code, err.count("\n")) == (2, 1)
    assert "out" in err
    assert (tmp_path / "out").read_text() == "precious"


@pytest.mark.usefixtures("nothing_is_trained")
def test_a_folder_that_holds_something_else_is_left_as_it_is(call, tmp_path):
    (tmp_path / "README.md").write_text("precious")
    before = tree(tmp_path)
    code, _, err = call(*FOUR, "--out", ".")
    assert code == 2
    assert re.search(r"is no sweep: it has files but no .*; choose another --out", err)
    assert tree(tmp_path) == before


@pytest.mark.usefixtures("nothing_is_trained")
def test_data_that_nothing_can_measure_is_refused_before_training(call, tmp_path):
    code, _, err = call("--beta", 1, 2, "--out", "out")
    assert code == 2
    assert "make feature nets of this data set" in err
    assert not (tmp_path / "out").exists()
