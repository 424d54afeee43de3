"""The examples run as they are, and the committed outputs of the notebooks are complete."""

import importlib.util
from pathlib import Path

import nbformat
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def imported(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def results_of(notebook):
    """What each cell shows last, without its picture or figures, which differ between machines; a
    slow machine shows more lines of progress before it."""
    cells = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    return [(outputs[-1].output_type, sorted(outputs[-1].get("data", {}))) for outputs in cells]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_executes_and_shows_what_its_committed_outputs_show(
    path, tmp_path, monkeypatch, real_splits
):
    real_splits("fashion_mnist")
    for variable in ("IPYTHONDIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES.parent))
    execute = imported("execute")
    found = nbformat.reads(execute.normalised(execute.executed(path, tmp_path)), as_version=4)
    committed = nbformat.read(path, as_version=4)
    assert [cell.source for cell in found.cells] == [cell.source for cell in committed.cells]
    assert results_of(found) == results_of(committed)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_committed_as_its_program_writes_it(path):
    committed = nbformat.read(path, as_version=4)
    assert imported("execute").normalised(committed) == path.read_text()
    shown = [output for cell in committed.cells for output in cell.get("outputs", [])]
    assert shown
    assert all(output.output_type != "error" for output in shown)
    assert all(output.get("name") != "stderr" for output in shown)
    assert not any(word in path.read_text() for word in ("/tmp", "/home", "/root", "/Users"))


def test_a_paper_of_your_own_trains_and_draws(tiny):
    example = imported("a_paper_of_your_own")
    images = example.train(tiny.train, example.Config(width=4, latent_size=3), steps=5)
    assert (images.shape, images.dtype) == ((100, 8, 8), np.uint8)
