"""A contestant in a process of its own."""

import os

import pytest

from gen_models.benchmark.apart import ContestantProcess
from gen_models.errors import UserError


def counting(first):
    """A contestant that returns first, first + 1, …"""
    count = iter(range(first, first + 100))
    return lambda: float(next(count))


def failing(error):
    raise error


def ending():
    return lambda: os._exit(3)


def slow():
    import time

    return lambda: time.sleep(60)


def test_it_runs_once_before_it_is_asked_and_then_whenever_it_is():
    with ContestantProcess(counting, 5) as contestant:
        contestant.start(60)
        assert [contestant(), contestant()] == [6.0, 7.0]


@pytest.mark.parametrize(
    ("make", "arguments", "said"),
    [
        (failing, [UserError("install it")], "install it"),
        (failing, [ValueError("no compiler\nat all")], "ValueError: no compiler"),
        (ending, [], "its process has ended with code 3"),
    ],
)
def test_what_it_failed_with_is_said_here(make, arguments, said):
    with ContestantProcess(make, *arguments) as contestant, pytest.raises(UserError) as error:
        contestant.start(60)
    assert str(error.value) == said


def test_one_that_takes_too_long_is_ended():
    with ContestantProcess(slow) as contestant, pytest.raises(UserError, match="no answer within"):
        contestant.start(0.1)
    assert not contestant._process.is_alive()
