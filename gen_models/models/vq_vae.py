"""VQ-VAE (van den Oord et al. 2017): a discrete latent, a small map with one code of a codebook at
each place.

    L = -log p(x|e) + ‖sg[z(x)] - e‖² + β ‖z(x) - sg[e]‖²                                   (eq. 3)

where e is the code nearest to the encoder's output z(x) (eq. 1 and 2) and sg stops the gradient.
Every term is summed over the places of the map; the paper averages the last two over them (§3.2).
The prior is an autoregressive recurrent net, learned together with the codes; the paper learns a
PixelCNN afterwards. The weights of encoder, codebook and prior are averaged independently: the
averaged prior is not exactly the prior of the averaged encoder's codes.
"""

from typing import Literal

import jax.numpy as jnp
import optax
from jax.lax import stop_gradient

from gen_models.algorithm import Algorithm, Array, Metrics, Spec
from gen_models.engines.quantised import Quantiser, quantised
from gen_models.engines.updates import Averaging
from gen_models.fields import Positive, Size, Weight, hyperparameters
from gen_models.losses import LIKELIHOODS
from gen_models.models import _vaes
from gen_models.nets import vq_vae
from gen_models.nets.net import net


@hyperparameters
class Config(_vaes.Common):
    """Options of `vq_vae`: those of van den Oord et al. 2017, §4.1, except for smaller nets, a
    smaller codebook, and a step size for shorter training."""

    latent_size: Size = 64
    """Dimensions of each code's vector."""
    codes: Size = 128
    """Number of codes in the codebook."""
    width: Size = 64
    """Channels of the layers next to the image; the layers beyond have twice as many, the prior's
    recurrent net four times as many units."""
    commitment: Weight = 0.25
    """Weight β of the commitment loss, which pulls the encoder's output towards the codes."""
    learning_rate: Positive = 1e-3
    """Step size of Adam. The paper's 2e-4 is for 250,000 steps."""
    compute_dtype: Literal["float32", "bfloat16"] = "float32"
    """Type of activations and matrix products of encoder and decoder. The prior and all parameters
    stay float32."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`, with a map of codes of a quarter of their height and
    width."""

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
        averaging=Averaging(config.ema_decay, config.ema_decays),
    )
    return quantised(model, spec)


def squared(difference: Array) -> Array:
    """Mean over images of the squared norm ‖·‖², f32[N,h,w,D] -> f32[]."""
    return jnp.mean(jnp.sum(difference**2, axis=(1, 2, 3)))
