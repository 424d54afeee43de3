"""The benchmark counts what is there, compares within rounds and reports what it was given."""

import json

import jax
import jax.numpy as jnp
import pytest

from experiments import benchmark
from gen_models.algorithm import Spec, State
from gen_models.benchmark import flops, loop, report, rounds, steps, suite, torch_twin
from gen_models.errors import UserError
from gen_models.model import Model
from gen_models.models import MODELS, dcgan
from gen_models.nets import conv


def test_flops_of_a_product_are_two_times_its_three_sizes():
    a, b = jnp.ones((3, 5)), jnp.ones((5, 7))
    program = jax.jit(lambda a, b: jnp.tanh(a @ b)).lower(a, b).compile()
    assert flops.dot_flops(program.as_text()) == 2 * 3 * 5 * 7


def test_a_dcgan_step_computes_what_the_maths_needs_and_nothing_twice(monkeypatch):
    """Forward passes: G once, D on real, on fake, and on fake again after its update.

    A layer's weight gradient and its input gradient cost what its forward pass costs. The first
    layer of either net needs no input gradient, but that D's images need theirs in G's half of the
    step, where D's weights need none.
    """
    monkeypatch.setattr(steps, "SPEC", Spec(16, 16, 2))  # so small a step that it compiles quickly
    batch, width, latent = 6, 4, 5
    options = {"latent_size": latent, "arch": "patch", "penalty": None}
    stepper = steps.Stepper("dcgan", batch, width=width, **options)
    dense_in = 2 * batch * latent * 4 * 4 * 2 * width
    wide = 2 * batch * 4 * 4 * 16 * width * 2 * width  # between the two sizes, either direction
    image = 2 * batch * 8 * 8 * 16 * width  # next to the image, either direction
    dense_out = 2 * batch * 4 * 4 * 2 * width
    generator = 2 * dense_in + 3 * wide + 3 * image
    discriminator = 2 * (2 * image + 3 * wide + 2 * dense_out)
    through_discriminator = 2 * image + 2 * wide + dense_out
    # The input gradient of D's last layer is a product of a column and a row: no sum, no dot.
    assert stepper.flops == generator + discriminator + through_discriminator


@pytest.mark.parametrize("model", ["dcgan", "cgan", "vae"])
def test_a_steps_operations_are_those_of_its_program_by_columns(model):
    options = {"width": 4, "latent_size": 5} | steps.plain(model)
    with conv.using(conv.COLUMNS):
        stepper = steps.Stepper(model, 6, **options)
    operations = flops.step_flops(stepper.model, 6)
    # The compiler sees that a product of a column and a row is no sum.
    assert operations == pytest.approx(stepper.flops, rel=0.01)


def test_a_step_of_dcgan_takes_the_operations_of_its_products():
    operations = flops.step_flops(
        Model(dcgan.build, steps.SPEC, dcgan.Config(arch="patch", width=64, penalty=None)), 64
    )
    assert operations == pytest.approx(9.44e9, rel=1e-3)


@pytest.mark.parametrize("model", ["vae", pytest.param("wgan", marks=pytest.mark.slow)])
def test_every_contestant_of_a_stepper_takes_its_time(monkeypatch, model):
    monkeypatch.setattr(steps, "SPEC", Spec(8, 8, 3))
    stepper = steps.Stepper(model, 4, width=4, latent_size=3)
    contestants = {
        "in a loop": stepper.in_loop(2),
        "call by call": stepper.call_by_call(2),
        "sampling": steps.sampler(stepper, 5),
        "a population": steps.population(stepper, members=2, steps=2).run,
    }
    times = rounds.alternate(contestants, rounds=1)
    assert all(seconds > 0 for (seconds,) in times.values())


@pytest.mark.parametrize("model", ["cgan", "wgan_gp", "vq_vae", "hvae"])
def test_a_larger_batch_takes_more_operations_in_proportion(model):
    module = MODELS[model]
    value = Model(module.build, Spec(8, 8, 3), module.Config(width=4))
    few, many = (flops.step_flops(value, batch_size) for batch_size in (16, 64))
    assert 2 < many / few < 4.5


@pytest.mark.parametrize("model", ["wgan", "wgan_gp"])
def test_every_update_of_a_critic_counts(model):
    module, counts = MODELS[model], []
    for updates in (1, 3, 5):
        config = module.Config(width=4, critic_updates=updates)
        counts.append(flops.step_flops(Model(module.build, Spec(8, 8, 3), config), 16))
    assert counts[2] - counts[1] == counts[1] - counts[0] > counts[0] / 4


def test_a_twin_has_as_many_latents_and_no_penalty_that_the_paper_has_not():
    for model, size in torch_twin.LATENT.items():
        assert MODELS[model].Config(**steps.plain(model)).latent_size == size
    assert steps.plain("gan") == {"penalty": None}
    assert steps.plain("wgan_gp") == {}


def test_a_model_without_a_twin_is_refused_before_anything_is_measured():
    with pytest.raises(UserError, match="no model with a twin in PyTorch is called 'gan'"):
        benchmark.main(["--models", "dcgan", "gan", "--against", "torch"])


def test_contestants_take_turns_and_the_first_round_does_not_count():
    order = []

    def contestant(name, seconds):
        def run():
            order.append(name)
            return next(seconds)

        return run

    times = rounds.alternate(
        {"a": contestant("a", iter([9, 1, 2])), "b": contestant("b", iter([9, 4, 6]))}, rounds=2
    )
    assert order == ["a", "b"] * 3
    assert times == {"a": [1, 2], "b": [4, 6]}
    assert rounds.ratio(times["b"], times["a"]) == pytest.approx(3.5)  # of 4 and 3


def test_report_shows_the_figures_it_has_and_leaves_out_the_rest(tmp_path):
    figures = {"ms_a_step": 50.0, "images_a_s": 1280.0, "torch_over_ours": 1.5}
    machine = {
        "processor": "a chip",
        "cores": 2,
        "devices": ["cpu: cpu"],
        "python": "3.11",
        "libraries": {"jax": "0"},
        "code": "abc",
    }
    setting = {
        "command": "benchmark",
        "rounds": 3,
        "fit_rounds": 2,
        "point_rounds": 1,
        "batch_size": 64,
        "width": 64,
    }
    rates = {"matmul_gflop_s": 140.0, "matmul_low": 130.0, "matmul_high": 150.0}
    result = {"machine": machine, "setting": setting, "models": {"dcgan": figures}} | rates
    result |= {"scaling": [], "unit": "dcgan", "costs": []}
    markdown, data, chart = report.write(result, tmp_path / "speed")
    assert "| ms per step | 50.0 |" in markdown.read_text()
    assert "lax.conv" not in markdown.read_text()
    assert "costs" not in markdown.read_text()
    assert json.loads(data.read_text())["models"]["dcgan"] == figures
    assert chart.read_bytes().startswith(b"\x89PNG")


class Clocked:
    """A stepper that is not compiled, and takes as long as it is told."""

    def __init__(self, model, batch_size):
        self.seconds = {"dcgan": 0.1, "wgan": 0.3}[model]
        self.chunk = steps.random_chunk(batch_size)
        self.state = State(0, {"gen": jnp.zeros((500, 4000))}, {}, {}, {}, ())

    def in_loop(self, _):
        return lambda: self.seconds


def test_a_steps_cost_is_told_in_steps_of_dcgan(monkeypatch):
    monkeypatch.setattr(suite, "MODELS", ("dcgan", "wgan"))
    monkeypatch.setattr(steps, "Stepper", Clocked)
    first, second = suite.measure_costs(batch_size=4)
    assert (first["model"], second["over_unit"]) == ("wgan", 1)
    assert "| `wgan` | 3.00 | 300.0 | 4 | 2.00 |" in report.cost_table("dcgan", [first])


def test_comparing_with_torch_needs_torch(monkeypatch):
    monkeypatch.setattr(torch_twin, "find_spec", lambda _: None)
    with pytest.raises(UserError, match="pip install torch"):
        torch_twin.twin(torch_twin.Twin("dcgan", 4, 4), 1)


def test_a_run_is_timed_from_its_first_dispatch_beyond_the_warm_up(monkeypatch):
    times = iter([10.0, 13.0, 19.0])
    monkeypatch.setattr(loop.time, "perf_counter", lambda: next(times))
    clock = loop.Clock(warm_up=20, steps=10)
    over = []
    for step in (8, 20, 24, 30, 36):
        clock.trained(step, {})
        over.append(clock.is_over())
    assert over == [False, False, False, False, True]
    assert clock.seconds_a_step() == pytest.approx((19 - 10) / (36 - 24))


def test_of_rounds_that_others_disturb_the_fastest_counts():
    assert rounds.best([3.0, 1.0, 2.0]) == 1.0
