"""What a device does during a step, from JAX's profiler: kernels, and the time between them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import jax
from jax.profiler import ProfileData

DEVICE, STREAM = "/device:", "Stream"  # name prefixes of a device's plane and of its lines


class Profile(NamedTuple):
    """The work of a device over some time."""

    kernels: int  # number of programs and copies that it ran
    busy: float  # share of the time from first begin to last end in which at least one ran


def profile(work: Callable[[], object]) -> Profile | None:
    """Profile of the device while `work` runs, or None if it shows no kernels, as on a CPU."""
    with TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            work()
        traces = sorted(Path(folder).rglob("*.xplane.pb"))
        return summary(intervals(ProfileData.from_file(str(traces[-1])))) if traces else None


def intervals(data: ProfileData) -> list[tuple[float, float]]:
    """Begin and end, in nanoseconds, of everything that ran on the streams of the devices."""
    return [
        (event.start_ns, event.start_ns + event.duration_ns)
        for plane in data.planes
        if plane.name.startswith(DEVICE)
        for line in plane.lines
        if line.name.startswith(STREAM)
        for event in line.events
    ]


def summary(spans: Iterable[tuple[float, float]]) -> Profile | None:
    """The profile of intervals (begin, end) that may overlap; None for no interval."""
    spans = sorted(spans)
    if not spans:
        return None
    busy, reached = 0.0, spans[0][0]
    for begin, end in spans:
        busy += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return Profile(len(spans), busy / max(reached - spans[0][0], 1e-9))
