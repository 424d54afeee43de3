"""Estimate of a sweep's cost: memory per device, and time at the rate of this machine's devices."""

from typing import NamedTuple

from gen_models.benchmark.flops import step_flops
from gen_models.benchmark.rates import matmul
from gen_models.data.catalog import Dataset
from gen_models.runs import Recipe
from gen_models.sweep import plan
from gen_models.sweep.plan import Plan

EFFICIENCY = 0.7  # assumed fraction of the matrix rate, as on a CPU: results/benchmark.md


class Estimate(NamedTuple):
    """The estimated cost of a sweep."""

    per_device: int  # largest number of members on a device at a time
    mebibytes: float  # memory of states and data on a device, without activations
    seconds: float  # duration of the training
    rate: float  # FLOP/s at which a device of this machine multiplies matrices


def estimate(work: Plan, train: Dataset) -> Estimate:
    """The cost of a plan on a training split, at EFFICIENCY of the matrix rate, measured here."""
    per_device = max(spread.per_device for spread in work.compilations)
    state = max(plan.state_bytes(group[0], train.spec) for group in work.groups)
    product, rate_of = matmul()
    rate = max(rate_of(product()) for _ in range(3))

    def operations(member: Recipe) -> int:
        batch = member.options.batch_size
        return step_flops(member.model(train.spec), batch) * member.options.steps

    total = sum(operations(group[0]) * len(group) for group in work.groups)
    return Estimate(
        per_device,
        (per_device * 2 * state + train.images.nbytes) / 2**20,
        total / (EFFICIENCY * rate * work.devices),
        rate,
    )
