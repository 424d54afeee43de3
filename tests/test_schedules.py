"""Options that change with the step: how they are written, their values, and training with them."""

import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gen_models import programs
from gen_models.benchmark.steps import SPEC, random_chunk
from gen_models.fields import ConfigError
from gen_models.model import Model
from gen_models.models import MODELS
from gen_models.runs import Recipe
from gen_models.runs import recipe as recipes
from gen_models.schedules import Schedule
from gen_models.training import population

TEXTS = ["0:0.001", "0:0.001,2000:0.0003", "linear:0:0.001,5000:0.0", "cosine:0:0.5,10:0.9,20:0.1"]
STEPS, CHANGE = 6, 4


def values(text, steps):
    return [float(Schedule.parse(text).at(jnp.int32(step))) for step in steps]


@pytest.mark.parametrize("text", TEXTS)
def test_a_schedule_is_read_from_its_own_text(text):
    assert str(Schedule.parse(text)) == text


def test_a_piecewise_value_holds_from_its_step_on():
    assert values("0:1,10:2,20:4", [0, 9, 10, 19, 20, 999]) == [1, 1, 2, 2, 4, 4]


def test_a_linear_value_is_on_the_line_between_its_points():
    assert values("linear:0:1,10:3,20:3", [0, 5, 10, 15, 99]) == [1, 2, 3, 3, 3]


def test_a_cosine_value_is_level_at_its_points_and_half_way_between_them():
    expected = [2, 1 + math.cos(math.pi / 4), 1, 0, 0]
    assert values("cosine:0:2,20:0", [0, 5, 10, 20, 99]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1e-3",
        "5:1",
        "0:1,0:2",
        "0:1,5:2,3:1",
        "steps:0:1",
        "0:1;5:2",
        "0:a",
        "0:1,1.5:2",
        "0:1,9999999999:2",
        "-5:1,0:2",
    ],
)
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(ValueError):
        Schedule.parse(text)


def test_a_preset_may_hold_steps_and_values(tmp_path):
    preset = tmp_path / "mine.py"
    preset.write_text(
        'model = "dcgan"\nlearning_rate = {0: 1e-3, 2000: 3e-4}\n'
        'beta2 = {"shape": "cosine", 0: 0.9, 5000: 0.99}\n'
    )
    config = Recipe.from_flat(recipes.read(preset)).config
    assert config.learning_rate == Schedule((0, 2000), (1e-3, 3e-4))
    assert config.beta2 == Schedule((0, 5000), (0.9, 0.99), "cosine")


def test_a_recipe_with_schedules_survives_json():
    recipe = Recipe.from_flat({"model": "wgan", "clip": "linear:0:0.1,50:0.01"})
    assert Recipe.from_flat(json.loads(json.dumps(recipe.to_flat()))) == recipe
    assert recipe.name != Recipe.from_flat({"model": "wgan"}).name


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0:1e-3,5:-1", "learning_rate is 0:0.001,5:-1.0, expected a number between 1e-12"),
        ("5:1e-3", "learning_rate is '5:1e-3', no schedule: expected increasing steps from 0"),
        ("liner:0:1e-3,9:0", "expected STEP:VALUE,STEP:VALUE,…, after linear: or cosine: or alone"),
        ({0: 1e-3, 1.5: 1e-4}, "no schedule: expected a whole number as the step and a number as"),
        ("0:1e-3,9:x", "expected a whole number as the step and a number as its value, got 9:x"),
        ({0: 10**400}, "no schedule: int too large"),
        ({0: 1, "shape": "cosin"}, "no schedule: expected the shape piecewise, linear, cosine"),
        ({3: 1}, "no schedule: expected increasing steps from 0"),
        ("0:nan", "expected a finite number or a schedule"),
    ],
)
def test_a_schedule_out_of_bounds_or_misspelt_is_an_error_of_its_option(value, message):
    with pytest.raises(ConfigError) as raised:
        Recipe.from_flat({"model": "vae", "learning_rate": value})
    assert message in str(raised.value)


def trained(counts, *rates):
    """A vae after steps with these step sizes, one after the other."""
    module, key = MODELS["vae"], jax.random.key(0)
    chunk, state = random_chunk(4, STEPS), None
    for rate, count in zip(rates, counts, strict=True):
        model = Model(module.build, SPEC, module.Config(width=4, learning_rate=rate))
        state = programs.start(model, key) if state is None else state
        state, metrics = programs.advance(model, state, chunk, count, key)
    return state, metrics["loss"]


def leaves(state):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(state)]


def test_training_takes_the_value_of_each_step():
    changed, _ = trained([CHANGE, STEPS - CHANGE], 1e-3, 1e-2)
    scheduled, _ = trained([STEPS], Schedule((0, CHANGE), (1e-3, 1e-2)))
    for a, b in zip(leaves(scheduled), leaves(changed), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    constant, _ = trained([STEPS], 1e-3)
    assert (
        max(np.abs(a - b).max() for a, b in zip(leaves(constant), leaves(changed), strict=True))
        > 1e-3
    )


def test_one_compilation_serves_all_schedules_of_as_many_points():
    trained([1], Schedule((0, 3), (1e-3, 1e-4)))
    before = programs.advance._cache_size()
    trained([1], Schedule((0, 2), (2e-3, 1e-5)))
    assert programs.advance._cache_size() == before


def test_members_of_a_population_may_have_schedules_of_their_own():
    module, schedules = MODELS["vae"], ["0:0.001,3:0.01", "0:0.002,2:0.0"]
    configs = [module.Config(width=4, learning_rate=Schedule.parse(text)) for text in schedules]
    stacked = jax.tree.map(lambda *x: jnp.stack([jnp.asarray(v) for v in x]), *configs)
    keys = jnp.stack([jax.random.key(0)] * 2)
    states = [programs.start(Model(module.build, SPEC, one), keys[0]) for one in configs]
    chunk = random_chunk(4, STEPS)
    data = population.DeviceData(chunk.images.reshape(-1, *SPEC[:2]), chunk.labels.reshape(-1))
    rows = jnp.stack([jnp.arange(chunk.labels.size).reshape(chunk.labels.shape)] * 2)
    members = population.Members(jax.tree.map(lambda *x: jnp.stack(x), *states), jnp.ones(2, bool))
    found, _ = jax.jit(population.advance, static_argnums=0)(
        False, Model(module.build, SPEC, stacked), members, keys, data, rows, 0, STEPS
    )
    for index, text in enumerate(schedules):
        alone, _ = trained([STEPS], Schedule.parse(text))
        for together, single in zip(leaves(found.state), leaves(alone), strict=True):
            np.testing.assert_allclose(together[index], single, rtol=1e-3, atol=1e-4)


def test_what_is_drawn_has_the_last_values():
    config = MODELS["vae"].Config(width=4, learning_rate=Schedule.parse("0:0.1,5:0.2"))
    model = Model(lambda config, _: config.learning_rate, SPEC, config)
    assert float(model.algorithm) == pytest.approx(0.2)
    assert float(model.at(jnp.int32(1)).config.learning_rate) == pytest.approx(0.1)
