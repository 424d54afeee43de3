"""Rounds: every contestant runs once a round, and what is compared is compared within a round."""

import statistics
import time
from collections.abc import Callable, Mapping

Timed = Callable[[], float]  # does its work once and returns seconds a unit of it


def alternate(contestants: Mapping[str, Timed], rounds: int) -> dict[str, list[float]]:
    """Seconds a unit, one entry a round, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for counted in [False] + [True] * rounds:
        for name, run in contestants.items():
            seconds = run()
            if counted:
                times[name].append(seconds)
    return times


def median(values: list[float]) -> float:
    """The middle of the rounds."""
    return statistics.median(values)


def ratio(numerators: list[float], denominators: list[float]) -> float:
    """The median over rounds of the ratio within each round."""
    return median([a / b for a, b in zip(numerators, denominators, strict=True)])


def best(values: list[float]) -> float:
    """The fastest round: for work so long that a shared machine's rate changes within a round.
    What others take from it only ever adds to the time."""
    return min(values)


def timed(work: Callable[[], object], units: int) -> Timed:
    """A contestant from a function that blocks until its `units` units of work are done."""

    def run() -> float:
        began = time.perf_counter()
        work()
        return (time.perf_counter() - began) / units

    return run
