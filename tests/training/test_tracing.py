"""A training step is traced once for each program, as that takes a good part of a start."""

import jax
import jax.numpy as jnp
import pytest

from gen_models import programs
from gen_models.data.stream import gather
from gen_models.model import Model
from gen_models.models import vae
from gen_models.training import population

BATCH, STEPS = 4, 2
KEY = jax.random.key(0)


@pytest.fixture
def counted(tiny):
    """A model, and a list that grows whenever its step is traced."""
    traced = []

    def build(config, spec):
        algorithm = vae.build(config, spec)

        def step(*args):
            traced.append(args)
            return algorithm.step(*args)

        return algorithm._replace(step=step)

    return Model(build, tiny.train.spec, vae.Config(width=4, latent_size=3)), traced


def test_by_the_program_of_a_run(counted, tiny):
    model, traced = counted
    state = programs.shapes(model)
    chunk = gather(tiny.train, 0, 0, STEPS, BATCH)
    programs.advance.lower(model, state, chunk, jnp.int32(1), KEY)
    assert len(traced) == 1


@pytest.mark.parametrize("vectorised", [False, True], ids=["in turn", "vectorised"])
def test_by_the_program_of_a_population(counted, tiny, vectorised):
    model, traced = counted
    stack = lambda tree: jax.tree.map(lambda leaf: jnp.stack([jnp.asarray(leaf)] * 3), tree)
    members = population.Members(stack(programs.start(model, KEY)), jnp.ones(3, bool))
    data = population.DeviceData(tiny.train.images, tiny.train.labels)
    rows = jnp.zeros((3, STEPS, BATCH), jnp.int32)
    train = lambda *arguments: population.advance(vectorised, *arguments)
    jax.eval_shape(train, stack(model), members, stack(KEY), data, rows, 0, STEPS)
    assert len(traced) == 1
