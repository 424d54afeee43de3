"""`python -m experiments.sweep` as its user meets it: members, measures, signals."""

import contextlib
import csv
import json
import re
import shlex
import signal
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from PIL import Image
from sweeping import FOUR, MODEL, NAMES, SMALL, completed, hasten, tree
from trainings import execute, finish, plain, products, rows, start, write_folder

from experiments import sample, sweep, train
from gen_models import assessment, runs
from gen_models.data import idx
from gen_models.evaluation import features, record
from gen_models.evaluation.measure import Score
from gen_models.evaluation.protocol import Protocol
from gen_models.runs import checkpoint
from gen_models.training import population
from gen_models.training.interrupt import Interruption

ENDLESS = [*MODEL, "--sample-every-steps", "10000000", "--checkpoint-every-steps", "10000000"]


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


# --- a sweep


@pytest.fixture
def nothing_is_trained(monkeypatch):
    monkeypatch.setattr(population, "fit", None)


@pytest.fixture(scope="module")
def swept(tmp_path_factory, tiny):
    """Data, and the folder of a sweep of four, made where nothing said so."""
    root = tmp_path_factory.mktemp("sweep")
    args = ["--data-dir", str(write_folder(root / "tiny", tiny)), *SMALL, *FOUR]
    with contextlib.chdir(root):
        assert sweep.main(args) == 0
    return args, root / "results" / "sweeps" / "tiny-vae-beta"


def test_a_sweep_is_a_folder_of_runs(swept):
    _, folder = swept
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == NAMES
    for name in NAMES:
        run = runs.load(folder / name)
        found = run.recipe.config.beta, run.options.seed, run.options.steps
        assert f"beta={found[0]},seed={found[1]}" == name
        assert found[2] == 6
        assert [row["step"] for row in rows(folder / name)] == [*range(1, 7)]
        assert [path.name for path in run.pictures("grids")] == [
            "step_00000003.png",
            "step_00000006.png",
        ]
        assert checkpoint.steps(run.checkpoints) == [6]
        (session,) = run.sessions()
        assert session["devices"]
        assert session["reached"] == 6
    assert len({(folder / name / runs.METRICS).read_bytes() for name in NAMES}) == 4


def test_a_sweep_has_a_table_and_pictures(swept):
    args, folder = swept
    page = (folder / "README.md").read_text()
    assert f"`python -m experiments.sweep {shlex.join(args)}`" in page
    assert "| rank | beta | seeds | diverged | best FID | median |" in page
    assert "| – | 1.0 | 2 | 0 | – | – |\n| – | 2.0 | 2 | 0 | – | – |" in page
    for name in re.findall(r"!\[.*?\]\((.*?)\)", page):
        with Image.open(folder / name) as picture:
            assert picture.width > 100


def test_a_sweep_can_be_read_by_programs(swept):
    args, folder = swept
    with (folder / "members.csv").open(newline="") as file:
        members = list(csv.DictReader(file))
    assert [f"beta={m['beta']},seed={m['seed']}" for m in members] == NAMES
    assert {(m["step"], m["diverged"], m["fid"]) for m in members} == {("6", "False", "")}
    found = json.loads((folder / "sweep.json").read_text())
    assert found["command"].endswith(shlex.join(args))
    assert [row["setting"] for row in found["settings"]] == [{"beta": 1.0}, {"beta": 2.0}]
    assert len(found["members"]) == 4


def test_members_are_taken_as_runs(swept, tmp_path):
    """Drawn from, and trained on alone."""
    args, folder = swept
    member = tmp_path / "member"
    member.symlink_to(folder / NAMES[0])
    assert sample.main([str(member), "--count", "5", "--idx", str(tmp_path / "x")]) == 0
    assert idx.read(tmp_path / "x-images-idx3-ubyte").shape == (5, 8, 8)
    out = tmp_path / "alone"
    options = [*args[:2], *SMALL, "--beta", "1", "--seed", "0", "--hold-out", "--out", str(out)]
    assert train.main(options) == 0
    assert (out / runs.CONFIG).read_bytes() == (folder / NAMES[0] / runs.CONFIG).read_bytes()
    assert train.main(["--resume", str(out), "--steps", "8"]) == 0
    assert len(rows(out)) == 8


def test_a_second_call_finishes_at_once_and_changes_no_checkpoint(swept, monkeypatch):
    args, folder = swept

    def states():
        paths = folder.glob("*/checkpoints/*")
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}

    before, made = states(), [products(folder / name) for name in NAMES]
    monkeypatch.setattr(population.Wave, "advance", None)  # which nobody calls
    monkeypatch.chdir(folder.parents[2])
    assert sweep.main(args) == 0
    assert states() == before
    assert len(before) == 4
    assert [products(folder / name) for name in NAMES] == made


def test_another_sweep_into_the_same_folder_is_refused(swept, monkeypatch):
    args, folder = swept
    before = tree(folder)
    monkeypatch.setattr(population, "fit", None)
    with pytest.raises(runs.RunError, match=r"learning_rate: the run has 0.001, asked for 0.5"):
        sweep.main([*args, "--out", str(folder), "--learning-rate", "0.5"])
    assert tree(folder).items() >= before.items()


@pytest.mark.usefixtures("swept")
def test_fewer_steps_than_a_member_has_done_are_refused(swept):
    args, folder = swept
    fewer = ["5" if arg == "6" else arg for arg in args]
    with pytest.raises(runs.RunError, match=r"seed=0 has done 6 steps, asked for 5"):
        sweep.main([*fewer, "--out", str(folder)])


@pytest.mark.usefixtures("nothing_is_trained")
def test_the_folder_of_a_run_is_left_as_it_is(call, swept):
    folder = swept[1] / NAMES[0]
    before = tree(folder)
    code, _, err = call(*FOUR, "--out", folder)
    assert (code, "is no sweep" in err) == (2, True)
    assert tree(folder) == before


@pytest.mark.slow
def test_schedules_are_swept_as_numbers_are(call, tmp_path):
    args = ["--learning-rate", "1e-3", "0:1e-3,3:1e-4", "--no-evaluate", "--out", "scheduled"]
    for _ in range(2):
        code, _, err = call(*args)
        assert (code, err) == (0, "")
    assert "0:0.001,3:0.0001" in (tmp_path / "scheduled" / "README.md").read_text()
    code, _, err = call("--learning-rate", "0:1e-3", "1e-2", "--random", 3)
    assert (code, err.count("\n")) == (2, 1)
    assert "the ends of its range" in err


def test_waves_of_two_make_what_one_of_four_does(swept, call, tmp_path):
    code, _, _ = call(*FOUR, "--per-device", 3, "--out", "out")
    assert code == 0
    for name in NAMES:
        for found, wanted in zip(rows(tmp_path / "out" / name), rows(swept[1] / name), strict=True):
            assert found == pytest.approx(wanted, rel=1e-4)


# --- measures


PROTOCOL = Protocol("net-v1-0123abcd", "tiny", "test", 100)
EVALUATOR = SimpleNamespace(protocol=lambda _: PROTOCOL)


@pytest.fixture
def evaluations(monkeypatch):
    """A stand-in for the evaluation, which needs a feature net: FID is beta + seed. Who had one."""
    done = []

    def evaluate_run(run, evaluator, extent, report):
        del report
        wanted = assessment.EvaluationExtent(reference="validation", likelihood_images=1000)
        assert (evaluator, extent) == (EVALUATOR, wanted)
        done.append(run.folder.name)
        fid = run.recipe.config.beta + run.options.seed
        step = checkpoint.steps(run.checkpoints)[-1]
        return record.Evaluation(
            {"name": run.folder.name, "step": step, "sampling_seed": 0},
            PROTOCOL,
            {"fid": Score(fid, error=0.1, floor=0.0, floor_error=None)},
            {},
            {},
        )

    monkeypatch.setattr(assessment, "evaluate_run", evaluate_run)
    monkeypatch.setattr(features, "of", lambda _: None)
    monkeypatch.setattr(sweep, "Evaluator", lambda *_: EVALUATOR)
    return done


def test_every_member_is_measured_once_and_again_when_it_was_trained_on(
    call, evaluations, tmp_path
):
    args = ["--beta", 3, 1, "--seeds", 2, "--out", "out"]
    names = [f"beta={beta},seed={seed}" for beta in (3.0, 1.0) for seed in (0, 1)]
    for _ in range(2):
        assert call(*args)[0] == 0
        assert evaluations == names
    page = (tmp_path / "out" / "README.md").read_text()
    assert (
        "| rank | beta | seeds | diverged | FID | best FID | median |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| 1 | 1.0 | 2 | 0 | 1.50 ± 0.71 | 1.00 | 1.50 |\n"
        "| 2 | 3.0 | 2 | 0 | 3.50 ± 0.71 | 3.00 | 3.50 |\n"
    ) in page
    assert call(*args, "--steps", 7)[0] == 0
    assert evaluations == 2 * names
    path = tmp_path / "out" / names[0] / record.NAME
    other = replace(PROTOCOL, samples=50)
    record.write(path, record.read(path)._replace(protocol=other))
    assert call(*args, "--steps", 7)[0] == 0
    assert evaluations == [*names, *names, names[0]]


def test_a_signal_ends_a_measurement_at_once_and_the_same_command_makes_it_anew(
    call, evaluations, monkeypatch, tmp_path
):
    measure, ended = assessment.evaluate_run, []

    def interrupted(run, *args):
        if run.folder.name == NAMES[1] and not ended:
            signal.raise_signal(signal.SIGINT)
            ended.append(run.folder.name)
        return measure(run, *args)

    monkeypatch.setattr(assessment, "evaluate_run", interrupted)
    args = ["--beta", 1, 2, "--seeds", 2, "--out", "out"]
    code, out, _ = call(*args)
    assert (code, evaluations, ended) == (130, NAMES[:1], [])
    assert "To go on: python -m experiments.sweep" in plain(out)
    monkeypatch.setattr(assessment, "evaluate_run", measure)
    assert call(*args)[0] == 0
    assert evaluations == NAMES
    assert (tmp_path / "out" / "README.md").exists()


def test_measuring_has_a_progress_bar(call, evaluations):
    _, out, _ = call("--seeds", 2, "--out", "out")
    assert len(evaluations) == 2
    assert re.search(r"training .*100%", out)
    assert re.search(r"measuring .* 2/2 ", out)


def test_a_member_that_diverges_is_counted_and_not_measured(call, evaluations, tmp_path):
    args = ["--learning-rate", "1e-3", "1e6", "--beta", 1, "--seeds", 2, "--out", "out"]
    for _ in range(2):
        code, _, err = call(*args)
        assert (code, err) == (0, "")
    assert evaluations == ["learning_rate=0.001,seed=0", "learning_rate=0.001,seed=1"]
    with (tmp_path / "out" / "members.csv").open(newline="") as file:
        found = [(m["diverged"], m["step"] == "6", bool(m["fid"])) for m in csv.DictReader(file)]
    assert found == [("False", True, True)] * 2 + [("True", False, False)] * 2
    page = (tmp_path / "out" / "README.md").read_text()
    assert "| 1000000.0 | 2 | 2 | – | – | – |" in page


@pytest.mark.slow
def test_a_damaged_checkpoint_is_told_and_does_not_stop_the_sweep(call, tmp_path):
    args = [*FOUR, "--checkpoint-every-steps", 2, "--out", "out"]
    assert call(*args)[0] == 0
    before = [rows(tmp_path / "out" / name) for name in NAMES]
    newest = checkpoint.file_of(tmp_path / "out" / NAMES[2] / runs.CHECKPOINTS, 6)
    newest.write_bytes(newest.read_bytes()[:-1])
    code, _, err = call(*args)
    assert code == 0
    assert f"{NAMES[2]}/checkpoints/{newest.name} is damaged" in err
    assert err.count("\n") == 1
    assert [rows(tmp_path / "out" / name) for name in NAMES] == before


# --- signals


@pytest.fixture
def interrupted_at_once(monkeypatch):
    @contextlib.contextmanager
    def already():
        yield Interruption(signal.SIGINT)

    monkeypatch.setattr(sweep, "interruptible", already)


@pytest.mark.usefixtures("interrupted_at_once")
def test_an_interrupted_sweep_says_so_by_its_exit_code(call, tmp_path):
    code, out, err = call(*FOUR, "--out", "out")
    assert (code, err) == (130, "")
    assert "To go on: python -m experiments.sweep --data-dir" in plain(out)
    assert not (tmp_path / "out" / "README.md").exists()


@pytest.mark.usefixtures("interrupted_at_once")
def test_the_command_to_go_on_with_can_be_copied(call, tiny_folder):
    args = [*FOUR, "--out", "of mine [bold]"]
    _, out, _ = call(*args)
    words = ["--data-dir", str(tiny_folder), *SMALL, *args]
    assert f"To go on: python -m experiments.sweep {shlex.join(words)}\n" in out


@pytest.mark.slow
def test_ctrl_c_saves_and_the_same_command_goes_on(tmp_path, tiny_folder, monkeypatch):
    """On two devices, in a process of its own; the wave of three leaves one place empty."""
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "2")
    out = tmp_path / "out"
    members = [out / f"seed={seed}" for seed in range(3)]
    metrics = members[2] / runs.METRICS
    args = [sys.executable, "-m", "experiments.sweep", "--data-dir", str(tiny_folder), *ENDLESS]
    args += ["--seeds", "3", "--no-evaluate", "--out", str(out), "--steps"]

    process = start([*args, str(10**9)])
    while process.poll() is None and not (metrics.exists() and metrics.stat().st_size):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    code, output, err = finish(process)
    assert (code, err) == (130, "")
    assert "devices: 2 with up to 2 members each" in plain(output)
    assert "To go on: python -m experiments.sweep" in plain(output)
    ((reached,),) = {tuple(checkpoint.steps(member / runs.CHECKPOINTS)) for member in members}
    before = [rows(member) for member in members]
    assert [len(found) for found in before] == [reached] * 3

    code, output, err = execute([*args, str(reached + 20)])
    assert (code, err) == (0, "")
    for member, found in zip(members, before, strict=True):
        assert checkpoint.steps(member / runs.CHECKPOINTS)[-1] == reached + 20
        assert [row["step"] for row in rows(member)] == [*range(1, reached + 21)]
        assert rows(member)[:reached] == found
    assert (out / "README.md").exists()
