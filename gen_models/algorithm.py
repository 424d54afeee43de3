"""The contract between models and everything that trains, samples or measures them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

Array = jax.Array
Key = jax.Array  # a typed PRNG key, key<fry>[]
PyTree = Any


class Spec(NamedTuple):
    """What a model must know about the data before it is built. Hashable, so static under jit."""

    height: int
    width: int
    num_classes: int


class Batch(NamedTuple):
    """images f32[B,H,W,1] in [-1,1], labels i32[B] in [0, num_classes)."""

    images: Array
    labels: Array


class State(NamedTuple):
    """Everything that training changes. Nothing else is carried from step to step."""

    step: Array  # i32[], updates of the player that samples
    params: dict  # by player: {"gen": …, "disc": …} or {"vae": …}
    stats: dict  # batch statistics by player; {} in a player that has none
    opt: dict  # optimiser state, same keys as params
    ema: PyTree  # averaged parameters and statistics of whichever player samples
    extra: PyTree  # a model's own scalars; () when it has none


Metrics = dict[str, Array]  # f32[] each


class View(NamedTuple):
    """Latents whose samples show something, one above and beside another.

    rows, columns of the picture; z f32[rows·columns,Z], labels i32[rows·columns], row by row.
    """

    rows: int
    columns: int
    z: Array
    labels: Array


class Importance(NamedTuple):
    """One z drawn from q(z|x) for each image: its log-probabilities, f32[B] each, in nats."""

    likelihood: Array  # log p(x|z)
    prior: Array  # log p(z)
    posterior: Array  # log q(z|x)


class Algorithm(NamedTuple):
    """One generative model as pure functions. Nothing here holds state.

    init        key -> State at step 0
    step        State, Batch, key -> State one step on, Metrics. The key is the run's, the same at
                every step: a step's randomness is `fold_in(key, state.step)`.
    prior       key, N -> latents f32[N,Z].
    generate    State, latents, labels i32[N] -> images f32[N,H,W,1] in [-1,1]. The averaged
                parameters are used. Unconditional models ignore the values of the labels.
    encode      State, images f32[N,H,W,1], labels -> where they are in the latent space, f32[N,…];
                None in models without an encoder.
    decode      State, such places, labels -> images f32[N,H,W,1] in [-1,1]; None with `encode`.
    importance  State, images f32[N,H,W,1] in [-1,1], labels, key -> Importance; None in models
                without a likelihood.
    observation what that likelihood takes the images for, in words.
    codes       State, images -> i32[N,h,w], the discrete codes that stand for them; or None.
    views       key -> latents worth a picture, by the picture's name.
    conditional whether samples depend on the labels.
    batches     how many batches a step takes: more than one where the critic is updated more often
                than the generator. Batch b has the rows b, b + batches, … of a step's images.
    """

    init: Callable[[Key], State]
    step: Callable[[State, Batch, Key], tuple[State, Metrics]]
    prior: Callable[[Key, int], Array]
    generate: Callable[[State, Array, Array], Array]
    encode: Callable[[State, Array, Array], Array] | None = None
    decode: Callable[[State, Array, Array], Array] | None = None
    importance: Callable[[State, Array, Array, Key], Importance] | None = None
    observation: str | None = None
    codes: Callable[[State, Array], Array] | None = None
    views: Callable[[Key], dict[str, View]] = lambda _: {}
    conditional: bool = False
    batches: int = 1

    def sample(self, state: State, key: Key, labels: Array) -> Array:
        """Images f32[N,H,W,1] in [-1,1] of latents drawn from the prior, for labels i32[N]."""
        return self.generate(state, self.prior(key, len(labels)), labels)

    def reconstruct(self, state: State, images: Array, labels: Array) -> Array:
        """Images f32[N,H,W,1] encoded and decoded again; for models with an encoder."""
        return self.decode(state, self.encode(state, images, labels), labels)
