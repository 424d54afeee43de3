"""VQ-VAE (van den Oord et al. 2017): a discrete latent, each place of a small map one code of
a book.

    L = -log p(x|e) + ‖sg[z(x)] - e‖² + β ‖z(x) - sg[e]‖²                                   (eq. 3)

where e is the code nearest to the encoder's output z(x) (eq. 1 and 2) and sg stops a gradient.
Every term is summed over the places of the map, where the paper averages the last two over them
(§3.2). The prior is a recurrent net's, place by place, learned together with the codes, where the
paper has a PixelCNN and learns it afterwards.
"""

import jax.numpy as jnp
import optax
from jax.lax import stop_gradient

from gen_models.algorithm import Algorithm, Array, Metrics, Spec
from gen_models.engines.quantised import Quantiser, quantised
from gen_models.fields import Positive, Size, Weight, hyperparameters
from gen_models.losses import LIKELIHOODS
from gen_models.models import _vaes
from gen_models.nets import vq_vae
from gen_models.nets.net import net


@hyperparameters
class Config(_vaes.Common):
    """Options of `vq_vae`: those of van den Oord et al. 2017, §4.1, but for smaller nets and book,
    and the step size that a short training wants."""

    latent_size: Size = 64
    """Dimensions of a code."""
    codes: Size = 128
    """How many codes the book has."""
    width: Size = 64
    """Channels next to the image; the layer beyond has twice as many, the prior's recurrent net
    four times as many units."""
    commitment: Weight = 0.25
    """β, how much the encoder is drawn to the codes."""
    learning_rate: Positive = 1e-3
    """Adam's step size. The paper's 2e-4 is for 250,000 steps."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`; its map of codes is a quarter of their sides."""

    def attraction(z: Array, e: Array) -> Metrics:
        return {
            "book": squared(stop_gradient(z) - e),
            "commitment": config.commitment * squared(z - stop_gradient(e)),
        }

    dtype = jnp.dtype(config.compute_dtype)
    prior = vq_vae.Prior(config.codes, 4 * config.width)
    model = Quantiser(
        encoder=net(vq_vae.Encoder(config.latent_size, config.width, dtype)),
        decoder=net(vq_vae.Decoder(config.width, dtype)),
        prior=net(prior),
        sampler=net(prior, method="sample"),
        places=(spec.height // 4, spec.width // 4),
        book=(config.codes, config.latent_size),
        attraction=attraction,
        likelihood=LIKELIHOODS[config.likelihood],
        optimiser=optax.adam(config.learning_rate),
        ema_decay=config.ema_decay,
    )
    return quantised(model, spec)


def squared(difference: Array) -> Array:
    """‖·‖² of each image's f32[N,h,w,D], averaged over the images."""
    return jnp.mean(jnp.sum(difference**2, axis=(1, 2, 3)))
