"""Running the explorer's JavaScript in Node.js, for tests."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from gen_models.explorer.program import program, to_json
from gen_models.explorer.weights import packed
from gen_models.storage.tensors import named

HERE = Path(__file__).parent
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js")


def node(script: str, given: object) -> Any:
    """What a script of this folder writes, as JSON, given a JSON text."""
    command = ["node", str(HERE / script)]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def case(
    function: Callable, weights: Any, inputs: Mapping[str, np.ndarray], **further: np.ndarray
) -> dict[str, Any]:
    """A program with its weights and inputs, of which `further` ones are not the function's."""
    shapes = {name: jax.ShapeDtypeStruct(x.shape, x.dtype) for name, x in inputs.items()}
    written = program(function, weights, shapes)
    values = {name: np.ravel(x).tolist() for name, x in (inputs | further).items()}
    arrays = {name: packed(np.asarray(x), whole=True) for name, x in named(weights).items()}
    return {"program": to_json(written), "weights": arrays, "inputs": values}


def run(cases: Sequence[dict[str, Any]]) -> list[list[np.ndarray]]:
    """The outputs of programs, f32[elements] each."""
    results = node("run_programs.mjs", cases)
    return [[np.array(x, np.float64) for x in result["outputs"]] for result in results]
