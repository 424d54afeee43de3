"""Settings in processes: limits, failures, and the end of the process that started them."""

import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from gen_models.classifiers import processes
from gen_models.classifiers.results import Limits
from gen_models.classifiers.task import TEST, TRAIN, FitTask, LabelledImages, write_images

TREE, WIDE = 97, Limits()


@pytest.fixture
def images(tmp_path, tiny):
    """A folder with both splits for tasks."""
    write_images(tmp_path, TRAIN, LabelledImages(tiny.train.images, tiny.train.labels))
    write_images(tmp_path, TEST, LabelledImages(tiny.test.images, tiny.test.labels))
    return tmp_path


def only_row(folder, limits=WIDE, number=TREE):
    (row,) = processes.run_tasks([FitTask(str(folder), number, 60, 3, 0)], limits, jobs=1)
    return row


def test_a_setting_is_trained_in_a_process_of_its_own(images):
    row = only_row(images)
    assert (row.number, row.seed, row.images) == (TREE, 0, 60)
    assert row.accuracy > 0.8
    assert row.peak_mib > 1


def test_a_setting_over_its_limit_of_time_is_a_row_that_says_so(images):
    row = only_row(images, Limits(minutes=0.001))
    assert (row.accuracy, row.over) == (None, "time")
    assert row.is_settled(Limits(minutes=0.001))
    assert not row.is_settled(Limits(minutes=60))


def test_a_setting_over_its_limit_of_memory_is_a_row_that_says_so(images):
    row = only_row(images, Limits(memory_gib=0.05))
    assert (row.accuracy, row.over) == (None, "memory")
    assert row.is_settled(Limits(memory_gib=0.05))
    assert not row.is_settled(Limits(memory_gib=8))


def test_a_setting_that_fails_is_a_row_with_the_reason(images):
    one_class = LabelledImages(np.zeros((9, 8, 8), np.uint8), np.zeros(9, np.int32))
    write_images(images, TRAIN, one_class)
    row = only_row(images, number=89)  # SVC
    assert row.accuracy is None
    assert row.failure.startswith("ValueError: The number of classes has to be greater than one")


def test_processes_end_with_the_one_that_started_them(images):
    code = (
        "from gen_models.classifiers import processes\n"
        "from gen_models.classifiers.results import Limits\n"
        "from gen_models.classifiers.task import FitTask\n"
        f"worker = processes._Worker(FitTask({str(images)!r}, 118, 60, 3, 0), Limits(), 1)\n"
        "print(worker.process.pid, flush=True)\n"
        "import time; time.sleep(60)\n"
    )
    line = [sys.executable, "-c", code]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as starter:
        pid = int(starter.stdout.readline())
        starter.send_signal(signal.SIGKILL)
    gone_by = time.monotonic() + 30
    while psutil.pid_exists(pid) and time.monotonic() < gone_by:
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.05)
    assert time.monotonic() < gone_by
