"""Training outlives its terminal, the reader of its output and the room for its log."""

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from trainings import train

from gen_models.render.display import TolerantStream
from gen_models.runs import checkpoint
from gen_models.training import fit, progress
from gen_models.training.progress import Terminal


@pytest.fixture(params=["full disk", "closed pipe", "closed terminal"])
def unwritable(request):
    """A text stream that cannot be written."""
    if request.param == "full disk":
        if not Path("/dev/full").exists():
            pytest.skip("needs Linux's /dev/full")
        number = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, number = os.pipe() if request.param == "closed pipe" else os.openpty()
        os.close(reader)
    stream = os.fdopen(number, "w")
    yield stream
    with pytest.raises(OSError):
        stream.close()  # what has not been written


def test_a_tolerant_stream_passes_text_on(capsys):
    stream = TolerantStream(sys.stdout)
    stream.write("one\n")
    stream.flush()
    assert capsys.readouterr().out == "one\n"
    assert stream.encoding == sys.stdout.encoding


def test_a_tolerant_stream_is_silent_from_its_first_failure_on(unwritable):
    stream = TolerantStream(unwritable)
    for _ in range(2):
        stream.write("one\n")
        stream.flush()
    assert stream.failed


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_terminal_cuts_metrics_alone(tmp_path, width):
    terminal = Terminal(tmp_path / "run", 5000)
    terminal.started(0)
    terminal.at -= 10  # ten seconds ago
    names = ("disc_loss", "fake_score", "gen_loss", "gradient_penalty", "real_score")
    terminal.trained(130, {name: np.ones(130) for name in names})
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(terminal.progress.get_renderable())
    (line,) = console.file.getvalue().splitlines()
    assert len(line) <= width
    for whole in ("130/5000", " steps/s", "-:--:--", "dis"):
        assert whole in line


def test_training_goes_on_where_nothing_can_be_said(tmp_path, tiny, monkeypatch, unwritable):
    monkeypatch.setattr(sys, "stdout", unwritable)
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    monkeypatch.setattr(fit, "FIRST_DISPATCH_STEPS", 1)
    with Terminal(tmp_path / "run", 30) as terminal:
        reached = train(tmp_path / "run", tiny, report=terminal.say, observers=[terminal])
    assert reached == 30
    assert checkpoint.steps(tmp_path / "run" / "checkpoints")[-1] == 30
