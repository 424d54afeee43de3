"""The engine of every GAN, which makes an Algorithm from two nets and a loss."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from gen_models.algorithm import (
    Algorithm,
    Array,
    Batch,
    Images,
    Key,
    Labels,
    Latents,
    Metrics,
    Part,
    PyTree,
    Spec,
    State,
    View,
)
from gen_models.engines.statistics import standing_statistics
from gen_models.engines.updates import Averaging, apply_gradients, averaged
from gen_models.losses import Loss, Penalty
from gen_models.nets.net import Net, Verdict


class Judged(NamedTuple):
    """Arguments of the additional terms of a player's loss, in one update."""

    real: Verdict  # verdict on the real images
    fake: Verdict  # verdict on the generated images
    z: Latents  # latents of the generated images
    labels: Labels  # labels of both


class Term(NamedTuple):
    """A term added to a player's loss."""

    weight: float | Array  # factor of the value in the loss
    value: Callable[[Judged], Array]  # f32[]; unweighted, also the metric of the term's name


Terms = Mapping[str, Term]  # terms by name


class Game(NamedTuple):
    """The parts of a GAN that one paper defines.

    generator       Net: Latents, Labels -> Images
    discriminator   Net: Images, Labels -> Verdict
    prior           key, B -> Latents
    loss            scores of real and of generated images -> (discriminator loss, generator loss)
    gen_optimiser   optimiser of the generator
    disc_optimiser  optimiser of the discriminator
    averaging       averages of the generator's weights
    disc_terms      terms added to the discriminator's loss at each update
    gen_terms       terms added to the generator's loss
    penalty         gradient penalty added to the discriminator's loss
    penalty_every   steps from one penalty to the next, and the factor of each penalty in the loss:
                    lazy regularisation (Karras et al. 2020, §3.1), but in the same update as the
                    loss; theirs has its own update, with an adjusted Adam. The metric is the
                    penalty without this factor, and 0 in the steps between
    critic_updates  updates of the discriminator per step, each on its own batch
    conditional     whether the generator uses the labels
    views, parts    as in Algorithm
    """

    generator: Net
    discriminator: Net
    prior: Callable[[Key, int], Latents]
    loss: Loss
    gen_optimiser: optax.GradientTransformation
    disc_optimiser: optax.GradientTransformation
    averaging: Averaging
    disc_terms: Terms = MappingProxyType({})
    gen_terms: Terms = MappingProxyType({})
    penalty: Penalty | None = None
    penalty_every: int = 1
    critic_updates: int = 1
    conditional: bool = False
    views: Callable[[Key], dict[str, View]] = lambda _: {}
    parts: tuple[Part, ...] = ()


def adversarial(game: Game, spec: Spec) -> Algorithm:
    """The Algorithm of alternating updates, the discriminator's first (Goodfellow et al. 2014,
    algorithm 1).

    The last discriminator update and the generator update share their fake images: the generator
    runs forward once, and its pullback is applied after the discriminator's update. Fake images
    have the labels of the real batch. The score metrics are batch means before the update.
    """
    return Algorithm(
        init=partial(_init, game, spec),
        step=partial(_step, game),
        prior=lambda _, key, labels: game.prior(key, labels.shape[0]),
        finalise=partial(_finalise, game),
        generate=partial(_generate, game),
        views=game.views,
        parts=game.parts,
        conditional=game.conditional,
        batches=game.critic_updates,
    )


def _init(game: Game, spec: Spec, key: Key) -> State:
    key_gen, key_disc, key_prior = jax.random.split(key, 3)
    z, labels = game.prior(key_prior, 2), jnp.zeros(2, jnp.int32)
    images = jnp.zeros((2, spec.height, spec.width, 1))
    gen, gen_stats = game.generator.init(key_gen, z, labels)
    disc, disc_stats = game.discriminator.init(key_disc, images, labels)
    ema = {"params": gen, "stats": gen_stats}
    return State(
        step=jnp.zeros((), jnp.int32),
        params={"gen": gen, "disc": disc},
        stats={"gen": gen_stats, "disc": disc_stats},
        opt={"gen": game.gen_optimiser.init(gen), "disc": game.disc_optimiser.init(disc)},
        ema=ema,
        extra=(),
        averages=(ema,) * len(game.averaging.others),
    )


def _finalise(game: Game, state: State, labels: Labels, key: Key) -> State:
    ema = state.ema

    def forward(stats: PyTree, key: Key) -> PyTree:
        z = game.prior(key, len(labels))
        return game.generator.apply(ema["params"], stats, z, labels, train=True)[1]

    return state._replace(ema=ema | {"stats": standing_statistics(forward, ema["stats"], key)})


def _generate(game: Game, state: State, z: Latents, labels: Labels) -> Images:
    ema = state.ema
    images, _ = game.generator.apply(ema["params"], ema["stats"], z, labels, train=False)
    return jnp.clip(images, -1, 1)  # for a generator without a tanh


def _step(game: Game, state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
    """The training step: critic rounds, if any, then an update of both players."""
    count = game.critic_updates
    keys = jax.random.split(jax.random.fold_in(key, state.step), count)
    parts = jax.tree.map(lambda x: x.reshape(-1, count, *x.shape[1:]).swapaxes(0, 1), batch)
    if count > 1:
        rounds = jax.tree.map(lambda x: x[:-1], (parts, keys))
        state, _ = lax.scan(partial(_critic_round, game), state, rounds)
    return _update_both(game, state, jax.tree.map(lambda x: x[-1], parts), keys[-1])


def _critic_round(game: Game, state: State, part: tuple[Batch, Key]) -> tuple[State, None]:
    """An update of the discriminator alone, on newly drawn fake images."""
    batch, key = part
    key_prior, key_penalty = jax.random.split(key)
    z = game.prior(key_prior, len(batch.labels))
    gen, stats = state.params["gen"], state.stats["gen"]
    fake, _ = game.generator.apply(gen, stats, z, batch.labels, train=True)
    return _update_discriminator(game, state, batch, fake, z, key_penalty)[0], None


def _update_both(game: Game, state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
    """An update of the discriminator, then one of the generator."""
    key_prior, key_penalty = jax.random.split(key)
    z = game.prior(key_prior, len(batch.labels))

    def generate(params: PyTree) -> tuple[Images, PyTree]:
        return game.generator.apply(params, state.stats["gen"], z, batch.labels, train=True)

    fake, pullback, gen_stats = jax.vjp(generate, state.params["gen"], has_aux=True)
    state, metrics = _update_discriminator(game, state, batch, fake, z, key_penalty)

    def gen_loss(images: Images) -> tuple[Array, Metrics]:
        # If the loss ignores the real images, their scores are dead code and cost nothing.
        real, _ = _judge(game, state.params["disc"], state.stats["disc"], batch.images, batch)
        on_fake, _ = _judge(game, state.params["disc"], state.stats["disc"], images, batch)
        loss = game.loss(real.score, on_fake.score)[1]
        loss, terms = _with_terms(loss, game.gen_terms, Judged(real, on_fake, z, batch.labels))
        return loss, terms | {"gen_loss": loss}

    # The gradient is taken at the images and passed to the generator's pullback, so that none is
    # computed for the discriminator's weights in this half of the step.
    grad_images, gen_metrics = jax.grad(gen_loss, has_aux=True)(fake)
    (grads,) = pullback(grad_images)
    gen, opt = apply_gradients(game.gen_optimiser, grads, state.opt["gen"], state.params["gen"])
    newest = {"params": gen, "stats": gen_stats}
    new = averaged(state, newest, game.averaging)._replace(
        step=state.step + 1,
        params=state.params | {"gen": gen},
        stats=state.stats | {"gen": gen_stats},
        opt=state.opt | {"gen": opt},
    )
    return new, metrics | gen_metrics


def _update_discriminator(
    game: Game, state: State, batch: Batch, fake: Images, z: Latents, key: Key
) -> tuple[State, Metrics]:
    """An update of the discriminator on a batch and on fake images of the same labels."""

    def disc_loss(params: PyTree) -> tuple[Array, tuple[PyTree, Metrics]]:
        real, stats = _judge(game, params, state.stats["disc"], batch.images, batch)
        on_fake, stats = _judge(game, params, stats, fake, batch)
        loss = game.loss(real.score, on_fake.score)[0]
        loss, terms = _with_terms(loss, game.disc_terms, Judged(real, on_fake, z, batch.labels))
        if game.penalty is not None:

            def scores(images: Images) -> Array:
                return _judge(game, params, state.stats["disc"], images, batch)[0].score

            penalty = partial(game.penalty, scores, batch.images, fake, key)
            terms["gradient_penalty"] = _at_times(penalty, state.step, game.penalty_every)
            loss += game.penalty_every * terms["gradient_penalty"]
        means = {"real_score": jnp.mean(real.score), "fake_score": jnp.mean(on_fake.score)}
        return loss, (stats, means | terms | {"disc_loss": loss})

    grads, (stats, metrics) = jax.grad(disc_loss, has_aux=True)(state.params["disc"])
    opt = state.opt["disc"]
    params, opt = apply_gradients(game.disc_optimiser, grads, opt, state.params["disc"])
    new = state._replace(
        params=state.params | {"disc": params},
        stats=state.stats | {"disc": stats},
        opt=state.opt | {"disc": opt},
    )
    return new, metrics


def _at_times(penalty: Callable[[], Array], step: Array, every: int) -> Array:
    """The penalty f32[] in steps that are multiples of `every`, 0 in the others."""
    if every == 1:
        return penalty()
    return lax.cond(step % every == 0, penalty, lambda: jnp.zeros(()))


def _judge(
    game: Game, params: PyTree, stats: PyTree, images: Images, batch: Batch
) -> tuple[Verdict, PyTree]:
    return game.discriminator.apply(params, stats, images, batch.labels, train=True)


def _with_terms(loss: Array, terms: Terms, judged: Judged) -> tuple[Array, Metrics]:
    """The loss plus its weighted terms, and the unweighted terms by name."""
    values = {name: term.value(judged) for name, term in terms.items()}
    return sum((terms[name].weight * value for name, value in values.items()), loss), values
