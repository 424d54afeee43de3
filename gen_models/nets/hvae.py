"""The ladder of a hierarchical VAE: a bottom-up encoder, and a top-down decoder that prior and
posterior share.

All latents but the last are vectors; the last one is a map with a quarter of the image's height and
width. Features are passed from level to level, first as hidden units, as many as InfoGAN's, then as
a map, and each level adds its latent to them (Child 2021, figure 3). Residual blocks are
bottlenecks without normalisation, with one 3×3 convolution on maps (the paper: two). The initial
weights of their last layers are small: at first a level adds little but its latent.
"""

import math
from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from gen_models.algorithm import Array, Images, Latents
from gen_models.nets.blocks import Conv, ConvTranspose, he_normal, he_transposed, normal
from gen_models.nets.net import Inference

SMALLEST, LARGEST = -10.0, 2.0  # bounds of the logarithm of a level's deviation or variance
lecun_normal = nn.initializers.lecun_normal()


class Ladder(nn.Module):
    """Encoder and decoder in one module with two methods.

    infer     images f32[N,H,W,1], noise f32[N,Z] -> Inference
    generate  z f32[N,Z] -> parameters of the likelihood f32[N,H,W,1] (logits or means)

    z is the concatenated noise of all levels, the top one first.
    """

    height: int  # H, a multiple of 4
    image_width: int  # W, a multiple of 4
    levels: int  # number of latents, at least 2
    latent_size: int  # dimensions of the top vector; each one below has twice as many
    map_channels: int  # channels of the map
    width: int = 32  # channels of the layer next to the image
    dtype: jnp.dtype = jnp.float32  # type of the computation

    def setup(self) -> None:
        units, channels = 16 * self.width, 2 * self.width
        *vectors, places = self.shapes
        on_vectors = partial(Block, width=8 * self.width, dtype=self.dtype)
        on_maps = partial(Block, width=self.width, spatial=True, dtype=self.dtype)
        self.encoder = Encoder(self.width, self.dtype)
        self.top = self.param("top", normal, (units,))
        self.spread = nn.Dense(
            math.prod(places[:2]) * channels, kernel_init=he_normal, dtype=self.dtype
        )
        self.steps = [
            *(Level(shape, units, on_vectors, self.dtype) for shape in vectors),
            Level(places, channels, on_maps, self.dtype),
        ]
        self.picture = Picture(self.width, self.dtype)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each level's latent."""
        vectors = [(self.latent_size * 2**level,) for level in range(self.levels - 1)]
        return (*vectors, (self.height // 4, self.image_width // 4, self.map_channels))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Dimensions of each level's latent; their sum is Z."""
        return tuple(math.prod(shape) for shape in self.shapes)

    def infer(self, images: Images, noise: Latents, *, train: bool) -> Inference:
        del train  # nothing is normalised
        seen, drawn = self.encoder(images), []

        def draw(level: Level, x: Array, noise: Array) -> Array:
            parameters = level.posterior(x, seen[x.ndim]).astype(jnp.float32)
            mean, log_variance = jnp.split(parameters, 2, axis=-1)
            log_variance = bounded(log_variance)
            z = mean + jnp.exp(0.5 * log_variance) * noise
            drawn.append([part.reshape(images.shape[0], -1) for part in (z, mean, log_variance)])
            return z

        outputs = self._descend(noise, draw)
        z, mean, log_variance = (
            jnp.concatenate(part, axis=-1) for part in zip(*drawn, strict=True)
        )
        return Inference(z, mean, log_variance, outputs)

    def generate(self, z: Latents, *, train: bool) -> Array:
        del train
        return self._descend(z, lambda _level, _x, part: part)

    def _descend(self, noise: Latents, draw: Callable[["Level", Array, Array], Array]) -> Array:
        """Parameters of the likelihood. Each level's latent is drawn given the features of the
        levels above and the level's part of the noise."""
        ends = [sum(self.sizes[:level]) for level in range(1, self.levels)]
        x = jnp.broadcast_to(self.top.astype(self.dtype), (noise.shape[0], *self.top.shape))
        for level, part in zip(self.steps, jnp.split(noise, ends, axis=-1), strict=True):
            part = part.reshape(noise.shape[0], *level.shape)
            if x.ndim < part.ndim:
                x = self.spread(nn.silu(x)).reshape(*part.shape[:-1], -1)
            x = level(x, draw(level, x, part))
        return self.picture(x)


def bounded(log_scale: Array) -> Array:
    """The logarithm of a scale, clipped to [SMALLEST, LARGEST]: otherwise each level below would
    amplify a rare latent far larger than usual, and one draw in a million would decide the mean of
    all bounds."""
    return jnp.clip(log_scale, SMALLEST, LARGEST)


class Level(nn.Module):
    """One latent, given the features x f32[N,…,C] of all levels above.

    Called with the latent's noise f32[N,…,D], a level adds the latent z = μ + σ noise to the
    features, where μ and σ are the prior's. `posterior` gives the mean and log-variance of that
    noise, f32[N,…,2·D], given also the image's features f32[N,…,C].
    """

    shape: tuple[int, ...]  # shape of one latent; its last size is D
    features: int  # C, number of features
    block: Callable[..., nn.Module]  # residual block with this many features
    dtype: jnp.dtype = jnp.float32  # type of the computation

    def setup(self) -> None:
        size = self.shape[-1]
        self.prior = self.block(2 * size + self.features)
        self.approximate = self.block(2 * size, kernel_init=lecun_normal)
        self.into = nn.Dense(self.features, dtype=self.dtype)
        self.merge = self.block(self.features)

    def posterior(self, x: Array, seen: Array) -> Array:
        return self.approximate(jnp.concatenate([x, seen], axis=-1))

    def __call__(self, x: Array, noise: Array) -> Array:
        size = self.shape[-1]
        mean, log_deviation, more = jnp.split(self.prior(x), [size, 2 * size], axis=-1)
        z = mean + jnp.exp(bounded(log_deviation)) * noise
        x = x + more + self.into(z)
        return x + self.merge(x)


class Block(nn.Module):
    """Bottleneck: x f32[N,…,C] -> f32[N,…,features], the branch that a residual connection adds, or
    a latent's parameters. With the default initialiser its outputs are small at first."""

    features: int
    width: int  # channels of the bottleneck
    kernel_init: Callable = normal  # initialiser of the last layer
    spatial: bool = False  # whether x is a map f32[N,h,w,C], for a 3×3 convolution
    dtype: jnp.dtype = jnp.float32  # type of the computation

    @nn.compact
    def __call__(self, x: Array) -> Array:
        x = nn.Dense(self.width, kernel_init=he_normal, dtype=self.dtype)(nn.silu(x))
        if self.spatial:
            convolution = partial(Conv, kernel=3, stride=1, kernel_init=he_normal)
            x = convolution(self.width, dtype=self.dtype)(nn.silu(x))
        return nn.Dense(self.features, kernel_init=self.kernel_init, dtype=self.dtype)(nn.silu(x))


class Encoder(nn.Module):
    """Images f32[N,H,W,1] -> features by their number of axes: of the whole image f32[N,16·width],
    and of its places f32[N,H/4,W/4,2·width]."""

    width: int  # channels of the layer next to the image
    dtype: jnp.dtype  # type of the computation

    @nn.compact
    def __call__(self, images: Images) -> dict[int, Array]:
        x = nn.silu(Conv(self.width, kernel_init=he_normal, dtype=self.dtype)(images))
        x = Conv(2 * self.width, kernel_init=he_normal, dtype=self.dtype)(x)
        dense = nn.Dense(16 * self.width, kernel_init=he_normal, dtype=self.dtype)
        whole = dense(nn.silu(x).reshape(images.shape[0], -1))
        return {whole.ndim: whole, x.ndim: x}


class Picture(nn.Module):
    """Features f32[N,h,w,2·width] -> parameters of the likelihood f32[N,4h,4w,1]."""

    width: int  # channels of the layer next to the image
    dtype: jnp.dtype  # type of the computation

    @nn.compact
    def __call__(self, x: Array) -> Array:
        double = partial(ConvTranspose, kernel_init=he_transposed, dtype=self.dtype)
        x = nn.silu(double(self.width)(nn.silu(x)))
        return double(1)(x).astype(jnp.float32)
