"""The adversarial engine's step, worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from trainings import any_differs, assert_same_bits

from gen_models.algorithm import Batch, Spec
from gen_models.engines.adversarial import Game, adversarial
from gen_models.engines.updates import Averaging
from gen_models.losses import non_saturating
from gen_models.nets.net import Net, Verdict

KEY_INIT, KEY_TRAIN, KEY_SAMPLE = jax.random.split(jax.random.key(0), 3)

# A game that can be played by hand: G(z) = z A, D(x) = <x, w> + b.
SPEC = Spec(height=2, width=2, num_classes=1)
Z = np.array([[1.0, -0.5, 0.25], [0.0, 2.0, -1.0]], np.float32)
REAL = np.array([[1.0, 0.0, -1.0, 0.5], [0.5, 0.5, 0.0, -0.5]], np.float32)
A = (np.arange(12, dtype=np.float32).reshape(3, 4) - 5) / 10
W, B = np.array([0.3, -0.2, 0.1, 0.5], np.float32), np.float32(0.1)


def linear_game(gen_rate, disc_rate, ema_decay=None):
    generator = Net(
        init=lambda _key, _z, _labels: ({"A": jnp.array(A)}, {}),
        apply=lambda params, stats, z, _labels, train: (  # noqa: ARG005
            (z @ params["A"]).reshape(-1, 2, 2, 1),
            stats,
        ),
    )
    critic = Net(
        init=lambda _key, _images, _labels: ({"w": jnp.array(W), "b": jnp.array(B)}, {}),
        apply=lambda params, stats, images, _labels, train: (  # noqa: ARG005
            Verdict(images.reshape(-1, 4) @ params["w"] + params["b"]),
            stats,
        ),
    )
    return Game(
        generator=generator,
        discriminator=critic,
        prior=lambda _key, count: jnp.array(Z[:count]),
        loss=non_saturating,
        gen_optimiser=optax.sgd(gen_rate),
        disc_optimiser=optax.sgd(disc_rate),
        averaging=Averaging(ema_decay),
    )


def play(game):
    """One step from the initial state."""
    algorithm = adversarial(game, SPEC)
    state = algorithm.init(KEY_INIT)
    batch = Batch(jnp.array(REAL).reshape(-1, 2, 2, 1), jnp.zeros(2, jnp.int32))
    return algorithm.step(state, batch, KEY_TRAIN)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_an_adversarial_step_is_the_one_worked_out_by_hand():
    state, metrics = play(linear_game(gen_rate=0.5, disc_rate=2.0))
    fake = Z @ A
    real_logits, fake_logits = REAL @ W + B, fake @ W + B
    # d/dl of softplus(-l) is -σ(-l), of softplus(l) is σ(l); means over a batch of two.
    on_real, on_fake = -sigmoid(-real_logits) / 2, sigmoid(fake_logits) / 2
    w = W - 2.0 * (on_real @ REAL + on_fake @ fake)
    b = B - 2.0 * (on_real.sum() + on_fake.sum())
    # The generator then meets the updated critic.
    met_logits = fake @ w + b
    to_fake = -sigmoid(-met_logits)[:, None] / 2 * w
    a = A - 0.5 * (Z.T @ to_fake)
    np.testing.assert_allclose(state.params["disc"]["w"], w, rtol=1e-5)
    np.testing.assert_allclose(state.params["disc"]["b"], b, rtol=1e-5)
    np.testing.assert_allclose(state.params["gen"]["A"], a, rtol=1e-5)
    expected = {
        "disc_loss": np.log1p(np.exp(-real_logits)).mean() + np.log1p(np.exp(fake_logits)).mean(),
        "gen_loss": np.log1p(np.exp(-met_logits)).mean(),
        "real_score": real_logits.mean(),
        "fake_score": fake_logits.mean(),
    }
    assert {name: float(value) for name, value in metrics.items()} == pytest.approx(expected)


def test_the_discriminators_update_leaves_the_generator_bit_identical():
    state, _ = play(linear_game(gen_rate=0.0, disc_rate=1.0))
    assert_same_bits(state.params["gen"], {"A": A})
    assert any_differs(state.params["disc"], {"w": W, "b": B})


def test_the_generators_update_leaves_the_discriminator_bit_identical():
    state, _ = play(linear_game(gen_rate=1.0, disc_rate=0.0))
    assert_same_bits(state.params["disc"], {"w": W, "b": B})
    assert any_differs(state.params["gen"], {"A": A})


def test_the_sampling_player_is_averaged_and_drawn_from():
    game = linear_game(gen_rate=1.0, disc_rate=1.0, ema_decay=0.999)
    state, _ = play(game)
    averaged = A / 10 + 0.9 * np.asarray(state.params["gen"]["A"])  # decay (1 + 0) / (10 + 0)
    np.testing.assert_allclose(state.ema["params"]["A"], averaged, rtol=1e-5)
    images = adversarial(game, SPEC).sample(state, KEY_SAMPLE, jnp.zeros(2, jnp.int32))
    np.testing.assert_allclose(images.reshape(2, 4), Z @ averaged, rtol=1e-4)
