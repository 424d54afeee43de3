"""InfoGAN (Chen et al. 2016): part of the latent is a code that can be estimated from the image.

The discriminator also estimates the code of a generated image, a category and continuous numbers;
both players maximise the estimate's log-likelihood, a lower bound on the mutual information of code
and image (eq. 5 and 6). Neither player takes a label: the meaning of the code emerges in training.
The estimate is by a hidden layer of 128 units on the discriminator's last features; its continuous
part has unit variance, as in the authors' program.
"""

import jax
import jax.numpy as jnp

from gen_models import losses
from gen_models.algorithm import Algorithm, Array, Images, Key, Part, Spec, State, View
from gen_models.engines.adversarial import Judged, adversarial
from gen_models.fields import Positive, Rate, Size, Weight, hyperparameters
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
    continuous: Size = 2
    """Number of continuous codes, uniform in [-1, 1]."""
    information: Weight = 1.0
    """Weight of the bound on the mutual information."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`. z f32[N, noise + categories + continuous]."""
    noise, categories = config.latent_size, config.categories

    def assemble(noise: Array, category: Array, continuous: Array) -> Array:
        one_hot = jax.nn.one_hot(category, categories)
        return jnp.concatenate([noise, one_hot, continuous], axis=-1)

    def prior(key: Key, count: int) -> Array:
        key_noise, key_category, key_continuous = jax.random.split(key, 3)
        return assemble(
            jax.random.uniform(key_noise, (count, noise), minval=-1.0),
            jax.random.randint(key_category, (count,), 0, categories),
            jax.random.uniform(key_continuous, (count, config.continuous), minval=-1.0),
        )

    def information(judged: Judged) -> Array:
        """The negative bound: cross-entropy and squared error of the estimated code."""
        _, category, continuous = jnp.split(judged.z, [noise, noise + categories], axis=-1)
        logits, means = jnp.split(judged.fake.head, [categories], axis=-1)
        nats = losses.cross_entropy(logits, jnp.argmax(category, axis=-1))
        nats += jnp.mean(jnp.sum((continuous - means) ** 2, axis=-1)) / 2
        return config.information * nats

    def views(key: Key) -> dict[str, View]:
        """Views, one per continuous code varied along the rows; a category and a noise per row."""
        still = jax.random.uniform(key, (categories, noise), minval=-1.0).repeat(COLUMNS, axis=0)
        category = jnp.arange(categories).repeat(COLUMNS)
        along = jnp.tile(jnp.linspace(-REACH, REACH, COLUMNS), categories)
        labels = jnp.zeros(len(category), jnp.int32)
        varied = [along[:, None] * row for row in jnp.eye(config.continuous)]
        return {
            f"code_{index}": View(categories, COLUMNS, assemble(still, category, code), labels)
            for index, code in enumerate(varied, 1)
        }

    def recognise(state: State, images: Images) -> Array:
        """The estimated code, f32[N, categories + continuous]: probabilities, then means."""
        params, stats = state.params["disc"], state.stats["disc"]
        labels = jnp.zeros(len(images), jnp.int32)
        verdict, _ = game.discriminator.apply(params, stats, images, labels, train=False)
        logits, means = jnp.split(verdict.head, [categories], axis=-1)
        return jnp.concatenate([jax.nn.softmax(logits), means], axis=-1)

    first = noise + categories
    numbers = [
        Part(f"code {index}", first + index - 1, 1, REACH)
        for index in range(1, config.continuous + 1)
    ]
    game = _gans.game(
        config,
        spec,
        losses.non_saturating,
        _gans.discriminator(config, outputs=categories + config.continuous, head_hidden=128),
        prior=prior,
        disc_terms={"disc_information": information},
        gen_terms={"gen_information": information},
        views=views,
        parts=(Part("category", noise, categories), *numbers),
    )
    return adversarial(_gans.penalised(game, config), spec)._replace(recognise=recognise)
