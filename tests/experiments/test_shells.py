"""Commands in shells whose variables were meant for something else."""

import os
import subprocess
import sys

import jax
import pytest
from trainings import ROOT, command, products

from experiments import command as commands
from gen_models.errors import UserError
from gen_models.runs import environment
from gen_models.storage import compilations
from gen_models.storage.cache import cache_folder

ODD = {
    "MPLBACKEND": "module://of_another_environment",
    "JAX_DEBUG_NANS": "1",
    "JAX_ENABLE_X64": "1",
    "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_THREEFRY_PARTITIONABLE": "0",
    "JAX_RANDOM_SEED_OFFSET": "5",
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "JAX_TRANSFER_GUARD": "disallow",
    "PYTHONWARNINGS": "error",
    "PYTHONIOENCODING": "ascii",
    "COLUMNS": "20",
    "TERM": "dumb",
    "SLURM_JOB_ID": "7",
    "SLURM_NTASKS": "4",
    "SLURM_PROCID": "0",
}


def start(args, **variables):
    """A command in this shell with other variables, its output in pipes."""
    usual = {"XDG_CACHE_HOME": str(cache_folder("tests")), "JAX_PLATFORMS": "cpu"}
    env, pipe = os.environ | usual | variables, subprocess.PIPE
    return subprocess.Popen(args, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, env=env)


def run(args, **variables):
    """Exit code, output and errors of a command."""
    process = start(args, **variables)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.mark.slow
def test_a_shell_full_of_odd_settings_trains_the_same_run(tiny_folder, tmp_path):
    plain = start(command(tiny_folder, tmp_path / "plain", steps=10))
    code, _, err = run(command(tiny_folder, tmp_path / "odd", steps=10), **ODD)
    assert plain.wait(timeout=120) == code == 0, err
    assert products(tmp_path / "odd") == products(tmp_path / "plain")
    ignored = [line.split("=")[0] for line in err.splitlines()]
    assert ignored == [name.upper() for name in environment.FIXED_SETTINGS]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("JAX_PLATFORMS", "nonsense"),
        ("JAX_DEFAULT_DEVICE", "nonsense"),
        ("JAX_ENABLE_X64", "maybe"),
        ("JAX_DEFAULT_PRNG_IMPL", "nonsense"),
    ],
)
def test_a_variable_that_jax_refuses_is_one_line_with_its_name(tmp_path, variable, value):
    args = [sys.executable, "-m", "experiments.sample", "fashion_mnist-vae"]
    out = tmp_path / "drawn.png"
    code, _, err = run([*args, "--out", str(out)], **{variable: value})
    assert (code, err.count("\n")) == (2, 1), err
    assert err.startswith("error: ")
    assert f" {variable}={value}" in err
    assert not out.exists()


def test_help_in_greek_is_printed_in_ascii():
    args = [sys.executable, "-m", "experiments.train", "--model", "vae", "--help"]
    code, out, err = run(args, PYTHONIOENCODING="ascii")
    assert code == 0, err
    assert "\\u03b2" in out


@pytest.mark.parametrize("refusal", [AssertionError(), RuntimeError("no backend 'tpu':\nnone")])
def test_no_device_is_one_line_that_names_the_variable(monkeypatch, refusal):
    def refuse():
        raise refusal

    monkeypatch.setattr(jax, "devices", refuse)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    with pytest.raises(UserError, match="no device to compute on with JAX_PLATFORMS=cuda") as error:
        environment.devices()
    assert "\n" not in str(error.value)


def test_a_nan_that_jax_finds_is_one_line(run_command):
    def main(_):
        with jax.debug_nans(True):
            return jax.numpy.zeros(2) / 0

    code, _, err = run_command(main)
    assert code == 2
    assert err.startswith("error: invalid value (nan) encountered in ")
    assert "JAX_DEBUG_NANS or JAX_DEBUG_INFS is set" in err
    assert err.count("\n") == 1


def test_an_error_of_our_own_is_not_blamed_on_the_devices(monkeypatch):
    def main(_):
        raise AssertionError("a bug")

    monkeypatch.setattr(compilations, "keep", lambda: None)
    with pytest.raises(AssertionError, match="a bug"):
        commands.run(main)
