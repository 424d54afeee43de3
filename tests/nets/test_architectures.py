"""The nets are those that their documentation names, layer by layer and weight by weight, and a
discriminator judges an image as a whole."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gen_models.algorithm import Spec
from gen_models.models import MODELS
from gen_models.nets import energy, gan, hvae, vae, vq_vae

SPEC = Spec(28, 28, 10)
KEY_INIT, KEY_DATA = jax.random.split(jax.random.key(0))
LAYERS = (nn.Dense, nn.BatchNorm, gan.ClassAffine, gan.Projection, vae.Conv, vae.ConvTranspose)
PLAYERS = (
    gan.Generator,
    gan.Discriminator,
    energy.EnergyDiscriminator,
    vae.Encoder,
    vae.Decoder,
    vq_vae.Encoder,
    vq_vae.Decoder,
)
GANS = [name for name, module in MODELS.items() if hasattr(module, "adversarial")]

# Layers in order, each with the shape of one image's outputs; b marks a normalisation by batch.
GENERATOR = ("1024 b1024 6272 b6272", "14x14x64 b14x14x64 28x28x1")
DISCRIMINATOR = ("14x14x64 7x7x128 b7x7x128", "1024 b1024 1")
PUBLISHED = {
    # Chen et al. 2016, appendix C.1, table 1, and the authors' program; Q after the score.
    ("infogan", "infogan"): {
        "Generator": " ".join(GENERATOR),
        "Discriminator": " ".join(DISCRIMINATOR) + " 128 b128 12",
    },
    # The nets of the same table, in which most GANs were compared (Lucic et al. 2018, appendix).
    ("gan", "infogan"): {
        "Generator": " ".join(GENERATOR),
        "Discriminator": " ".join(DISCRIMINATOR),
    },
    # The pair of cgan: a scale and a shift by class after each normalisation, no batch
    # normalisation of the features that are projected.
    ("cgan", "infogan"): {
        "Generator": "1024 b1024 1024 6272 b6272 7x7x128 14x14x64 b14x14x64 14x14x64 28x28x1",
        "Discriminator": "14x14x64 7x7x128 b7x7x128 1024 1 10",
    },
    # Huang et al. 2024: no normalisation.
    ("r3gan", "infogan"): {
        "Generator": "1024 6272 14x14x64 28x28x1",
        "Discriminator": "14x14x64 7x7x128 1024 1",
    },
    # Radford et al. 2016, §3 and figure 1, with two layers instead of four for 28 pixels.
    ("gan", "patch"): {
        "Generator": "6272 b6272 14x14x64 b14x14x64 28x28x1",
        "Discriminator": "14x14x64 7x7x128 b7x7x128 1",
    },
    # Lucic et al. 2018, appendix: InfoGAN's nets as a VAE, here for 64 latents.
    ("vae", "infogan"): {
        "Encoder": "14x14x64 7x7x128 b7x7x128 1024 b1024 128",
        "Decoder": " ".join(GENERATOR),
    },
    ("vae", "patch"): {
        "Encoder": "14x14x64 7x7x128 128",
        "Decoder": "6272 14x14x64 28x28x1",
    },
}
LATENTS = {"infogan": 62, "gan": 62, "cgan": 62, "r3gan": 64, "vae": 64}


def traced(model, **options):
    """The state's shapes, and the layers of each net in the order in which they were applied."""
    layers: dict[str, list[str]] = {}

    def record(call, args, kwargs, context):
        kind = type(context.module)
        if kind in PLAYERS:
            layers[kind.__name__] = []
        output = call(*args, **kwargs)
        if kind in LAYERS:
            mark = "b" if kind is nn.BatchNorm else ""
            net = next(reversed(layers))
            layers[net].append(mark + "x".join(map(str, output.shape[1:])))
        return output

    module = MODELS[model]
    with nn.intercept_methods(record):
        algorithm = module.build(module.Config(**options), SPEC)
        state = jax.eval_shape(algorithm.init, KEY_INIT)
    return state, {name: " ".join(found) for name, found in layers.items()}


def size(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize(("model", "arch"), PUBLISHED)
def test_layers_have_the_published_order_and_sizes(model, arch):
    _, layers = traced(model, arch=arch, width=64, latent_size=LATENTS[model])
    assert layers == PUBLISHED[model, arch]


# Weights of the published nets: kernels; a scale and a shift of each normalised feature; biases of
# layers without a normalisation after them.
FLAT = 7 * 7 * 128
HIDDEN = {
    "gen": 1024 + FLAT,  # dense layers to 1024 and to the map: units that are normalised
    "disc": 1024,
}
CONVS = 16 * 64 + 64 + 16 * 64 * 128 + 2 * 128  # of the discriminator
DECONVS = 16 * 128 * 64 + 2 * 64 + 16 * 64 + 1  # of the generator
COUNTS = {
    ("gan", "infogan"): {
        "gen": 62 * 1024 + 1024 * FLAT + 2 * HIDDEN["gen"] + DECONVS,
        "disc": CONVS + FLAT * 1024 + 2 * HIDDEN["disc"] + 1024 + 1,
    },
    ("infogan", "infogan"): {
        "gen": 74 * 1024 + 1024 * FLAT + 2 * HIDDEN["gen"] + DECONVS,
        "disc": CONVS
        + FLAT * 1024
        + 2 * HIDDEN["disc"]
        + (1024 + 1)
        + (1024 * 128 + 2 * 128 + 128 * 12 + 12),
    },
    ("gan", "patch"): {"gen": 62 * FLAT + 2 * FLAT + DECONVS, "disc": CONVS + FLAT + 1},
    ("vae", "infogan"): {
        "vae": (CONVS + FLAT * 1024 + 2 * HIDDEN["disc"] + 1024 * 124 + 124)
        + (62 * 1024 + 1024 * FLAT + 2 * HIDDEN["gen"] + DECONVS)
    },
}


@pytest.mark.parametrize(("model", "arch"), COUNTS)
def test_nets_have_the_published_number_of_weights(model, arch):
    state, _ = traced(model, arch=arch, width=64, latent_size=62)
    assert {name: size(params) for name, params in state.params.items()} == COUNTS[model, arch]


@pytest.mark.parametrize("model", ["vae", "cvae", "iwae"])
def test_both_nets_of_a_vae_have_a_hidden_layer_by_default(model):
    _, layers = traced(model)
    assert all("512 b512" in layers[net] for net in ("Encoder", "Decoder"))


def mixed_difference(scores):
    """How far a change of two far blocks of an image is from the sum of both changes, relative to
    the larger one. A score that adds up what it sees in patches has none."""
    base = 0.2 * jax.random.normal(KEY_DATA, (1, 28, 28, 1))
    one = jnp.zeros_like(base).at[:, :6, :6].set(1.5)
    other = jnp.zeros_like(base).at[:, -6:, -6:].set(-1.5)
    images = jnp.concatenate([base, base + one, base + other, base + one + other])
    none, first, second, both = np.asarray(scores(images), np.float64)
    return abs(both - first - second + none) / max(abs(first - none), abs(second - none))


def scores_by(discriminator):
    """A function from images to what a discriminator with large weights scores them."""
    labels = jnp.zeros(4, jnp.int32)
    params, stats = discriminator.init(KEY_INIT, jnp.zeros((4, 28, 28, 1)), labels)
    # Weights of N(0, 0.02) hardly leave the linear part of a net that is not normalised.
    params = jax.tree.map(lambda x: 5 * x if x.ndim > 1 else x, params)
    return lambda x: discriminator.apply(params, stats, x, labels, train=False)[0].score


@pytest.mark.parametrize("model", GANS)
def test_every_discriminator_judges_far_parts_of_an_image_together(model, game_of):
    discriminator = game_of(model, MODELS[model].Config(width=8), SPEC).discriminator
    assert mixed_difference(scores_by(discriminator)) > 1e-3


def test_a_patch_discriminator_adds_up_what_it_sees(game_of):
    config = MODELS["gan"].Config(arch="patch", width=8)
    discriminator = game_of("gan", config, SPEC).discriminator
    assert mixed_difference(scores_by(discriminator)) < 1e-5


def test_an_unnormalised_generator_starts_unsaturated():
    """With weights that allow for a ReLU that does not follow, a fifth of the pixels would be."""
    generator = gan.Generator(28, 28, 16, 128, normalised=False)
    z, labels = jax.random.normal(KEY_DATA, (64, 64)), jnp.zeros(64, jnp.int32)
    variables = generator.init(KEY_INIT, z, labels, train=True)
    images = generator.apply(variables, z, labels, train=True)
    assert float(jnp.mean(jnp.abs(images) > 0.95)) < 0.12


def test_an_unbounded_generator_ends_linear():
    generator = gan.Generator(28, 28, 16, 128, normalised=False, bounded=False)
    z, labels = 9 * jax.random.normal(KEY_DATA, (64, 64)), jnp.zeros(64, jnp.int32)
    variables = generator.init(KEY_INIT, z, labels, train=True)
    assert float(jnp.abs(generator.apply(variables, z, labels, train=True)).max()) > 1


def test_no_scale_of_a_hierarchical_vae_lets_one_rare_draw_decide_a_mean():
    found = hvae.bounded(jnp.asarray([-jnp.inf, -3.0, 0.5, 40.0, jnp.inf]))
    np.testing.assert_array_equal(found, [-10.0, -3.0, 0.5, 2.0, 2.0])
