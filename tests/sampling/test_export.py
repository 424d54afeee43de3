"""Exported generators: read with JAX alone, they draw what this package draws."""

import json
import subprocess
import sys
from importlib.util import find_spec

import jax
import numpy as np
import pytest
from trainings import ROOT, make_recipe

from gen_models import programs
from gen_models.errors import UserError
from gen_models.models import MODELS
from gen_models.runs import DataRecord
from gen_models.sampling import export

CLOSE = {"rtol": 1e-4, "atol": 1e-6}


def make(name, tiny, **options):
    model = make_recipe(model=name, **options).model(DataRecord.of(tiny.train).spec)
    return model, programs.start(model, jax.random.key(0))


@pytest.mark.parametrize("name", MODELS)
def test_stablehlo_of_every_model_is_for_all_platforms_and_any_count(tiny, name):
    model = make_recipe(model=name).model(DataRecord.of(tiny.train).spec)
    state = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), programs.shapes(model))
    for program in export.stablehlo(model, state):
        exported = jax.export.deserialize(bytearray(program))
        assert exported.platforms == export.PLATFORMS
        assert str(exported.out_avals[0].shape) == "(N, 8, 8, 1)"


@pytest.mark.parametrize("name", ["cgan", "infogan", "vae", "hvae", "vq_vae"])
def test_stablehlo_draws_what_the_package_draws(tiny, name):
    model, state = make(name, tiny)
    sample, generate = (
        jax.export.deserialize(bytearray(x)) for x in export.stablehlo(model, state)
    )
    for count in (1, 5):
        labels, key = np.arange(count, dtype=np.int32) % 3, jax.random.key(7)
        wanted = np.asarray(programs.sample(model, state, key, labels))
        z = model.algorithm.prior(state, key, labels)
        np.testing.assert_allclose(jax.jit(sample.call)(np.uint32(7), labels), wanted, **CLOSE)
        np.testing.assert_allclose(jax.jit(generate.call)(z, labels), wanted, **CLOSE)


READER = """
import sys, json, numpy as np, jax
from pathlib import Path
program = jax.export.deserialize(bytearray(Path(sys.argv[1]).read_bytes()))
images = jax.jit(program.call)(np.uint32(0), np.arange(4, dtype=np.int32) % 3)
assert "gen_models" not in sys.modules and "flax" not in sys.modules
print(json.dumps(np.asarray(images).ravel().tolist()))
"""


def test_stablehlo_is_read_with_jax_alone(tiny, tmp_path):
    model, state = make("cgan", tiny)
    (tmp_path / "sample.stablehlo").write_bytes(export.stablehlo(model, state).sample)
    command = [sys.executable, "-c", READER, str(tmp_path / "sample.stablehlo")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    labels = np.arange(4, dtype=np.int32) % 3
    wanted = programs.sample(model, state, jax.random.key(0), labels)
    np.testing.assert_allclose(json.loads(done.stdout), np.ravel(wanted), **CLOSE)


def test_onnx_without_its_converter_names_what_to_install(tiny):
    if find_spec("jax2onnx"):
        pytest.skip("jax2onnx is installed")
    with pytest.raises(UserError, match="ONNX needs jax2onnx; pip install --no-deps jax2onnx=="):
        export.onnx(*make("dcgan", tiny))


@pytest.mark.parametrize("name", MODELS)
def test_onnx_of_every_model_draws_within_rounding(tiny, name):
    pytest.importorskip("jax2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    model, state = make(name, tiny)
    session = onnxruntime.InferenceSession(
        export.onnx(model, state), providers=["CPUExecutionProvider"]
    )
    for count in (1, 5):
        labels = np.arange(count, dtype=np.int32) % 3
        z = np.asarray(model.algorithm.prior(state, jax.random.key(1), labels))
        (images,) = session.run(None, {"z": z, "labels": labels})
        wanted = programs.generate(model, state, z, labels)
        np.testing.assert_allclose(images, wanted, atol=1e-4)


def test_command_writes_programs_and_how_to_run_them(tiny, tmp_path):
    from trainings import train

    train(tmp_path / "run", tiny, steps=4, model="cgan")
    command = [sys.executable, "-m", "experiments.export", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "run/exported"
    assert {path.name for path in folder.iterdir()} == {
        *("README.md", "sample.stablehlo", "generate.stablehlo"),
    }
    code = (folder / "README.md").read_text().split("```")[1].removeprefix("python\n")
    assert len(code.strip().splitlines()) <= 6
    code = code.replace("np.arange(10", "np.arange(3").replace("images =", "print(")
    done = subprocess.run(
        [sys.executable, "-c", code.replace("  # seed", ".shape)  # seed")],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert done.stdout.strip() == "(3, 8, 8, 1)", done.stderr
