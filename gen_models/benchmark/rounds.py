"""Rounds, in each of which every contestant runs once; comparisons are within a round."""

import statistics
import time
from collections.abc import Callable, Mapping

Timed = Callable[[], float]  # does its work once and returns seconds per unit of work


def alternate(contestants: Mapping[str, Timed], rounds: int) -> dict[str, list[float]]:
    """Seconds per unit of work by contestant, one entry per round, after one uncounted round."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for counted in [False] + [True] * rounds:
        for name, run in contestants.items():
            seconds = run()
            if counted:
                times[name].append(seconds)
    return times


def median(values: list[float]) -> float:
    """The median over rounds."""
    return statistics.median(values)


def ratio(numerators: list[float], denominators: list[float]) -> float:
    """The median over rounds of the ratio within each round."""
    return median([a / b for a, b in zip(numerators, denominators, strict=True)])


def best(values: list[float]) -> float:
    """The fastest round, for work so long that a shared machine's rate changes within a round:
    other load can only add to the time."""
    return min(values)


def timed(work: Callable[[], object], units: int) -> Timed:
    """A contestant from a function that blocks until its `units` units of work are done."""

    def run() -> float:
        began = time.perf_counter()
        work()
        return (time.perf_counter() - began) / units

    return run
