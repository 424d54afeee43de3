"""Directions in the latent space along which a model's images change the most, with names."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from gen_models.algorithm import Algorithm, Array, Labels, Latents, State

POINTS = 64  # latents at which the change is measured
COUNT = 6
REACH = 3.0  # length of a direction, in standard deviations of the prior
LEAST = 1e-6  # least squared difference of images that counts as a direction
NOTABLE = 0.3  # least change of a property that names a direction, in standard deviations


class Direction(NamedTuple):
    """A direction in the latent space."""

    name: str  # what it changes, such as "narrow – wide"; "direction 3" if nothing stands out
    vector: np.ndarray  # f32[Z], added to the latent by a slider at its upper end


def strongest(
    algorithm: Algorithm, state: State, z: Latents, labels: Labels, kept: np.ndarray
) -> list[Direction]:
    """The strongest directions, orthogonal to each other, at latents f32[N,Z] with labels i32[N].

    They are the first eigenvectors of E JᵀJ, where the columns of J are the differences of an image
    over a step of one standard deviation along each latent dimension: no other directions change
    the pixels more. `kept` bool[Z] marks the dimensions that a direction may change.
    """
    steps = np.diag(np.std(z, axis=0) * kept).astype(np.float32)

    @jax.jit
    def change(z: Latents, labels: Labels) -> Array:
        def along(step: Array) -> Array:
            ends = (algorithm.generate(state, z + side * step, labels) for side in (0.5, -0.5))
            return jnp.subtract(*ends).ravel()

        differences = jax.lax.map(along, jnp.asarray(steps))
        return differences @ differences.T / len(z)

    strengths, vectors = np.linalg.eigh(np.asarray(change(z, labels)))
    order = [index for index in np.argsort(-strengths)[:COUNT] if strengths[index] > LEAST]
    vectors = [REACH * steps @ vectors[:, index] for index in order]
    return _name_directions(vectors, _effects(algorithm, state, z, labels, vectors))


def _effects(
    algorithm: Algorithm, state: State, z: Latents, labels: Labels, vectors: list[np.ndarray]
) -> list[dict[tuple[str, str], float]]:
    """How much each direction changes each of PROPERTIES, in standard deviations within a class."""
    generate = jax.jit(algorithm.generate)

    def images(z: Latents) -> np.ndarray:
        return np.maximum((np.asarray(generate(state, z, labels))[..., 0] + 1) / 2, 1e-6)

    usual, classes = images(z), [np.flatnonzero(labels == label) for label in np.unique(labels)]

    def spread(measured: np.ndarray) -> float:
        """Standard deviation within the classes."""
        return max(1e-6, float(np.sqrt(np.mean([np.var(measured[rows]) for rows in classes]))))

    spreads = {names: spread(measure(usual)) for names, measure in PROPERTIES.items()}
    effects = []
    for vector in vectors:
        low, high = images(z - vector / 2), images(z + vector / 2)
        change = {names: measure(high) - measure(low) for names, measure in PROPERTIES.items()}
        effects.append({names: float(np.mean(x)) / spreads[names] for names, x in change.items()})
    return effects


def _name_directions(
    vectors: list[np.ndarray], effects: list[dict[tuple[str, str], float]]
) -> list[Direction]:
    """The directions, each signed and named by the property that it changes most of those left by
    earlier ones, or by its number if that change is below NOTABLE."""
    left, directions = dict(PROPERTIES), []
    for number, (vector, changes) in enumerate(zip(vectors, effects, strict=True), 1):
        names = max(left, key=lambda names: abs(changes[names]), default=None)
        if names is None or abs(changes[names]) < NOTABLE:
            directions.append(Direction(f"direction {number}", vector))
            continue
        del left[names]
        less, more = names
        directions.append(Direction(f"{less} – {more}", vector if changes[names] > 0 else -vector))
    return directions


# Properties of images f32[N,H,W] in (0,1], by their names for a low and for a high value.


def _moments(images: np.ndarray) -> tuple[np.ndarray, ...]:
    """Mean row and column of the ink, its variances along both and its covariance, f32[N] each."""
    rows, columns = np.mgrid[0 : images.shape[1], 0 : images.shape[2]].astype(np.float32)
    ink = images / images.sum((1, 2), keepdims=True)

    def mean(x: np.ndarray) -> np.ndarray:
        return (ink * x).sum((1, 2))

    y, x = mean(rows), mean(columns)
    dy, dx = rows - y[:, None, None], columns - x[:, None, None]
    return y, x, mean(dy**2), mean(dx**2), mean(dy * dx)


PROPERTIES: dict[tuple[str, str], Callable[[np.ndarray], np.ndarray]] = {
    ("dark", "bright"): lambda images: (images**2).mean((1, 2)) / images.mean((1, 2)),
    ("up", "down"): lambda images: _moments(images)[0],
    ("left", "right"): lambda images: _moments(images)[1],
    ("short", "tall"): lambda images: _moments(images)[2],
    ("narrow", "wide"): lambda images: _moments(images)[3],
    ("leans right", "leans left"): lambda images: _moments(images)[4],
}
