"""The contract between models and everything that trains, samples or measures them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

Array = jax.Array
Key = jax.Array  # a typed PRNG key, key<fry>[]
Images = jax.Array  # f32[N,H,W,1] in [-1,1]
Labels = jax.Array  # i32[N] in [0, num_classes)
Latents = jax.Array  # f32[N,Z]
PyTree = Any
Metrics = dict[str, Array]  # f32[] each


class Spec(NamedTuple):
    """What a model must know about the data before it is built. Hashable, so static under jit."""

    height: int
    width: int
    num_classes: int


class Batch(NamedTuple):
    """Labelled images."""

    images: Images
    labels: Labels


class State(NamedTuple):
    """Everything that training changes. Nothing else is carried from step to step."""

    step: Array  # i32[], updates of the player that samples
    params: dict  # by player: {"gen": …, "disc": …} or {"vae": …}
    stats: dict  # batch statistics by player; {} in a player that has none
    opt: dict  # optimiser state, same keys as params
    ema: PyTree  # averaged parameters and statistics of whichever player samples
    extra: PyTree  # a model's own scalars; () when it has none


class Trainable(NamedTuple):
    """What the compiled training loop needs, of a generative model or of a classifier.

    init  key -> State at step 0
    step  State, Batch, key -> State one step on, Metrics. The key is the run's, the same at every
          step: a step's randomness is `fold_in(key, state.step)`.
    """

    init: Callable[[Key], State]
    step: Callable[[State, Batch, Key], tuple[State, Metrics]]


class View(NamedTuple):
    """Latents whose samples show something when they are drawn as a grid, row by row."""

    rows: int
    columns: int
    z: Latents  # f32[rows·columns,Z]
    labels: Labels  # i32[rows·columns]


class LatentSpace(NamedTuple):
    """The latent space of a model that can find images in it.

    encode  State, Images, Labels -> places f32[N,…]
    decode  State, places, Labels -> Images
    codes   State, Images -> i32[N,h,w], the discrete codes that stand for them; None where places
            are not discrete
    """

    encode: Callable[[State, Images, Labels], Array]
    decode: Callable[[State, Array, Labels], Images]
    codes: Callable[[State, Images], Array] | None = None


class Importance(NamedTuple):
    """One z drawn from q(z|x) for each image: its log-probabilities, f32[B] each, in nats."""

    likelihood: Array  # log p(x|z)
    prior: Array  # log p(z)
    posterior: Array  # log q(z|x)


class Density(NamedTuple):
    """The likelihood of a model that has one.

    importance   State, Images, Labels, key -> Importance
    observation  what the likelihood takes the images for, in words
    """

    importance: Callable[[State, Images, Labels, Key], Importance]
    observation: str


class Algorithm(NamedTuple):
    """One generative model as pure functions. Nothing here holds state.

    init, step   as in Trainable
    prior        key, N -> Latents
    generate     State, Latents, Labels -> Images, by the averaged parameters. Unconditional models
                 ignore the values of the labels.
    latent       LatentSpace; None in models without an encoder
    density      Density; None in models without a likelihood
    views        key -> Views by the name of their picture
    conditional  whether samples depend on the labels
    batches      batches a step takes: more than one where the critic is updated more often than the
                 generator. Batch b has the rows b, b + batches, … of a step's images.
    """

    init: Callable[[Key], State]
    step: Callable[[State, Batch, Key], tuple[State, Metrics]]
    prior: Callable[[Key, int], Latents]
    generate: Callable[[State, Latents, Labels], Images]
    latent: LatentSpace | None = None
    density: Density | None = None
    views: Callable[[Key], dict[str, View]] = lambda _: {}
    conditional: bool = False
    batches: int = 1

    def sample(self, state: State, key: Key, labels: Labels) -> Images:
        """Images of latents drawn from the prior, one for each label."""
        return self.generate(state, self.prior(key, len(labels)), labels)
