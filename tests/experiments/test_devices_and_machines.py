"""One model on several devices, and on several processes: the same run as on one device."""

import json
import os
import signal
import sys
import time

import numpy as np
import pytest
from trainings import command, execute, finish, free_port, start

from gen_models.runs import checkpoint

STEPS = {"steps": 12, "model": "cgan", "sample_every_steps": 6, "checkpoint_every_steps": 6}


def metrics(folder):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return np.array([list(row.values()) for row in rows])


@pytest.fixture
def two_devices(monkeypatch):
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "2")


@pytest.fixture
def single(tiny_folder, tmp_path):
    """A run on one device."""
    code, _, err = execute(command(tiny_folder, tmp_path / "single", **STEPS))
    assert code == 0, err
    return tmp_path / "single"


def joined(data, out, port, number, **options):
    """The command of process `number` of two."""
    machines = {"coordinator": f"localhost:{port}", "process_id": number, "process_count": 2}
    return command(data, out, **STEPS | machines | options)


@pytest.mark.slow
def test_two_devices_and_two_processes_of_two_train_what_one_device_does(
    single, tiny_folder, tmp_path, two_devices
):
    del two_devices
    code, _, err = execute(command(tiny_folder, tmp_path / "split", devices=2, **STEPS))
    assert code == 0, err
    port = free_port()
    pair = [start(joined(tiny_folder, tmp_path / "pair", port, number)) for number in (0, 1)]
    for process in pair:
        code, _, err = finish(process)
        assert code == 0, err
    wanted = metrics(single)
    for name in ("split", "pair"):
        np.testing.assert_allclose(metrics(tmp_path / name), wanted, rtol=2e-4, atol=1e-5)
        assert checkpoint.steps(tmp_path / name / "checkpoints") == [6, 12]
        assert (tmp_path / name / "samples.png").exists()


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_devices(single, tiny_folder, tmp_path, monkeypatch):
    out = tmp_path / "moved"
    code, _, err = execute(command(tiny_folder, out, **STEPS | {"steps": 6}))
    assert code == 0, err
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "4")
    code, _, err = execute(command(tiny_folder, out, devices=4, **STEPS))
    assert code == 0, err
    np.testing.assert_allclose(metrics(out), metrics(single), rtol=2e-4, atol=1e-5)


def endless(tiny_folder, out, port, number):
    never = {"sample_every_steps": 10**6, "checkpoint_every_steps": 10**6}
    return joined(tiny_folder, out, port, number, steps=10**6, **never)


def sweeping(data, out, **options):
    """The command of a sweep of three tiny members."""
    common = {"model": "dcgan", "width": 4, "latent_size": 3, "batch_size": 4, "steps": 6}
    options = {"data_dir": data, "out": out, "seeds": 3} | common | options
    pairs = [(f"--{name.replace('_', '-')}", str(value)) for name, value in options.items()]
    words = [word for pair in pairs for word in pair]
    return [sys.executable, "-m", "experiments.sweep", *words, "--no-evaluate"]


@pytest.mark.slow
def test_two_processes_share_a_sweep_and_the_first_one_tabulates_it(tiny_folder, tmp_path):
    code, _, err = execute(sweeping(tiny_folder, tmp_path / "alone"))
    assert code == 0, err
    pair = {"coordinator": f"localhost:{free_port()}", "process_count": 2}
    processes = [
        start(sweeping(tiny_folder, tmp_path / "both", **pair, process_id=i)) for i in (0, 1)
    ]
    for process in processes:
        code, _, err = finish(process)
        assert code == 0, err
    tables = [(tmp_path / name / "members.csv").read_text() for name in ("alone", "both")]
    assert tables[0] == tables[1]
    for seed in range(3):
        states = [
            (
                tmp_path / name / f"seed={seed}" / "checkpoints/step_00000006.safetensors"
            ).read_bytes()
            for name in ("alone", "both")
        ]
        assert states[0] == states[1]


@pytest.mark.slow
def test_when_one_process_fails_the_other_does_not_wait_for_it(tiny_folder, tmp_path):
    pair = {"coordinator": f"localhost:{free_port()}", "process_count": 2}
    folders = tiny_folder, tmp_path / "missing"
    first, second = (
        start(sweeping(folder, tmp_path / "out", **pair, process_id=i, steps=10**6))
        for i, folder in enumerate(folders)
    )
    code, _, err = finish(second, timeout_s=60)
    assert code == 2
    assert "missing" in err
    code, _, _ = finish(first, timeout_s=60)
    assert code != 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("sent", "saved"),
    [(signal.SIGTERM, True), pytest.param(signal.SIGKILL, False, marks=pytest.mark.slow)],
)
def test_when_one_process_is_told_to_stop_or_dies_so_does_the_other(
    tiny_folder, tmp_path, two_devices, sent, saved
):
    del two_devices
    out, port = tmp_path / "pair", free_port()
    first, second = (start(endless(tiny_folder, out, port, number)) for number in (0, 1))
    until = time.monotonic() + 120
    while not (out / "metrics.jsonl").exists() and first.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.2)
    os.kill(second.pid, sent)
    code, said, _ = finish(first, timeout_s=60)
    assert code != 0
    assert ("another process was told to stop: saved at step" in said) == saved
    assert bool(checkpoint.steps(out / "checkpoints")) == saved
    assert finish(second, timeout_s=60)[0] != 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"devices": 3}, "devices is 3, expected at least 1 and at most 2"),
        ({"devices": 2, "batch_size": 5}, "batch_size is 5, expected a multiple of the 2 devices"),
        ({"process_id": 0}, "several processes need --coordinator HOST:PORT, --process-id and"),
    ],
)
def test_devices_and_batches_that_do_not_divide_are_refused_before_anything_is_written(
    tiny_folder, tmp_path, two_devices, options, words
):
    del two_devices
    code, _, err = execute(command(tiny_folder, tmp_path / "run", **options))
    assert code == 2
    assert words in err
    assert not (tmp_path / "run").exists()
