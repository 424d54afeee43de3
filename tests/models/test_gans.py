"""What each GAN's paper adds, one step at a time on tiny nets."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gen_models import losses
from gen_models.algorithm import Batch, Spec
from gen_models.engines.adversarial import Game, adversarial
from gen_models.engines.updates import Averaging
from gen_models.model import Model
from gen_models.models import MODELS, _gans, ebgan
from gen_models.nets.net import Net, Verdict

SPEC, BATCH = Spec(8, 8, 3), 4
KEY_INIT, KEY_TRAIN, KEY_DATA = jax.random.split(jax.random.key(0), 3)


def batch_of(count):
    images = jax.random.uniform(KEY_DATA, (count, 8, 8, 1), minval=-1)
    return Batch(images, jnp.arange(count, dtype=jnp.int32) % 3)


def configured(model, **options):
    module = MODELS[model]
    return Model(module.build, SPEC, module.Config(**{"width": 4, "latent_size": 3} | options))


def build(model, **options):
    return configured(model, **options).algorithm


# One compilation serves every value of a rate or weight.
INIT = jax.jit(lambda model, key: model.algorithm.init(key))
STEP = jax.jit(lambda model, *arguments: model.algorithm.step(*arguments))


def fresh(name, **options):
    """A model and its first state. Without a penalty unless one is given."""
    penalty = {"penalty": None} if hasattr(MODELS[name].Config, "penalty") else {}
    model = configured(name, **penalty | options)
    return model, INIT(model, KEY_INIT)


def one_step(name, **options):
    """The state before and after, and the metrics."""
    model, state = fresh(name, **options)
    new, metrics = STEP(model, state, batch_of(BATCH * model.algorithm.batches), KEY_TRAIN)
    return state, new, metrics


def change(old, new):
    """How far a player's parameters moved."""
    distances = jax.tree.map(lambda a, b: np.abs(a - b).max(), old, new)
    return max(jax.tree.leaves(distances))


# --- what each paper's file hands to the engine

LOSSES = {
    "gan": losses.non_saturating,
    "dcgan": losses.non_saturating,
    "cgan": losses.non_saturating,
    "lsgan": losses.least_squares,
    "wgan": losses.wasserstein,
    "wgan_gp": losses.wasserstein,
    "dragan": losses.non_saturating,
    "ebgan": losses.energy_margin(9.0),
    "began": losses.equilibrium(0.0),
    "acgan": losses.non_saturating,
    "infogan": losses.non_saturating,
    "hinge": losses.hinge,
    "r3gan": losses.relativistic_pairing,
}
PENALTIES = {
    "wgan_gp": losses.wgan_gp_penalty(7.0),
    "dragan": losses.dragan_penalty(7.0, 0.5),
    "r3gan": losses.r1_r2_penalty(7.0),
}
TERMS = {  # added to the discriminator's loss and to the generator's
    "cgan": ({"mismatch"}, set()),
    "acgan": ({"disc_class"}, {"gen_class"}),
    "infogan": ({"disc_code"}, {"gen_code"}),
    "ebgan": (set(), {"pulling_away"}),
}


@pytest.fixture
def tiny_game_of(game_of):
    """What a model's file hands to the engine for tiny nets."""
    return lambda name, **options: game_of(name, configured(name, **options).config, SPEC)


@pytest.mark.parametrize("model", LOSSES)
def test_each_gan_has_the_loss_of_its_paper(model, tiny_game_of):
    scores = jnp.array([0.3, 2.0, 12.0]), jnp.array([-1.5, 0.2, 11.0])
    assert tiny_game_of(model).loss(*scores) == LOSSES[model](*scores)


def test_lsgan_squares_scores_or_probabilities(tiny_game_of):
    scores = jnp.array([0.3, 2.0]), jnp.array([-1.5, 0.2])
    loss = tiny_game_of("lsgan", squared="probabilities").loss
    assert loss(*scores) == losses.least_squares_of_probabilities(*scores)


@pytest.mark.parametrize("model", LOSSES)
def test_each_gan_has_the_penalty_of_its_paper_or_none(model, tiny_game_of):
    def scores(images):
        return jnp.sum(images**3, axis=(1, 2, 3))

    arguments = scores, batch_of(3).images, -0.3 * batch_of(3).images, KEY_TRAIN
    if model in PENALTIES:
        game = tiny_game_of(model, penalty=7.0)
        assert game.penalty(*arguments) == PENALTIES[model](*arguments)
        _, stats = game.discriminator.init(KEY_INIT, *batch_of(2))
        assert stats == {}  # a batch normalisation would couple the images' gradients
        return
    others = {"penalty": None} if hasattr(MODELS[model].Config, "penalty") else {}
    assert tiny_game_of(model, **others).penalty is None
    if others:
        penalised = tiny_game_of(model, penalty=7.0)
        assert penalised.penalty(*arguments) == losses.r1_penalty(7.0)(*arguments)
        assert penalised.penalty_every == 4


def test_every_gan_is_asked_for_its_loss():
    gans = {name for name, module in MODELS.items() if hasattr(module, "adversarial")}
    assert gans == LOSSES.keys()


@pytest.mark.parametrize("model", LOSSES)
def test_each_gan_adds_the_terms_of_its_paper_to_its_players_losses(model, tiny_game_of):
    game = tiny_game_of(model)
    assert (set(game.disc_terms), set(game.gen_terms)) == TERMS.get(model, (set(), set()))


# --- updates of the critic


def scalar_game(count):
    """A game played by hand: G(z) = a, D(x) = w · mean of x."""

    def generate(params, stats, z, _labels, train):  # noqa: ARG001
        return jnp.broadcast_to(params["a"], (len(z), 1, 1, 1)), stats

    def judge(params, stats, images, _labels, train):  # noqa: ARG001
        return Verdict(params["w"] * jnp.mean(images, axis=(1, 2, 3))), stats

    return Game(
        generator=Net(lambda *_: ({"a": jnp.float32(0.5)}, {}), generate),
        discriminator=Net(lambda *_: ({"w": jnp.float32(2.0)}, {}), judge),
        prior=lambda _key, count: jnp.zeros((count, 1)),
        loss=losses.wasserstein,
        gen_optimiser=optax.sgd(1.0),
        disc_optimiser=optax.sgd(0.1),
        averaging=Averaging(None),
        critic_updates=count,
    )


def test_each_of_a_steps_batches_gives_the_critic_one_update_and_the_generator_follows_once():
    algorithm = adversarial(scalar_game(3), Spec(1, 1, 1))
    # Batch b has the rows b, b + 3, …: means 1, 2 and 4.
    rows = jnp.array([0.0, 1.0, 3.0, 2.0, 3.0, 5.0]).reshape(-1, 1, 1, 1)
    state = algorithm.init(KEY_INIT)
    state, metrics = algorithm.step(state, Batch(rows, jnp.zeros(6, jnp.int32)), KEY_TRAIN)
    # The loss w · (0.5 - mean) lowers w by 0.1 · (0.5 - mean) each time.
    w = 2.0 - 0.1 * sum(0.5 - mean for mean in (1.0, 2.0, 4.0))
    assert state.params["disc"]["w"] == pytest.approx(w, rel=1e-6)
    assert state.params["gen"]["a"] == pytest.approx(0.5 + w, rel=1e-6)
    assert (algorithm.batches, int(state.step)) == (3, 1)
    assert metrics["real_score"] == pytest.approx(4 * (2 + 0.05 + 0.15), rel=1e-6)


def test_a_penalty_is_part_of_the_discriminators_loss_alone():
    plain, penalised = (
        scalar_game(1)._replace(penalty=p) for p in (None, losses.r1_r2_penalty(0.3))
    )
    batch = Batch(jnp.ones((2, 1, 1, 1)), jnp.zeros(2, jnp.int32))
    found = []
    for game in (plain, penalised):
        algorithm = adversarial(game, Spec(1, 1, 1))
        found.append(algorithm.step(algorithm.init(KEY_INIT), batch, KEY_TRAIN))
    (without, _), (state, metrics) = found
    assert metrics["gradient_penalty"] == pytest.approx(0.3 * 2.0**2)  # γ/2 (w² + w²)
    assert metrics["disc_loss"] == pytest.approx(2 * (0.5 - 1) + 0.3 * 4)
    lowered = 0.1 * 2 * 0.3 * 2.0  # by the penalty's gradient 2 γ w
    w = without.params["disc"]["w"] - lowered
    assert state.params["disc"]["w"] == pytest.approx(float(w), rel=1e-6)
    assert metrics["gen_loss"] == pytest.approx(float(-w * 0.5), rel=1e-6)


@pytest.mark.parametrize("model", ["wgan", "wgan_gp"])
def test_wasserstein_gans_take_five_batches_a_step(model):
    assert build(model).batches == 5
    assert build(model, critic_updates=2).batches == 2


@pytest.mark.parametrize(("model", "options"), [("wgan", {"critic_updates": 1}), ("lsgan", {})])
def test_a_clipped_critic_stays_within_its_limit_and_its_generator_does_not(model, options):
    _, state, _ = one_step(model, clip=0.005, learning_rate=0.1, **options)
    assert max(float(jnp.abs(x).max()) for x in jax.tree.leaves(state.params["disc"])) < 0.00501
    assert max(float(jnp.abs(x).max()) for x in jax.tree.leaves(state.params["gen"])) > 0.005


@pytest.mark.parametrize("optimiser", ["rmsprop", "adam"])
def test_wgans_optimisers_take_the_step_size(optimiser):
    options = {"optimiser": optimiser, "clip": 100.0, "critic_updates": 1}
    small, large = (one_step("wgan", **options, learning_rate=rate) for rate in (1e-5, 1e-3))
    moved = [change(old.params["gen"], new.params["gen"]) for old, new, _ in (small, large)]
    assert moved[1] == pytest.approx(100 * moved[0], rel=0.05)


def test_wgans_generator_moves_however_small_its_critics_gradients_are():
    old, new, _ = one_step(
        "wgan", critic_updates=1, learning_rate=5e-5, disc_learning_rate=None, arch="patch"
    )
    moved = jax.tree.map(lambda a, b: np.abs(a - b).ravel(), old.params["gen"], new.params["gen"])
    moved = np.concatenate(jax.tree.leaves(moved))
    # RMSProp's first step is the step size over √(1 - 0.99) wherever there is a gradient.
    assert np.median(moved[moved > 0]) == pytest.approx(10 * 5e-5, rel=0.1)


def test_a_discriminator_may_have_a_step_size_of_its_own():
    old, new, _ = one_step("gan", learning_rate=1e-3, disc_learning_rate=1e-5)
    moved = {player: change(old.params[player], new.params[player]) for player in old.params}
    # Adam's first step is the step size itself wherever there is a gradient.
    assert moved == {"gen": pytest.approx(1e-3, rel=0.01), "disc": pytest.approx(1e-5, rel=0.01)}


def test_the_gans_two_losses_differ_in_the_generators_alone():
    saturating = one_step("gan", loss="saturating")[2]
    other = one_step("gan", loss="non_saturating")[2]
    assert saturating["disc_loss"] == other["disc_loss"]
    assert float(saturating["gen_loss"]) < 0 < float(other["gen_loss"])


# --- heads


def test_acgans_discriminator_is_not_told_the_label_and_learns_it():
    told, other = batch_of(BATCH), batch_of(BATCH)._replace(labels=jnp.zeros(BATCH, jnp.int32))
    model, state = fresh("acgan", class_weight=0.0)
    scores = [STEP(model, state, batch, KEY_TRAIN)[1]["real_score"] for batch in (told, other)]
    assert scores[0] == pytest.approx(float(scores[1]), rel=1e-5)
    with_classes, without = (one_step("acgan", class_weight=w) for w in (1.0, 0.0))
    head = "Dense_2"
    assert change(*(s.params["disc"][head] for s in with_classes[:2])) > 0
    assert change(*(s.params["disc"][head] for s in without[:2])) == 0


def test_acgans_players_both_pay_for_classes_that_cannot_be_told():
    slow = {"disc_learning_rate": 1e-6}  # the generator plays against the first discriminator
    with_classes, without = (one_step("acgan", class_weight=w, **slow) for w in (1.0, 0.0))
    # At first the classes are all alike: log 3, for the discriminator on real and on fake images.
    for loss, times in (("disc_loss", 2), ("gen_loss", 1)):
        extra = float(with_classes[2][loss] - without[2][loss])
        assert extra == pytest.approx(times * np.log(3), rel=0.05)
    assert with_classes[2]["gen_class"] == pytest.approx(np.log(3), rel=0.05)
    assert change(with_classes[1].params["gen"], without[1].params["gen"]) > 0


def test_acgans_generator_is_told_the_label_beside_z():
    model, state = fresh("acgan")
    algorithm = model.algorithm
    labels = jnp.arange(3)
    z = algorithm.prior(state, KEY_DATA, labels)
    first = state.ema["params"]["Dense_0"]["kernel"]
    assert first.shape[0] == z.shape[1] + SPEC.num_classes
    images = algorithm.generate(state, jnp.zeros_like(z), labels)
    assert change(images[0], images[1]) > 0


@pytest.mark.parametrize("categories", [pytest.param(1, marks=pytest.mark.slow), 10])
def test_infogans_players_both_pay_for_codes_that_cannot_be_read(categories):
    """At first none can: log K for the category, half the squares of the continuous codes."""
    options = {"categories": categories, "continuous": 3, "disc_learning_rate": 1e-6}
    informed, blind = (one_step("infogan", information=w, **options) for w in (1.0, 0.0))
    (key_step,) = jax.random.split(jax.random.fold_in(KEY_TRAIN, 0), 1)
    key_prior, _ = jax.random.split(key_step)
    z = build("infogan", **options).prior(None, key_prior, jnp.zeros(BATCH))
    codes = z[:, 3 + categories :]
    expected = np.log(categories) + np.mean(np.sum(np.asarray(codes) ** 2, axis=1)) / 2
    for loss in ("disc_loss", "gen_loss"):
        extra = float(informed[2][loss] - blind[2][loss])
        assert extra == pytest.approx(expected, abs=0.2)  # Q's features have variance 1
    # And the generator learns to make them readable.
    assert change(informed[1].params["gen"], blind[1].params["gen"]) > 0


def test_infogan_may_have_a_category_alone():
    algorithm = build("infogan", categories=5, continuous=0)
    state = algorithm.init(KEY_INIT)
    _, metrics = jax.jit(algorithm.step)(state, batch_of(BATCH), KEY_TRAIN)
    assert metrics["disc_code"] == pytest.approx(np.log(5), abs=0.2)
    images = batch_of(BATCH).images
    assert algorithm.recognise(state, images).shape == (BATCH, 5)
    assert algorithm.views(KEY_INIT) == {}
    assert [part.name for part in algorithm.parts] == ["category"]


def test_infogans_latent_is_noise_a_category_and_continuous_codes():
    algorithm = build("infogan", categories=5, continuous=2)
    z = np.asarray(algorithm.prior(None, KEY_INIT, jnp.zeros(500)))
    assert z.shape == (500, 3 + 5 + 2)
    noise, category, codes = np.split(z, [3, 8], axis=1)
    assert set(np.unique(category)) == {0, 1}
    np.testing.assert_array_equal(category.sum(axis=1), 1)
    assert (category.sum(axis=0) > 50).all()
    for part in (noise, codes):
        assert part.min() < -0.9 < 0.9 < part.max()
        assert np.abs(part).max() <= 1


def test_cgans_discriminator_pays_for_real_images_that_pass_with_a_wrong_label():
    strict, lax = (one_step("cgan", mismatch=weight) for weight in (2.0, 0.0))
    # At first all labels are alike: an image passes with a wrong one as with its own.
    passing = float(jax.nn.softplus(strict[2]["real_score"]))
    assert strict[2]["mismatch"] == pytest.approx(passing, rel=0.1)
    assert lax[2]["mismatch"] == strict[2]["mismatch"]  # shown without its weight
    extra = float(strict[2]["disc_loss"] - lax[2]["disc_loss"])
    assert extra == pytest.approx(2 * float(strict[2]["mismatch"]), rel=1e-4)
    table = "Projection_0"
    assert change(*(each[1].params["disc"][table] for each in (strict, lax))) > 0


@pytest.mark.parametrize(("arch", "features"), [("patch", 2 * 2 * 8), ("infogan", 16 * 4)])
def test_labels_are_projected_on_the_features_that_the_score_is_read_from(arch, features):
    params = jax.jit(build("cgan", arch=arch).init)(KEY_INIT).params["disc"]
    score = params["Dense_0" if arch == "patch" else "Dense_1"]
    assert score["kernel"].shape == (features, 1)
    assert params["Projection_0"]["table"].shape == (SPEC.num_classes, features)


def test_a_conditional_discriminators_hidden_layer_is_not_normalised_by_batch():
    """Or the labels keep a generator from starting."""
    told, untold = (
        jax.jit(build(model).init)(KEY_INIT).params["disc"] for model in ("cgan", "gan")
    )
    norms = [sum(name.startswith("BatchNorm") for name in params) for params in (told, untold)]
    assert norms == [1, 2]
    assert "bias" in told["Dense_0"] and "bias" not in untold["Dense_0"]


# --- energies


def test_ebgans_energy_is_a_distance():
    images = jnp.zeros((2, 8, 8, 1)).at[1, :3, 0, 0].set(jnp.array([2.0, 3.0, 6.0]))
    np.testing.assert_allclose(ebgan.distance(images), [0, 7], atol=1e-5)


def test_pulling_away_is_in_the_generators_loss_alone():
    moved, still = (one_step("ebgan", pull_away=weight) for weight in (0.5, 0.0))
    pulled, free = moved[2], still[2]
    assert pulled["disc_loss"] == free["disc_loss"]
    assert 0 < pulled["gen_loss"] - free["gen_loss"] <= 0.5
    extra = float(pulled["gen_loss"] - free["gen_loss"])
    assert 0.5 * pulled["pulling_away"] == pytest.approx(extra, abs=1e-4)
    assert change(moved[1].params["gen"], still[1].params["gen"]) > 0


def test_began_moves_k_towards_the_balance():
    old, new, metrics = one_step("began", gamma=0.7, balance_rate=0.05)
    assert old.extra == 0
    real, fake = float(metrics["real_score"]), float(metrics["fake_score"])
    assert metrics["disc_loss"] == pytest.approx(real)  # as k is 0
    assert new.extra == metrics["k"] == pytest.approx(max(0, 0.05 * (0.7 * real - fake)))
    assert metrics["convergence"] == pytest.approx(real + abs(0.7 * real - fake), rel=1e-5)


def test_began_takes_k_times_the_energy_of_generated_images_off_the_discriminators_loss():
    model, state = fresh("began")
    state = state._replace(extra=jnp.float32(0.5))
    _, metrics = STEP(model, state, batch_of(BATCH), KEY_TRAIN)
    expected = metrics["real_score"] - 0.5 * metrics["fake_score"]
    assert metrics["disc_loss"] == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize(("k", "gamma", "expected"), [(0.0, 0.0, 0.0), (1.0, 1.0, 1.0)])
def test_began_keeps_k_between_0_and_1(k, gamma, expected):
    """At a γ of 0 the balance is negative; at a γ of 1 and easy generated images, positive."""
    model, state = fresh("began", gamma=gamma, balance_rate=1.0)
    state = state._replace(extra=jnp.float32(k))
    new, metrics = STEP(model, state, batch_of(BATCH), KEY_TRAIN)
    assert (gamma * metrics["real_score"] - metrics["fake_score"] > 0) == bool(gamma)
    assert new.extra == expected


# --- spectral normalisation


def test_hinges_discriminator_has_layers_of_spectral_norm_one():
    """After enough power iterations each weight, divided by its stored norm, has norm 1."""
    algorithm = build("hinge", learning_rate=1e-9, disc_learning_rate=1e-9)
    state = jax.jit(algorithm.init)(KEY_INIT)
    step = jax.jit(algorithm.step)
    for _ in range(40):
        state, _ = step(state, batch_of(BATCH), KEY_TRAIN)
    stats, params = state.stats["disc"], state.params["disc"]
    norms = {name: value for name, value in _flat(stats).items() if name.endswith("sigma")}
    assert len(norms) == 5  # two convolutions, the hidden layer, the score, the projection
    weights = [x for x in jax.tree.leaves(params) if x.ndim > 1]
    exact = [np.linalg.norm(np.asarray(w).reshape(-1, w.shape[-1]), 2) for w in weights]
    assert sorted(map(float, norms.values())) == pytest.approx(sorted(exact), rel=0.02)


def _flat(tree):
    leaves = jax.tree.leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def test_a_lazy_penalty_is_as_heavy_on_average_and_none_between():
    always, lazy, none = (_penalised_gan(*setting) for setting in ((0.5, 1), (0.5, 4), (None, 1)))
    state, batch = jax.jit(always.init)(KEY_INIT), batch_of(BATCH)
    step, lazily, plainly = (jax.jit(algorithm.step) for algorithm in (always, lazy, none))
    whole = float(step(state, batch, KEY_TRAIN)[1]["gradient_penalty"])
    assert whole > 0
    for at, times in ((0, 4), (1, 0), (3, 0), (4, 4)):
        placed = state._replace(step=jnp.int32(at))
        found, bare = (do(placed, batch, KEY_TRAIN)[1] for do in (lazily, plainly))
        assert found["gradient_penalty"] == pytest.approx(whole if times else 0, rel=1e-5)
        added = found["disc_loss"] - bare["disc_loss"]
        assert added == pytest.approx(times * whole, rel=1e-4, abs=1e-6)


def _penalised_gan(penalty, every):
    """A `gan` with the penalty R1, if any, in every so many steps."""
    config = MODELS["gan"].Config(width=4, latent_size=3, penalty=penalty)
    game = _gans.game(config, SPEC, losses.non_saturating, _gans.discriminator(config))
    return adversarial(_gans.penalised(game, config)._replace(penalty_every=every), SPEC)


def test_a_game_without_a_penalty_has_no_metric_of_one():
    plain, zero = (_metric_names(penalty) for penalty in (None, 0.0))
    assert "gradient_penalty" not in plain and "gradient_penalty" in zero


def _metric_names(penalty):
    """Names of the metrics of a step."""
    algorithm = build("gan", penalty=penalty)
    state = jax.eval_shape(algorithm.init, KEY_INIT)
    return set(jax.eval_shape(algorithm.step, state, batch_of(BATCH), KEY_TRAIN)[1])
