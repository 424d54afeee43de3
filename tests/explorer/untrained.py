"""Models for tests of the explorer."""

import jax
import numpy as np
from trainings import make_recipe

from gen_models import programs
from gen_models.runs import DataRecord
from gen_models.trained import Trained

SIZES = {"hvae": 0.1}  # of what is added to weights: its prior's deviations are exponentials


def random_model(name, tiny, **options) -> Trained:
    """A model whose weights are random, and so large that its images have contrast."""
    recipe, rng = make_recipe(model=name, **options), np.random.default_rng(0)
    data = DataRecord.of(tiny.train)
    state = programs.start(recipe.model(data.spec), jax.random.key(3))
    size = SIZES.get(name, 0.3)
    moved = lambda x: x + size * rng.normal(size=x.shape).astype(np.float32)
    ema = state.ema | {"params": jax.tree.map(moved, state.ema["params"])}
    return Trained(name, recipe, data, state._replace(ema=ema))
