"""InfoGAN (Chen et al. 2016): part of the latent is a code that can be estimated from the image.

The discriminator also estimates the code of a generated image, a category and continuous numbers;
both players maximise the estimate's log-likelihood, a lower bound on the mutual information of code
and image (eq. 5 and 6). Neither player takes a label: the meaning of the code emerges in training.
The estimate is made by a hidden layer of 128 units on the discriminator's last features; its
continuous part has unit variance, as in the authors' program.
"""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from gen_models import losses
from gen_models.algorithm import Algorithm, Array, Images, Key, Latents, Part, Spec, State, View
from gen_models.engines.adversarial import Judged, Term, adversarial
from gen_models.fields import Between, Positive, Rate, Size, Weight, hyperparameters
from gen_models.models import _gans

COLUMNS = 10  # images along a continuous code
REACH = 2.0  # the paper's pictures vary a code from -2 to 2, beyond where it was trained


@hyperparameters
class Config(_gans.Penalised):
    """Options of `infogan`: those of Chen et al. 2016, appendix C.1, with nets of half the width
    (--width), and step sizes, gradient penalty and average that were chosen on held-out images of
    Fashion-MNIST (docs/results.md)."""

    learning_rate: Positive = 2e-4
    disc_learning_rate: Positive | None = 3e-4
    ema_decay: Rate | None = 0.997
    penalty: Weight | None = 0.03
    latent_size: Size = 62
    """Dimensions of the noise, uniform in [-1, 1], to which the code is appended."""
    categories: Size = 10
    """Number of values of the categorical code."""
    continuous: Annotated[int, Between(0, 4096)] = 2
    """Number of continuous codes, uniform in [-1, 1]."""
    information: Weight = 1.0
    """Weight of the bound on the mutual information."""


class Code(NamedTuple):
    """Sizes of the parts of z f32[N, noise + categories + continuous], in their order."""

    noise: int
    categories: int
    continuous: int

    def assembled(self, noise: Array, category: Array, continuous: Array) -> Latents:
        """z from noise f32[N,noise], categories i32[N] and continuous codes f32[N,continuous]."""
        one_hot = jax.nn.one_hot(category, self.categories)
        return jnp.concatenate([noise, one_hot, continuous], axis=-1)

    def drawn(self, key: Key, count: int) -> Latents:
        """z from the prior: each part uniform and independent of the others."""
        key_noise, key_category, key_continuous = jax.random.split(key, 3)
        return self.assembled(
            jax.random.uniform(key_noise, (count, self.noise), minval=-1.0),
            jax.random.randint(key_category, (count,), 0, self.categories),
            jax.random.uniform(key_continuous, (count, self.continuous), minval=-1.0),
        )

    def nats(self, z: Latents, estimate: Array) -> Array:
        """The negative bound on the mutual information, f32[], up to a constant (without H(c) and
        the normaliser of the Gaussian): cross-entropy of the estimated logits, and half the squared
        error of the estimated means."""
        _, category, continuous = jnp.split(z, [self.noise, self.noise + self.categories], axis=-1)
        logits, means = jnp.split(estimate, [self.categories], axis=-1)
        nats = losses.cross_entropy(logits, jnp.argmax(category, axis=-1))
        return nats + jnp.mean(jnp.sum((continuous - means) ** 2, axis=-1)) / 2

    def views(self, key: Key) -> dict[str, View]:
        """One view per continuous code, varied along each row; one category and noise per row."""
        rows = self.categories
        still = jax.random.uniform(key, (rows, self.noise), minval=-1.0).repeat(COLUMNS, axis=0)
        category = jnp.arange(rows).repeat(COLUMNS)
        along = jnp.tile(jnp.linspace(-REACH, REACH, COLUMNS), rows)
        labels = jnp.zeros(len(category), jnp.int32)
        varied = [along[:, None] * row for row in jnp.eye(self.continuous)]
        return {
            f"code_{index}": View(rows, COLUMNS, self.assembled(still, category, code), labels)
            for index, code in enumerate(varied, 1)
        }

    def parts(self) -> tuple[Part, ...]:
        """The category and the continuous codes, as parts of z."""
        first = self.noise + self.categories
        numbers = (Part(f"code {i + 1}", first + i, 1, REACH) for i in range(self.continuous))
        return Part("category", self.noise, self.categories), *numbers


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`. z f32[N, noise + categories + continuous]."""
    code = Code(config.latent_size, config.categories, config.continuous)

    def estimate(judged: Judged) -> Array:
        return code.nats(judged.z, judged.fake.head)

    def recognise(state: State, images: Images) -> Array:
        """The estimated code, f32[N, categories + continuous]: probabilities, then means."""
        params, stats = state.params["disc"], state.stats["disc"]
        labels = jnp.zeros(len(images), jnp.int32)
        verdict, _ = game.discriminator.apply(params, stats, images, labels, train=False)
        logits, means = jnp.split(verdict.head, [code.categories], axis=-1)
        return jnp.concatenate([jax.nn.softmax(logits), means], axis=-1)

    game = _gans.game(
        config,
        spec,
        losses.non_saturating,
        _gans.discriminator(config, outputs=code.categories + code.continuous, head_hidden=128),
        prior=code.drawn,
        disc_terms={"disc_code": Term(config.information, estimate)},
        gen_terms={"gen_code": Term(config.information, estimate)},
        views=code.views,
        parts=code.parts(),
    )
    return adversarial(_gans.penalised(game, config), spec)._replace(recognise=recognise)
