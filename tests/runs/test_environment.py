"""What a run ran on, and whether that has changed."""

import os
import sys

import jax
import pytest

from gen_models.runs import environment


def test_changes_on_the_same_machine_are_none():
    here = environment.describe()
    assert environment.changes(here, environment.describe()) == []


def test_changes_name_what_may_change_the_last_bits():
    here = environment.describe()
    before = here | {"devices": ["gpu: NVIDIA H200"], "command": ["another"]}
    assert environment.changes(before, here) == [
        f"devices: ['gpu: NVIDIA H200'] then, {here['devices']} now"
    ]
    recorded_always = set(environment.DECISIVE) - set(environment.SINCE_RECORDED)
    assert len(environment.changes({}, here)) == len(recorded_always)


@pytest.fixture
def setting():
    """A function that gives a setting of JAX another value for the length of a test."""
    before = dict(jax.config.values)
    changed = []

    def change(name, value):
        changed.append(name)
        jax.config.update(name, value)

    yield change
    for name in changed:
        jax.config.update(name, before[name])


def test_settings_that_may_change_the_last_bits_are_recorded(setting):
    usual = environment.describe()
    assert usual["jax_settings"] == {}
    setting("jax_default_matmul_precision", "bfloat16")
    unusual = environment.describe()
    assert unusual["jax_settings"] == {"jax_default_matmul_precision": "bfloat16"}
    assert environment.changes(usual, unusual) == [
        "jax_settings: {} then, {'jax_default_matmul_precision': 'bfloat16'} now"
    ]


def test_a_session_of_before_settings_were_recorded_counts_as_one_with_the_usual(setting):
    old = environment.describe()
    del old["jax_settings"]
    assert environment.changes(old, environment.describe()) == []
    setting("jax_default_matmul_precision", "bfloat16")
    assert len(environment.changes(old, environment.describe())) == 1


def test_settings_that_would_make_another_run_are_set_back(setting):
    assert environment.fix_settings() == {}
    setting("jax_enable_x64", True)
    setting("jax_default_prng_impl", "rbg")
    assert environment.describe()["jax_settings"].keys() == {
        "jax_enable_x64",
        "jax_default_prng_impl",
    }
    assert environment.fix_settings() == {"jax_enable_x64": True, "jax_default_prng_impl": "rbg"}
    assert environment.describe()["jax_settings"] == {}


@pytest.mark.parametrize(
    ("plugin", "given", "flags"),
    [
        (None, "", ""),
        ("xla_cuda13", "", "--xla_gpu_deterministic_ops=true"),
        ("xla_cuda13", "--xla_a=1", "--xla_a=1 --xla_gpu_deterministic_ops=true"),
        ("xla_cuda13", "--xla_gpu_deterministic_ops=false", "--xla_gpu_deterministic_ops=false"),
    ],
)
def test_a_gpu_repeats_its_bits_unless_the_user_decides(
    tmp_path, monkeypatch, plugin, given, flags
):
    """JAX's plugins are modules of the package jax_plugins, which may lie in several folders."""
    for name in ("xla_other", plugin):
        if name:
            (tmp_path / "jax_plugins" / name).mkdir(parents=True)
            (tmp_path / "jax_plugins" / name / "__init__.py").touch()
    (tmp_path / "jax_plugins" / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "jax_plugins", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("XLA_FLAGS", given)
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "")  # so that it is put back
    monkeypatch.delenv("XLA_PYTHON_CLIENT_PREALLOCATE")
    environment.prepare_gpu()
    assert os.environ["XLA_FLAGS"] == flags
    assert os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE") == ("false" if plugin else None)
