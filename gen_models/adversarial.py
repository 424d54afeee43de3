"""The engine of every GAN: two nets and a loss make an Algorithm."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from gen_models.algorithm import Algorithm, Array, Batch, Key, Metrics, PyTree, Spec, State
from gen_models.losses import Loss
from gen_models.nets.net import Net
from gen_models.optim import average, descend


class Game(NamedTuple):
    """What one adversarial paper supplies.

    generator      Net: z f32[B,Z], labels i32[B] -> images f32[B,H,W,1] in [-1,1]
    discriminator  Net: images, labels -> logits f32[B]
    prior          key, B -> z f32[B,Z]
    loss           logits on real and on fake -> (discriminator loss, generator loss)
    gen_optimiser, disc_optimiser, ema_decay
    conditional    whether the nets look at the labels
    """

    generator: Net
    discriminator: Net
    prior: Callable[[Key, int], Array]
    loss: Loss
    gen_optimiser: optax.GradientTransformation
    disc_optimiser: optax.GradientTransformation
    ema_decay: float | Array | None
    conditional: bool = False


def adversarial(game: Game, spec: Spec) -> Algorithm:
    """Alternating updates, the discriminator's first (Goodfellow et al. 2014, algorithm 1, k = 1).

    Both players see the same fake images: the generator runs forward once a step, its pullback
    waits for the discriminator's update. Fake images carry the labels of the real batch.
    """

    def init(key: Key) -> State:
        key_gen, key_disc, key_prior = jax.random.split(key, 3)
        z, labels = game.prior(key_prior, 2), jnp.zeros(2, jnp.int32)
        images = jnp.zeros((2, spec.height, spec.width, 1))
        gen, gen_stats = game.generator.init(key_gen, z, labels)
        disc, disc_stats = game.discriminator.init(key_disc, images, labels)
        return State(
            step=jnp.zeros((), jnp.int32),
            params={"gen": gen, "disc": disc},
            stats={"gen": gen_stats, "disc": disc_stats},
            opt={"gen": game.gen_optimiser.init(gen), "disc": game.disc_optimiser.init(disc)},
            ema={"params": gen, "stats": gen_stats},
            extra=(),
        )

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        key_prior = jax.random.fold_in(key, state.step)
        z = game.prior(key_prior, len(batch.labels))

        def generate(params: PyTree) -> tuple[Array, PyTree]:
            stats = state.stats["gen"]
            return game.generator.apply(params, stats, z, batch.labels, train=True)

        def judge(params: PyTree, stats: PyTree, images: Array) -> tuple[Array, PyTree]:
            return game.discriminator.apply(params, stats, images, batch.labels, train=True)

        def disc_loss(params: PyTree) -> tuple[Array, tuple[Array, Array, PyTree]]:
            real, stats = judge(params, state.stats["disc"], batch.images)
            fake_logits, stats = judge(params, stats, fake)
            return game.loss(real, fake_logits)[0], (real, fake_logits, stats)

        def gen_loss(images: Array) -> Array:
            # A loss that does not look at the real logits costs nothing here: they are dead code.
            real, _ = judge(disc, disc_stats, batch.images)
            return game.loss(real, judge(disc, disc_stats, images)[0])[1]

        fake, pullback, gen_stats = jax.vjp(generate, state.params["gen"], has_aux=True)
        (loss_d, (real, fake_logits, disc_stats)), grads_d = jax.value_and_grad(
            disc_loss, has_aux=True
        )(state.params["disc"])
        disc, opt_d = descend(game.disc_optimiser, grads_d, state.opt["disc"], state.params["disc"])
        # The gradient goes to the images alone, then on through the waiting pullback: the
        # discriminator's weights get none in this half of the step.
        loss_g, grad_images = jax.value_and_grad(gen_loss)(fake)
        (grads_g,) = pullback(grad_images)
        gen, opt_g = descend(game.gen_optimiser, grads_g, state.opt["gen"], state.params["gen"])

        sampled_from = {"params": gen, "stats": gen_stats}
        new = State(
            step=state.step + 1,
            params={"gen": gen, "disc": disc},
            stats={"gen": gen_stats, "disc": disc_stats},
            opt={"gen": opt_g, "disc": opt_d},
            ema=average(state.ema, sampled_from, game.ema_decay, state.step),
            extra=(),
        )
        metrics = {
            "disc_loss": loss_d,
            "gen_loss": loss_g,
            "real_score": jnp.mean(jax.nn.sigmoid(real)),
            "fake_score": jnp.mean(jax.nn.sigmoid(fake_logits)),
        }
        return new, metrics

    def generate(state: State, z: Array, labels: Array) -> Array:
        ema = state.ema
        return game.generator.apply(ema["params"], ema["stats"], z, labels, train=False)[0]

    return Algorithm(init, step, game.prior, generate, conditional=game.conditional)
