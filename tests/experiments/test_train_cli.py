"""`python -m experiments.train` as its user meets it: bad input, signals, a full disk, going on."""

import os
import re
import shlex
import signal
import sys
import time
from types import SimpleNamespace

import pytest
from trainings import (
    OPTIONS,
    command,
    execute,
    finish,
    half_written,
    plain,
    products,
    start,
    write_folder,
)

from experiments import command as commands
from experiments import train
from gen_models import assessment, runs
from gen_models.data.catalog import DataError
from gen_models.data.known import IMAGES
from gen_models.models import MODELS
from gen_models.runs import Recipe, checkpoint
from gen_models.runs.recipe import MAX_CONFIG_BYTES
from gen_models.training import session
from gen_models.training.interrupt import Interrupted

STEPS = 600
EVERY = {"sample_every_steps": 200, "checkpoint_every_steps": 100}
FOREVER = {"steps": 10**9, "sample_every_steps": 10**9, "checkpoint_every_steps": 10**9}


@pytest.fixture
def call(run_command):
    """Runs the command line in this process: exit code, output, errors."""
    spare = ["--batch-size", "--width"]
    return lambda *args: run_command(train.main, *args, spare=spare)


# --- bad input


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--lerning-rate", "1e-3"], "--learning-rate"),
        (["--learning_rat", "1e-3"], "--learning-rate"),
        (["--model", "dcgann"], "no model is called 'dcgann'; perhaps you meant 'dcgan'"),
        (
            ["--dataset", "fashon_mnist"],
            "no data set is called 'fashon_mnist'; perhaps you meant 'fashion_m",
        ),
        (["--compute-dtype", "float23"], "'float23'; perhaps you meant 'float32'"),
        (["--compute-dtype=int8"], "known are 'float32', 'bfloat16'"),
        (["--model", "vae", "--information", "3"], "vae has no --information, an option of inf"),
        (["--steps", "1.5"], "--steps is '1.5', expected a whole number"),
        (["--steps", "5", "--steps=7"], "--steps is given twice; give it once"),
        (["--evaluate-every-steps", "x"], "is 'x', expected a whole number or None"),
        (["--learning-rate", "fast"], "is 'fast', expected a finite number or a schedule such as"),
        (["--learning-rate", "1e-3:5"], "expected a whole number as the step and a number as its"),
        (["--learning-rate", "5:1e-3"], "no schedule: expected increasing steps from 0"),
        (["--steps", "0"], "steps is 0, expected a number between 1 and 1000000000"),
        (["--steps", "9" * 5000], "--steps"),
        (["--seed", "-1"], "seed is -1, expected a number between 0 and"),
        (["--learning-rate", "nan"], "learning_rate is nan, expected a finite number"),
        (["--steps"], "--steps"),
        (["--resume"], "--resume"),
        (["--model"], "--model"),
        (["positional"], "positional"),
        (["--out", "a\nb"], "expected a path"),
        (["--out", "\udcff"], "expected a path"),
        (["--resume", "absent"], "absent is not a run"),
        (["--resume", "."], "is not a run: it has no config.json"),
        (["--resume", "a", "--out", "b"], "--out and --resume contradict each other"),
        (["--resume", "a", "--config", "b"], "--config and --resume contradict each other"),
        (["--config", "absent.json"], "absent.json: cannot be read: No such file"),
        (["--config", ""], "cannot be read"),
        (["--data-dir", "absent"], "absent, is not there or not a folder"),
        (["--data-dir", "~nobody-is-called-so/x"], "cannot tell what ~ means"),
    ],
)
def test_a_bad_command_line_is_one_clear_message(call, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(*args)
    assert (code, out) == (2, "")
    assert message in plain(err)
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", b"{", "not a config file"),
        ("x.json", b"\xff", "not a config file"),
        ("x.json", b"[" * 60_000, "not a config file"),
        ("x.json", b'{"stepz": 3}', "no option is called 'stepz'; perhaps you meant 'steps'"),
        ("x.json", b'{"steps": "3"}', "steps is '3', expected a whole number"),
        ("x.json", b'{"model": ["vae"]}', "no model is called"),
        ("x.json", b" " * (MAX_CONFIG_BYTES + 1), "too long for a config"),
        ("x.py", b"import os", "expected a line `name = literal`"),
        ("x.py", b"steps = 3 +", "not a config file"),
        ("x.py", b"steps = " + b"(" * 5000, "not a config file"),
        ("x.py", b"steps = open('/etc/passwd')", "not a config file"),
        ("x.py", b"common = {}\nvae = {}", "x.py is a table of presets; add one of :vae"),
    ],
)
def test_a_bad_config_file_is_one_clear_message(call, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    code, out, err = call("--config", tmp_path / name)
    assert (code, out) == (2, "")
    assert message in err
    assert str(tmp_path / name) in err
    assert len(err.splitlines()) == 1


def test_a_config_that_is_a_pipe_does_not_hang(call, tmp_path):
    os.mkfifo(tmp_path / "x.json")
    code, _, err = call("--config", tmp_path / "x.json")
    assert (code, "it is not a file" in err) == (2, True)


def test_a_deleted_data_file_is_named(call, tiny_folder, tmp_path):
    (tiny_folder / IMAGES["train"]).unlink()
    code, _, err = call("--data-dir", tiny_folder, "--out", tmp_path / "run")
    assert code == 2
    assert f"it lacks {IMAGES['train']}" in err
    assert not (tmp_path / "run").exists()


def test_completed_reads_data_into_memory_so_that_a_cut_file_does_no_harm(
    tiny, tiny_folder, tmp_path
):
    recipe = Recipe.from_flat(OPTIONS | {"data_dir": str(tiny_folder), "out": str(tmp_path)})
    _, splits = session.completed(recipe)
    os.truncate(tiny_folder / IMAGES["train"], 16)
    assert (splits.train.images == tiny.train.images).all()  # a mapped file would end this process


def test_the_folder_of_a_runs_own_data_may_be_renamed(tiny_folder, tmp_path):
    options = {"data_dir": str(tiny_folder), "out": str(tmp_path / "run")}
    recipe, splits = session.completed(Recipe.from_flat(OPTIONS | options))
    with runs.open_locked(recipe.options.out, recipe, splits.train):
        pass
    moved = recipe.with_options(data_dir=tiny_folder.rename(tmp_path / "other"))
    found, splits = session.completed(moved)
    assert (found.options.dataset, splits.test.name) == ("tiny", "tiny")
    run = runs.load(recipe.options.out)
    again = assessment.load_run_data(run.options, run.data, tmp_path / "other")
    assert again.train.name == "tiny"
    with pytest.raises(DataError, match="holds 'other', not 'tiny'; leave out --dataset, or name"):
        session.completed(moved.with_options(out=tmp_path / "another run"))


def test_images_that_no_net_takes_leave_no_folder(call, tmp_path, tiny, tiny_folder):
    from gen_models.data import idx

    for split, dataset in (("train", tiny.train), ("test", tiny.test)):
        idx.write(tiny_folder / IMAGES[split], dataset.images[:, :, :7])
    code, _, err = call("--data-dir", tiny_folder, "--out", tmp_path / "run")
    assert (code, "8×7" in err) == (2, True)
    assert not (tmp_path / "run").exists()


def test_tensorboard_without_its_package_is_refused_with_the_command_that_installs_it(
    call, monkeypatch, tmp_path, tiny_folder
):
    def find_spec(name, *_):
        if name == "tensorboardX":
            raise ModuleNotFoundError(name=name)

    for name in [*sys.modules]:
        if name.startswith(("gen_models.training.event_files", "tensorboardX")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [SimpleNamespace(find_spec=find_spec), *sys.meta_path])
    code, _, err = call("--data-dir", tiny_folder, "--out", tmp_path / "run", "--tensorboard")
    assert code == 2
    assert "--tensorboard needs tensorboardX: pip install tensorboardX" in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model", MODELS)
def test_the_help_of_a_model_lists_its_options(call, model):
    code, out, _ = call("--model", model, "--help")
    assert code == 0
    for name in MODELS[model].Config.__dataclass_fields__:
        assert f"--{name.replace('_', '-')} " in out
    assert ("--likelihood" in out) == ("likelihood" in MODELS[model].Config.__dataclass_fields__)


def test_help_shows_each_default_once(call, tmp_path):
    words = plain(call("--help")[1])
    assert "Default: the one in --data-dir, else fashion_mnist. --data-dir" in words
    assert "Images per batch. (default: 64)" in words
    (tmp_path / "x.json").write_text('{"dataset": "mnist"}')
    words = plain(call("--config", tmp_path / "x.json", "--help")[1])
    assert "else fashion_mnist. (default: mnist) --data-dir" in words


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (MemoryError(), 2, "out of memory; try a smaller --batch-size or --width, or end other"),
        (OSError(28, "No space left on device", "/x/y"), 2, "/x/y: No space left on device"),
        (KeyboardInterrupt(), 130, ""),
        (Interrupted("r is saved at step 7", 143), 143, "r is saved at step 7"),
    ],
)
def test_lack_of_memory_or_disk_and_ctrl_c_are_exit_codes_and_no_stack_trace(
    call, monkeypatch, raised, code, message
):
    def fail(_):
        raise raised

    monkeypatch.setattr(commands, "_discard_output", lambda: None)
    monkeypatch.setattr(train, "main", fail)
    found, _, err = call()
    assert found == code
    assert message in err


# --- processes of their own


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny):
    return write_folder(tmp_path_factory.mktemp("data") / "tiny", tiny)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, folder):
    """The folder of a run of 600 steps that nothing disturbed."""
    out = tmp_path_factory.mktemp("finished") / "run"
    code, _, err = execute(command(folder, out, steps=STEPS, **EVERY))
    assert (code, err) == (0, "")
    return out


def test_a_finished_run_says_so(finished, folder):
    before = products(finished)
    code, out, err = execute(command(folder, finished, steps=STEPS, **EVERY))
    assert (code, err) == (0, "")
    assert f"is at step {STEPS} of {STEPS}: finished already" in out
    assert products(finished) == before


def test_fewer_steps_than_a_run_has_done_leave_it_as_it_is(finished, capsys):
    before, config = products(finished), (finished / runs.CONFIG).read_bytes()
    assert train.main(["--resume", str(finished), "--steps", "5"]) == 0
    out = capsys.readouterr().out
    assert f"{finished} is past step 5, at {STEPS}: finished already" in out
    assert f"{finished}: {STEPS} steps done" in out
    assert products(finished) == before
    assert (finished / runs.CONFIG).read_bytes() == config


def test_the_config_of_a_run_reproduces_it(finished, tmp_path):
    args = [sys.executable, "-m", "experiments.train", "--config", str(finished / "config.json")]
    code, _, err = execute([*args, "--out", str(tmp_path / "run")])
    assert (code, err) == (0, "")
    assert products(tmp_path / "run") == products(finished)


@pytest.mark.slow
def test_a_full_disk_is_one_clear_message_and_nothing_is_lost(finished, folder, tmp_path):
    """First too small for a checkpoint, then for the metrics, then large enough."""
    out = tmp_path / "run"
    args = command(folder, out, steps=STEPS, **EVERY)
    size = (finished / "checkpoints" / f"step_{STEPS:08d}.safetensors").stat().st_size
    limited = (
        "import os, resource, sys; n = int(sys.argv[1]);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (n, n)); os.execv(sys.argv[2], sys.argv[2:])"
    )
    for limit, full in ((size - 1, "step_00000100.safetensors"), (size + 999, "metrics.jsonl")):
        code, _, err = execute([sys.executable, "-c", limited, str(limit), *args])
        assert code == 2
        assert re.fullmatch(rf"error: cannot write .*{full}: File too large; .*\n", err)
        assert half_written(out) == []
        assert (out / "metrics.jsonl").read_bytes()[-2:] == b"}\n"
    code, output, err = execute(args)
    assert (code, err) == (0, "")
    assert "going on" in output
    assert products(out) == products(finished)


def interrupted(args, metrics, *signals):
    """Start a command, send it signals once it trains: exit code, output, errors."""
    before = metrics.stat().st_size if metrics.exists() else 0
    process = start(args)
    while process.poll() is None and not (metrics.exists() and metrics.stat().st_size > before):
        time.sleep(0.01)
    for number in signals:
        process.send_signal(number)
    return finish(process)


def test_signals_stop_a_run_that_then_goes_on_bit_for_bit(folder, tmp_path):
    out = tmp_path / "a run" / "run"
    metrics, args = out / "metrics.jsonl", command(folder, out, **FOREVER)

    # `timeout` sends two, to the process and to its group.
    code, output, err = interrupted(args, metrics, signal.SIGTERM, signal.SIGTERM)
    assert (code, err) == (143, "")
    saved, resume = re.search(
        r"SIGTERM: saved at step (\d+)\. To go on: (python .*)\n", output
    ).groups()
    assert checkpoint.steps(out / "checkpoints") == [int(saved)]
    assert metrics.read_bytes().count(b"\n") == int(saved)
    resume = [sys.executable, *shlex.split(resume)[1:]]

    code, output, err = interrupted(resume, metrics, signal.SIGINT)
    assert (code, err) == (130, "")
    assert f"is at step {saved} of {10**9}: going on" in output
    (saved,) = re.findall(r"SIGINT: saved at step (\d+)", output)

    last = int(saved) + 37
    code, output, err = execute([*resume, "--steps", str(last)])
    assert (code, err) == (0, "")
    whole = tmp_path / "whole" / "run"
    code, _, _ = execute(command(folder, whole, **FOREVER | {"steps": last}))
    assert code == 0
    assert products(out) == products(whole)


def test_a_signal_during_the_start_ends_it_in_silence(folder, tmp_path):
    process = start(command(folder, tmp_path / "run", **FOREVER))
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert code in (-signal.SIGINT, 130)
    assert (out, err) == ("", "")


def test_a_closed_output_pipe_is_no_stack_trace(finished, folder):
    process = start(command(folder, finished, steps=STEPS, **EVERY))
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(300) != 0
    assert "Traceback" not in err
