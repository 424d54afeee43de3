"""Estimate of a sweep's cost: memory per device, and time at the rate of this machine's devices."""

from typing import NamedTuple

import jax

from gen_models.benchmark.flops import step_flops
from gen_models.benchmark.rates import matmul
from gen_models.data.catalog import Dataset
from gen_models.runs import Recipe
from gen_models.sweep.plan import Plan, state_bytes
from gen_models.training.population import spread_over

EFFICIENCY = 0.7  # share of the matrix rate that a step reaches on a CPU: results/benchmark.md
# Duration of a member's measurement (docs/measuring.md), and the matrix rate of the machine that
# took it (docs/speed.md), FLOP/s.
MEASUREMENT_S, MEASUREMENT_RATE = 35, 206e9


class CostEstimate(NamedTuple):
    """The estimated cost of a sweep."""

    per_device: int  # largest number of members on a device at a time
    mebibytes: float  # memory of states and data on a device, without activations
    seconds: float  # duration of the training on CPUs
    measurement_seconds: float  # duration of the measurement of a member on a CPU

    def words(self, part: float = 1.0, measurements: float = 0) -> str:
        """Text on the memory and, only on a CPU, the time of a `part` of the training and of
        measurements one after the other: other devices wait for memory and for the host more than
        they multiply."""
        memory = f"memory: about {self.mebibytes:.0f} MiB on a device, and activations"
        if jax.default_backend() != "cpu":
            return memory
        time = f"time: about {_duration(part * self.seconds)} of training"
        if measurements:
            time += f", {_duration(measurements * self.measurement_seconds)} of measuring"
        return f"{memory}\n{time}"


def _duration(seconds: float) -> str:
    """A duration as text, in minutes or, from two hours on, in hours."""
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def estimate(plan: Plan, train: Dataset) -> CostEstimate:
    """The cost of a plan on a training split, at EFFICIENCY of the matrix rate measured here. Of
    several processes the first counts, which has the most to train."""
    per_device = max(spread.per_device for spread in plan.compilations)
    state = max(state_bytes(group[0], train.spec) for group in plan.groups)
    product, rate_of = matmul()
    rate = max(rate_of(product()) for _ in range(3))

    def operations(member: Recipe) -> int:
        batch = member.options.batch_size
        return step_flops(member.model(train.spec), batch) * member.options.steps

    total = sum(
        operations(part[0]) * spread_over(len(part), plan.devices_per_process).per_device
        for part in plan.share(0)
    )
    return CostEstimate(
        per_device,
        (per_device * 2 * state + train.images.nbytes) / 2**20,
        total / (EFFICIENCY * rate),
        MEASUREMENT_S * MEASUREMENT_RATE / rate,
    )
