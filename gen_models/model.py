"""A model with its options, for images of one size: one value that can be passed to `jax.jit`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from gen_models import schedules
from gen_models.algorithm import Algorithm, Spec, Trainable

LAST = 2**31 - 1  # step after which no option changes

Build = Callable[[Any, Spec], Algorithm | Trainable]


@partial(jax.tree_util.register_dataclass, data_fields=["config"], meta_fields=["build", "spec"])
@dataclass(frozen=True)
class Model:
    """A model, ready to be trained or drawn from.

    build   config, spec -> the model's pure functions; static under jit
    spec    size of the images, number of classes; static under jit
    config  options of the model, whose real-valued fields are traced: one compilation serves every
            learning rate
    """

    build: Build
    spec: Spec
    config: Any

    @property
    def algorithm(self) -> Any:  # what `build` returns
        """The model's pure functions, rebuilt at each access, which under jit is while tracing.
        Schedules have their last values; training uses `at` for those of a step."""
        return self.build(schedules.at(self.config, jnp.int32(LAST)), self.spec)

    def at(self, step: jax.Array) -> "Model":
        """The model with the values that its options have at a step i32[]."""
        return replace(self, config=schedules.at(self.config, step))
