"""How long a sweep takes, by the rate of the machine."""

import jax
import pytest
from trainings import make_recipe

from gen_models.sweep import estimate
from gen_models.sweep.plan import Plan


@pytest.mark.parametrize(
    ("members", "devices", "per_device", "turns"),
    [(1, 1, 8, 1), (1, 4, 8, 1), (4, 4, 8, 1), (5, 4, 8, 2), (8, 2, 2, 4), (3, 1, 8, 3)],
)
def test_members_beside_each_other_take_one_time_and_those_of_a_device_the_sum(
    tiny, monkeypatch, members, devices, per_device, turns
):
    monkeypatch.setattr(estimate, "matmul", lambda: (lambda: 1.0, lambda _: 1e9))
    alone = Plan({}, (make_recipe(),), 1, 1)
    work = Plan({}, tuple(make_recipe(seed=i) for i in range(members)), devices, per_device)
    unit = estimate.estimate(alone, tiny.train).seconds
    assert estimate.estimate(work, tiny.train).seconds == pytest.approx(turns * unit)


def test_no_time_is_told_of_devices_whose_share_of_the_rate_is_not_known(monkeypatch):
    cost = estimate.CostEstimate(1, 10.0, 600.0, 90.0)
    memory = "memory: about 10 MiB on a device, and activations"
    assert cost.words(0.5) == f"{memory}\ntime: about 5 min of training"
    measured = cost.words(100, measurements=2)
    assert measured == f"{memory}\ntime: about 16.7 h of training, 3 min of measuring"
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert cost.words(0.5, measurements=2) == memory
