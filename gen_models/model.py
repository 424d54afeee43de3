"""A model with its options, for images of one size: one value that can be passed to `jax.jit`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax

from gen_models.algorithm import Algorithm, Spec, Trainable

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
    def algorithm(self) -> Any:  # noqa: ANN401 (what `build` returns)
        """The model's pure functions, built at each use: under jit, while tracing."""
        return self.build(self.config, self.spec)
