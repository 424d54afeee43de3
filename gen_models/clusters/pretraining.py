"""The encoder of a trained auto-encoder, kept in the user's cache as its training takes longest."""

import hashlib

import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from gen_models.algorithm import PyTree
from gen_models.clusters import dec
from gen_models.render import StageReporter
from gen_models.storage import cache
from gen_models.storage.tensors import filled, named

VERSION = 3  # to be raised when the training of the auto-encoder changes


def encoder(config: dec.Config, images: np.ndarray, seed: int, report: StageReporter) -> PyTree:
    """Parameters of the encoder of `dec.pretrain`, from the cache if they are there."""
    about = (
        f"{VERSION} {config} {seed} {images.shape} jax {jax.__version__} {jax.default_backend()}"
    )
    digest = hashlib.sha256(about.encode())
    digest.update(np.ascontiguousarray(images))
    entry = "clusters", f"encoder-{digest.hexdigest()[:32]}.safetensors"
    template = jax.eval_shape(
        lambda: config.encoder.init(jax.random.key(0), jnp.zeros((1, images.shape[1])))[0]
    )
    try:
        kept = safetensors.numpy.load(cache.recalled(*entry))
        return jax.tree.map(jnp.asarray, filled(template, kept))
    except (SafetensorError, KeyError, ValueError):
        pass  # missing or damaged: it can be trained again
    params = dec.pretrain(config, images, seed, report).encoder
    arrays = {name: np.asarray(x, order="C") for name, x in named(params).items()}
    cache.keep(*entry, safetensors.numpy.save(arrays))
    return params
