"""The contract between models and everything that trains, samples or measures them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

Array = jax.Array
Key = jax.Array  # a typed PRNG key, key<fry>[]
Images = jax.Array  # f32[N,H,W,1] in [-1,1]
Labels = jax.Array  # i32[N] in [0, num_classes)
Latents = jax.Array  # f32[N,Z]
PyTree = Any
Metrics = dict[str, Array]  # f32[] each


class Spec(NamedTuple):
    """Properties of the data that a model is built for. Hashable, so static under jit."""

    height: int  # image height, pixels
    width: int  # image width, pixels
    num_classes: int  # labels are in [0, num_classes)


class Batch(NamedTuple):
    """Labelled images."""

    images: Images  # f32[B,H,W,1] in [-1,1]
    labels: Labels  # i32[B]


class State(NamedTuple):
    """Everything that training changes. Nothing else is carried from step to step."""

    step: Array  # i32[], updates so far of the player that samples
    params: dict  # parameters by player: {"gen": …, "disc": …} or {"vae": …}
    stats: dict  # batch statistics by player; {} for a player that has none
    opt: dict  # optimiser state by player
    ema: PyTree  # averaged parameters and statistics of the player that samples
    extra: PyTree  # further scalars of the model; () if it has none
    averages: tuple[PyTree, ...] = ()  # further averages of what `ema` averages

    @classmethod
    def of_average(cls, ema: PyTree, step: int | Array = 0) -> "State":
        """A state that holds only the averaged weights, which are all that sampling reads."""
        return cls(step=jnp.int32(step), params={}, stats={}, opt={}, ema=ema, extra=())


class Trainable(NamedTuple):
    """The functions that the compiled training loop calls, for a generative model or a classifier.

    init  key -> State at step 0
    step  State, Batch, key -> State after one more step, Metrics. The key is the run's, the same at
          every step: a step's randomness is `fold_in(key, state.step)`.
    """

    init: Callable[[Key], State]
    step: Callable[[State, Batch, Key], tuple[State, Metrics]]


class View(NamedTuple):
    """Latents and labels of a picture, a grid that shows their samples row by row."""

    rows: int  # rows of the grid
    columns: int  # columns of the grid
    z: Latents  # f32[rows·columns,Z]
    labels: Labels  # i32[rows·columns]


class Part(NamedTuple):
    """A part of the latent vector with a meaning of its own, such as a code of InfoGAN."""

    name: str  # displayed name
    start: int  # index of its first number in the latent vector
    size: int  # count of its numbers: 1, or the number of categories of a one-hot vector
    reach: float = 1.0  # a single number is shown in the range -reach to reach


class LatentSpace(NamedTuple):
    """The latent space of a model with an encoder.

    encode  State, Images, Labels -> places in the latent space f32[N,…]
    decode  State, places, Labels -> Images
    codes   State, Images -> i32[N,h,w], discrete codes of the images; None for a continuous latent
            space
    """

    encode: Callable[[State, Images, Labels], Array]
    decode: Callable[[State, Array, Labels], Images]
    codes: Callable[[State, Images], Array] | None = None


class Importance(NamedTuple):
    """Log-probabilities of one z drawn from q(z|x) for each image, in nats."""

    likelihood: Array  # log p(x|z), f32[B]
    prior: Array  # log p(z), f32[B]
    posterior: Array  # log q(z|x), f32[B]


class Density(NamedTuple):
    """The likelihood of images under a model that has one.

    importance   State, Images, Labels, key -> Importance
    observation  how the likelihood interprets pixels, as text
    ceiling      Images -> f32[B], the largest log p(x|z) that any decoder could give
    observed     key, Images -> the Images whose likelihood is computed: the same, or binarised ones
    """

    importance: Callable[[State, Images, Labels, Key], Importance]
    observation: str
    ceiling: Callable[[Images], Array]
    observed: Callable[[Key, Images], Images]


class Algorithm(NamedTuple):
    """One generative model as pure functions, without state.

    init, step   as in Trainable
    prior        State, key, Labels -> Latents, one for each label
    finalise     State, Labels, key -> the State to sample from, with batch statistics recomputed
                 for the averaged parameters from images generated with these labels; the same State
                 for nets without batch normalisation
    generate     State, Latents, Labels -> Images, by the averaged parameters. Unconditional models
                 ignore the values of the labels.
    latent       LatentSpace; None for models without an encoder
    density      Density; None for models without a likelihood
    views        key -> Views by the name of their picture
    parts        parts of the latent vector with a meaning of their own
    recognise    State, Images -> f32[N,C], codes of images as estimated by a net trained for it:
                 category probabilities, then the continuous codes. It reads weights that only the
                 state of a run has. None for models without such a net
    conditional  whether samples depend on the labels
    batches      batches per step: more than one if the critic is updated more often than the
                 generator. Batch b has the rows b, b + batches, … of a step's images.
    """

    init: Callable[[Key], State]
    step: Callable[[State, Batch, Key], tuple[State, Metrics]]
    prior: Callable[[State, Key, Labels], Latents]
    generate: Callable[[State, Latents, Labels], Images]
    finalise: Callable[[State, Labels, Key], State] = lambda state, *_: state
    latent: LatentSpace | None = None
    density: Density | None = None
    views: Callable[[Key], dict[str, View]] = lambda _: {}
    parts: tuple[Part, ...] = ()
    recognise: Callable[[State, Images], Array] | None = None
    conditional: bool = False
    batches: int = 1

    def sample(self, state: State, key: Key, labels: Labels) -> Images:
        """Images of latents drawn from the prior, one for each label."""
        return self.generate(state, self.prior(state, key, labels), labels)
