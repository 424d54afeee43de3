"""The first signal is noted, the second ends the process, even within a call that takes long."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from trainings import ROOT

from gen_models.training.interrupt import interruptible

# One call into C, as a compilation is, that returns to Python after minutes.
BUSY = """
import hashlib
from gen_models.training.interrupt import interruptible
with interruptible() as interruption:
    print("busy", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted(number):
    before = signal.getsignal(number)
    with interruptible() as interruption:
        assert (interruption.by, interruption.exit_code) == (None, 0)
        signal.raise_signal(number)
        deadline = time.monotonic() + 10
        while interruption.by is None and time.monotonic() < deadline:
            time.sleep(0.001)
        assert (interruption.by, interruption.exit_code) == (number, 128 + number)
    assert signal.getsignal(number) is before
    assert signal.set_wakeup_fd(-1) == -1


def test_outside_of_the_main_thread_signals_are_left_as_they_are():
    """As in a notebook's worker, where Python lets nobody take signals."""

    def training():
        with interruptible() as interruption:
            return interruption.by, interruption.exit_code, signal.getsignal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with ThreadPoolExecutor(1) as worker:
        assert worker.submit(training).result() == (None, 0, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_the_process_at_once(number):
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert process.stdout.readline() == "busy\n"
        process.send_signal(number)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.send_signal(number)
        assert process.wait(10) == 128 + number
    finally:
        process.kill()
        process.communicate()
