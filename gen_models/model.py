"""A paper's model with its options, for images of one size: one value, which crosses `jax.jit`."""

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

    build   config, spec -> its pure functions; static under jit
    spec    of the images; static under jit
    config  the paper's options, whose real-valued fields are traced: one compilation serves every
            learning rate
    """

    build: Build
    spec: Spec
    config: Any

    @property
    def algorithm(self) -> Any:  # noqa: ANN401 (what `build` returns)
        """The pure functions, made anew at each use: under jit, while tracing."""
        return self.build(self.config, self.spec)
