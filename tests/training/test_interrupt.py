"""A signal is noted and leaves time to save; the same again ends the process, even within a call
that takes long."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from trainings import ROOT

from gen_models.training import interrupt
from gen_models.training.interrupt import Interrupted, interruptible

# One call into C, as a compilation is, that returns to Python after minutes.
BUSY = """
import hashlib
from gen_models.training.interrupt import interruptible
with interruptible() as interruption:
    print("busy", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
"""


def noted(interruption):
    """The signal that has been noted, once it is."""
    deadline = time.monotonic() + 60
    while interruption.by is None and time.monotonic() < deadline:
        time.sleep(0.001)
    return interruption.by


SCHEDULERS = {
    "a terminal, Ctrl-C": ["SIGINT"],
    "a terminal that is closed, and its shell": ["SIGHUP", "SIGHUP", "SIGCONT"],
    "Kubernetes, PBS": ["SIGTERM"],
    "Slurm": ["SIGCONT", "SIGTERM"],
    "Slurm --signal=USR1@60": ["SIGUSR1", "SIGCONT", "SIGTERM"],
    "Slurm --signal=USR2@60": ["SIGUSR2", "SIGCONT", "SIGTERM"],
    "LSF, run limit": ["SIGUSR2", "SIGINT", "SIGTERM"],
    "LSF, bkill": ["SIGINT", "SIGTERM"],
    "Grid Engine -notify": ["SIGUSR2"],
    "Grid Engine, soft limit": ["SIGUSR1"],
    "a limit on processor time": ["SIGXCPU", "SIGXCPU", "SIGXCPU"],
    "timeout, uv run": ["SIGTERM", "SIGTERM"],
}


@pytest.mark.parametrize("names", SCHEDULERS.values(), ids=SCHEDULERS)
def test_what_schedulers_send_is_noted_and_leaves_time_to_save(monkeypatch, names):
    exits = []
    monkeypatch.setattr(interrupt, "_exit_at_once", exits.append)
    numbers = [getattr(signal, name) for name in names]
    before = [signal.getsignal(number) for number in numbers]
    with interruptible() as interruption:
        assert not interruption.asked()
        for number in numbers:
            signal.raise_signal(number)
        first = next(number for number in numbers if number != signal.SIGCONT)
        assert (noted(interruption), interruption.exit_code) == (first, 128 + first)
    assert exits == []
    assert [signal.getsignal(number) for number in numbers] == before
    assert signal.set_wakeup_fd(-1) == -1


def test_while_raising_the_first_signal_raises_and_the_next_is_only_noted(monkeypatch):
    monkeypatch.setattr(interrupt, "_exit_at_once", lambda code: pytest.fail(str(code)))
    with interruptible() as interruption:
        with pytest.raises(Interrupted) as raised, interruption.raising():
            try:
                signal.raise_signal(signal.SIGINT)
            finally:
                signal.raise_signal(signal.SIGTERM)  # as `timeout` sends it on
        assert (raised.value.exit_code, interruption.exit_code) == (130, 130)
        with interruption.raising():
            pass
        signal.raise_signal(signal.SIGTERM)
        assert interruption.by == signal.SIGINT


@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU"])
def test_a_warning_may_come_again_later(monkeypatch, name):
    exits = []
    monkeypatch.setattr(interrupt, "_exit_at_once", exits.append)
    monkeypatch.setattr(interrupt, "TOGETHER_S", 0.0)
    with interruptible() as interruption:
        for _ in range(2):
            signal.raise_signal(getattr(signal, name))
        assert noted(interruption) == getattr(signal, name)
    assert exits == []


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda *_: None], ids=["nohup", "own"])
def test_an_ignored_signal_and_one_with_a_handler_of_its_own_are_left_alone(handler):
    before = signal.signal(signal.SIGHUP, handler)
    try:
        with interruptible() as interruption:
            assert signal.getsignal(signal.SIGHUP) is handler
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGUSR1)
            assert noted(interruption) == signal.SIGUSR1
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_of_the_main_thread_signals_are_left_as_they_are():
    """As in a notebook's worker, where Python lets nobody take signals."""

    def training():
        with interruptible() as interruption:
            return interruption.by, signal.getsignal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with ThreadPoolExecutor(1) as worker:
        assert worker.submit(training).result() == (None, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_same_signal_later_ends_the_process_at_once(number):
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert process.stdout.readline() == "busy\n"
        process.send_signal(number)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5 * interrupt.TOGETHER_S)
        process.send_signal(number)
        assert process.wait(10) == 128 + number
    finally:
        process.kill()
        process.communicate()
