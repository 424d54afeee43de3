"""A generator trained and saved by the playground's page, for sampling only."""

from typing import Literal, NoReturn

import jax
import jax.numpy as jnp

from gen_models.algorithm import Algorithm, Array, Batch, Key, Labels, Latents, Spec, State
from gen_models.errors import UserError
from gen_models.fields import ConfigError, Size, hyperparameters
from gen_models.nets import layered


@hyperparameters
class Config:
    """Options of a generator that the playground trained."""

    latent_size: Size = 32
    """Dimensions of z, normal."""
    layers: tuple[str, ...] = ()
    """Layers of the net, from z to the image in [-1, 1]."""
    labels: bool = False
    """Whether the net is given the label, one-hot, beside z."""
    compute_dtype: Literal["float32"] = "float32"
    """Type of activations and matrix products, an option because other models have it."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`. Raises ConfigError if the layers draw another shape."""
    inputs = config.latent_size + (spec.num_classes if config.labels else 0)
    image, shapes = layered.follow(config.layers, (inputs,))
    if image != (spec.height, spec.width, 1):
        drawn = "×".join(map(str, image))
        raise ConfigError(f"the layers draw {drawn}, expected {spec.height}×{spec.width}×1")

    def init(key: Key) -> State:  # noqa: ARG001 (nothing is drawn: a file holds the weights)
        params = {
            place: {name: jnp.zeros(shape) for name, shape in own.items()}
            for place, own in shapes.items()
        }
        return State.of_average({"params": params})

    def step(state: State, batch: Batch, key: Key) -> NoReturn:  # noqa: ARG001
        raise UserError("a generator of the playground is trained in its page alone")

    def prior(state: State, key: Key, labels: Labels) -> Latents:  # noqa: ARG001
        return jax.random.normal(key, (labels.shape[0], config.latent_size))

    def generate(state: State, z: Latents, labels: Labels) -> Array:
        if config.labels:
            z = jnp.concatenate([z, jax.nn.one_hot(labels, spec.num_classes)], axis=1)
        return jnp.clip(layered.apply(config.layers, state.ema["params"], z), -1, 1)

    return Algorithm(init, step, prior, generate, conditional=config.labels)
