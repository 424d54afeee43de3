"""What every registered model promises.

Compiling `programs.advance` as users have it, once a model, is most of the time taken.
"""

import dataclasses
from functools import cached_property, partial
from typing import get_type_hints

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from lowering import convolutions, foreign_calls, lower
from trainings import any_differs, assert_same_bits

from gen_models import programs
from gen_models.algorithm import Algorithm, Batch, Spec, State
from gen_models.data.stream import gather
from gen_models.fields import Real, to_dict, validate
from gen_models.model import Model
from gen_models.models import MODELS
from gen_models.sampling import drawing

# Of a batch of a power of two, equal gradients that cancel do so exactly, in whatever order.
STEPS, BATCH = 6, 8
KEY_INIT, KEY_TRAIN, KEY_SAMPLE = jax.random.split(jax.random.key(0), 3)
LABELS = jnp.array([0, 1, 2, 0], jnp.int32)
SCORE_BIAS = "['disc']['Dense_1']['bias']"
# Losses of differences between scores do not see what is added to all of them, and the hinge loss
# does not while no score is beyond 1.
WITHOUT_SCORE_BIAS = {"wgan", "wgan_gp", "r3gan", "hinge"}
GROWN = {"rtol": 1e-3, "atol": 5e-4}  # rounding, which small batches' statistics make grow
RATE = {"learning_rate": 5e-4}  # with that of some models rounding would grow further
WITHOUT_NOISE = {"vq_vae"}  # models whose training draws nothing


class Subject:
    """One tiny model, its programs, and what they give for one chunk of data."""

    def __init__(self, name, options, train):
        self.name, self.module = name, MODELS[name]
        self.model = Model(self.module.build, train.spec, self.module.Config(**options))
        self.config, self.spec = self.model.config, self.model.spec
        self.train = train
        self.images = BATCH * self.algorithm.batches
        self.chunk = gather(train, 0, 0, STEPS, self.images)

    @cached_property
    def algorithm(self) -> Algorithm:
        return self.model.algorithm

    def with_options(self, **options) -> Model:
        """The model with other options."""
        config = dataclasses.replace(self.config, **options)
        return dataclasses.replace(self.model, config=config)

    @cached_property
    def start(self):
        return jax.jit(self.algorithm.init)

    @cached_property
    def fresh(self) -> State:
        return jax.device_get(self.start(KEY_INIT))

    def advance(self, count, state=None, key=KEY_TRAIN, model=None, chunk=None):
        """`count` steps from a state, a fresh one by default; all on the host, none donated."""
        state = jax.tree.map(jnp.array, self.fresh if state is None else state)
        chunk = jax.device_put(chunk or self.chunk)
        return jax.device_get(
            programs.advance(model or self.model, state, chunk, jnp.int32(count), key)
        )

    @cached_property
    def trained(self):
        """State and metrics after the whole chunk."""
        return self.advance(STEPS)

    def sample(self, state=None, key=KEY_SAMPLE, labels=LABELS):
        state = self.trained[0] if state is None else state
        return np.asarray(programs.sample(self.model, state, key, labels))


# Models whose step is that of an engine that others here have. A new model is not among them.
ALIKE = {
    *("acgan", "cgan", "dcgan", "dragan", "ebgan", "hinge", "lsgan", "r3gan", "wgan_gp"),  # of gan
    *("cvae", "iwae"),  # of vae
}


@pytest.fixture(scope="module", params=MODELS)
def subject(request, tiny, tiny_options) -> Subject:
    return Subject(request.param, tiny_options | RATE, tiny.train)


def batch_of(spec, count):
    images = jnp.zeros((count, spec.height, spec.width, 1))
    return Batch(images, jnp.zeros(count, jnp.int32))


def assert_close(found, wanted, rtol=1e-4, atol=1e-5):
    jax.tree.map(partial(np.testing.assert_allclose, rtol=rtol, atol=atol), found, wanted)


# --- samples


def test_samples_are_finite_images_of_the_promised_shape_and_range(subject):
    images = subject.sample()
    assert images.shape == (len(LABELS), 8, 8, 1)
    assert images.dtype == np.float32
    assert np.all((images >= -1) & (images <= 1))  # and so none is NaN


def test_a_sample_is_decided_by_its_key(subject):
    assert_same_bits(subject.sample(), subject.sample())
    assert any_differs(subject.sample(), subject.sample(key=KEY_INIT))


def test_conditional_models_alone_look_at_labels(subject):
    same_state_and_key = subject.sample(labels=jnp.array([0, 2, 1, 0], jnp.int32))
    changed = np.any(subject.sample() != same_state_and_key, axis=(1, 2, 3))
    assert changed.tolist() == [False, *[subject.algorithm.conditional] * 2, False]


def test_samples_come_from_the_averaged_parameters_alone(subject):
    state = subject.trained[0]
    without = state._replace(params=jax.tree.map(np.zeros_like, state.params))
    assert_same_bits(subject.sample(without), subject.sample(state))
    assert any_differs(subject.sample(subject.fresh), subject.sample(state))


def test_reconstructions_have_the_originals_shape_and_range(subject):
    if subject.algorithm.latent is None:
        pytest.skip("no encoder")
    originals = subject.train.images[:5]
    labels = subject.train.labels[:5]
    copies = np.asarray(programs.reconstruct(subject.model, subject.trained[0], originals, labels))
    assert copies.shape == (5, 8, 8, 1)
    assert np.all((copies >= -1) & (copies <= 1))


# --- steps


def test_training_is_decided_by_its_key(subject):
    assert_same_bits(subject.advance(STEPS), subject.trained)
    if subject.name in WITHOUT_NOISE:
        return
    other_noise, _ = subject.advance(STEPS, key=KEY_SAMPLE)
    assert any_differs(other_noise.params, subject.trained[0].params)


def test_each_step_has_noise_of_its_own(subject):
    if subject.name in WITHOUT_NOISE:
        pytest.skip("its steps draw nothing")
    later = subject.fresh._replace(step=np.int32(1))  # the same state and batch, a step further on
    chunk = subject.chunk._replace(start=np.int32(1))
    first, second = subject.advance(1), subject.advance(1, later, chunk=chunk)
    assert any_differs(first[0].params, second[0].params)


def test_initial_parameters_are_decided_by_their_key(subject):
    assert_same_bits(jax.device_get(subject.start(KEY_INIT)), subject.fresh)
    other = subject.start(KEY_TRAIN)
    assert any_differs(other.params, subject.fresh.params)


def test_a_step_keeps_structure_shapes_and_types_and_counts_itself(subject):
    def description(tree):
        leaves, structure = jax.tree.flatten(tree)
        return structure, [(leaf.shape, leaf.dtype) for leaf in leaves]

    state, _ = subject.advance(1)
    assert description(state) == description(subject.fresh)
    assert (subject.fresh.step, state.step, subject.trained[0].step) == (0, 1, STEPS)
    assert state.params.keys() == state.opt.keys()


def test_every_parameter_of_every_player_moves_in_the_first_step(subject):
    state, _ = subject.advance(1)
    moved = jax.tree.map(
        lambda new, old: bool(np.any(new != old)), state.params, subject.fresh.params
    )
    leaves = jax.tree.leaves_with_path(moved)
    still = {jax.tree_util.keystr(path) for path, any_moved in leaves if not any_moved}
    if (
        subject.name == "wgan"
    ):  # a clipped critic's gradients move scales of 1 by less than rounding
        still = {path for path in still if not path.endswith("['scale']")}
    assert still <= ({SCORE_BIAS} if subject.name in WITHOUT_SCORE_BIAS else set())


def test_the_average_lags_behind_the_parameters(subject):
    after = subject.advance(1)[0]
    before = {name: subject.fresh.ema[name] for name in ("params", "stats")}
    player = "gen" if "gen" in after.params else "vae"
    newest = {"params": after.params[player], "stats": after.stats[player]}
    # The first step's decay is a tenth.
    expected = jax.tree.map(lambda old, new: old + 0.9 * (new - old), before, newest)
    averaged = {name: after.ema[name] for name in newest}
    assert_close(averaged, expected)
    assert any_differs(averaged, newest)


def test_without_an_ema_decay_the_average_is_the_parameters(subject):
    algorithm = subject.with_options(ema_decay=None).algorithm

    def step(state, batch):
        state, _ = algorithm.step(state, batch, KEY_TRAIN)
        # While tracing, values are the same if and only if they are the same object.
        newest = {id(leaf) for leaf in jax.tree.leaves((state.params, state.stats))}
        assert {id(leaf) for leaf in jax.tree.leaves(state.ema)} <= newest
        return state

    jax.eval_shape(step, subject.fresh, batch_of(subject.spec, subject.images))


def test_averages_beside_each_other_are_those_of_trainings_with_one(subject):
    """Several averages change nothing about a training, and each is what it would be alone. What
    keeps them is an engine's, and a model of each is enough."""
    if subject.name in ALIKE:
        pytest.skip("another model has the same engine")
    several = subject.with_options(ema_decays=(0.2, 0.15))
    start = subject.fresh._replace(averages=(subject.fresh.ema,) * 2)
    both, _ = subject.advance(STEPS, start, model=several)
    alone, _ = subject.advance(STEPS, model=subject.with_options(ema_decay=0.15))
    assert_close(both.params, alone.params)
    assert_close(both.averages[1], alone.ema)
    assert_close(both.ema, subject.trained[0].ema)
    assert any_differs(both.averages[0], both.averages[1])
    chosen = drawing.with_average(several.config, both, 0.15)
    assert_same_bits(chosen.ema, both.averages[1])


def test_metrics_are_finite(subject):
    _, metrics = subject.trained
    for name, values in metrics.items():
        assert values.shape == (STEPS,)
        assert np.all(np.isfinite(values)), name
    assert metrics[programs.FINITE].tolist() == [1] * STEPS


def test_other_image_sizes_work(subject):
    size = 12, 8
    spec = Spec(*size, num_classes=5)
    algorithm = dataclasses.replace(subject.model, spec=spec).algorithm
    state = jax.eval_shape(algorithm.init, KEY_INIT)
    stepped, _ = jax.eval_shape(algorithm.step, state, batch_of(spec, subject.images), KEY_TRAIN)
    assert stepped == state
    images = jax.eval_shape(algorithm.sample, stepped, KEY_SAMPLE, LABELS)
    assert images.shape == (len(LABELS), *size, 1)


# --- chunks


@pytest.mark.parametrize("cut", [1, 4])
def test_cutting_a_chunk_differently_changes_no_bit(subject, cut):
    middle, first = subject.advance(cut)
    end, second = subject.advance(STEPS - cut, middle)
    assert_same_bits(end, subject.trained[0])
    for name, values in subject.trained[1].items():
        assert_same_bits(first[name][:cut], values[:cut])
        assert_same_bits(second[name][cut:], values[cut:])
        assert np.all(first[name][cut:] == 0)  # not trained yet, and so not filled


def test_a_chunk_is_its_steps_one_by_one_and_so_is_each_member_of_a_vmapped_step(subject):
    """What loops over steps and over members is an engine's, and a model of each is enough."""
    if subject.name in ALIKE:
        pytest.skip("another model has the same engine")
    count = 3
    rates = [subject.config.learning_rate, 3 * subject.config.learning_rate]
    models = [subject.with_options(learning_rate=rate) for rate in rates]
    keys = jax.random.split(KEY_TRAIN, 2)

    def step(model, state, batch, key):
        return model.algorithm.step(state, batch, key)

    population = jax.tree.map(lambda *each: jnp.stack(each), *models)
    states = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), subject.fresh)
    together = jax.jit(jax.vmap(step, in_axes=(0, 0, None, 0)))
    metrics = []
    for images, labels in list(zip(*subject.chunk[1:], strict=True))[:count]:
        states, found = together(population, states, programs.to_batch(images, labels), keys)
        metrics.append(found)
    metrics = jax.tree.map(lambda *each: np.stack(each, axis=1), *metrics)
    for member, model in enumerate(models):
        stepped = jax.tree.map(lambda leaf: leaf[member], (states, metrics))  # noqa: B023
        state, history = subject.advance(count, key=keys[member], model=model)
        history = {name: values[:count] for name, values in history.items() if name in metrics}
        assert_close(stepped, (state, history), **GROWN)


# --- the model as a value


def test_a_model_round_trips_through_its_leaves(subject):
    leaves, structure = jax.tree.flatten(subject.model)
    assert leaves == jax.tree.leaves(subject.config)  # build and spec have none
    assert jax.tree.unflatten(structure, leaves) == subject.model


def test_models_have_one_tree_structure_whatever_their_rates_and_another_for_all_else(subject):
    def other_build(config, spec):
        return subject.module.build(config, spec)

    structure = jax.tree.structure(subject.model)
    assert jax.tree.structure(subject.with_options(learning_rate=0.5)) == structure
    others = {
        "build": dataclasses.replace(subject.model, build=other_build),
        "spec": dataclasses.replace(subject.model, spec=Spec(12, 8, 5)),
        "width": subject.with_options(width=5),
    }
    assert all(jax.tree.structure(model) != structure for model in others.values())


def test_registered_models_have_tree_structures_of_their_own(tiny):
    structures = [
        jax.tree.structure(Model(module.build, tiny.train.spec, module.Config()))
        for module in MODELS.values()
    ]
    assert len(set(structures)) == len(MODELS)


def test_configs_of_other_real_values_share_one_compilation(subject):
    subject.advance(1)
    compiled = programs.advance._cache_size()
    slower = subject.with_options(learning_rate=1e-5, ema_decay=0.5)
    state, _ = subject.advance(1, model=slower)
    assert programs.advance._cache_size() == compiled
    usual, _ = subject.advance(1)
    assert any_differs(state.params, usual.params)


def test_real_valued_options_are_the_leaves_of_a_config(subject):
    cls = subject.module.Config
    real = {name for name, hint in get_type_hints(cls).items() if hint in (Real, Real | None)}
    values = to_dict(subject.config)
    validate(subject.config)
    assert {"learning_rate", "ema_decay"} <= real
    given = {name for name in real if values[name] is not None}
    assert sorted(jax.tree.leaves(subject.config)) == sorted(values[name] for name in given)
    doubled = jax.tree.map(lambda leaf: 2 * leaf, subject.config)
    assert to_dict(doubled) == {n: 2 * v if n in given else v for n, v in values.items()}


# --- other hardware


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_advance_lowers_for_accelerators_as_native_convolutions(subject, dtype):
    if dtype == "bfloat16" and subject.name not in ("dcgan", "vae", "vq_vae"):
        pytest.skip("its layers are those of the three that are tried")
    model = subject.with_options(compute_dtype=dtype)
    arguments = (subject.fresh, subject.chunk, np.int32(STEPS), KEY_TRAIN)
    program = lower(programs.advance, model, *arguments)
    # The chunk goes to the device as bytes; becoming float32 is part of the step.
    images = [aval for aval in program.in_avals if aval.shape[1:] == subject.chunk.images.shape[1:]]
    assert [(aval.shape, aval.dtype) for aval in images] == [(subject.chunk.images.shape, np.uint8)]

    text = program.mlir_module()
    assert convolutions(text) == {(1, {"float32": "f32", "bfloat16": "bf16"}[dtype])}
    assert foreign_calls(text) == set()


# --- the variational engine


def test_the_vaes_loss_decreases(tiny, tiny_options):
    vae = Subject("vae", tiny_options, tiny.train)
    faster = vae.with_options(learning_rate=1e-2)
    state, losses = vae.fresh, []
    for start in range(0, 10 * STEPS, STEPS):
        chunk = gather(tiny.train, 0, start, STEPS, BATCH)
        state, metrics = vae.advance(STEPS, state, model=faster, chunk=chunk)
        np.testing.assert_allclose(
            metrics["loss"], metrics["reconstruction"] + metrics["kl"], rtol=1e-5
        )
        losses.append(metrics["loss"].mean())
    assert losses[-1] < 0.9 * losses[0]
    assert losses[-1] < losses[len(losses) // 2] < losses[0]


# --- bytes


def test_bytes_become_the_ends_of_the_range():
    images = jnp.array([[[0, 255], [51, 204]]], jnp.uint8)
    batch = programs.to_batch(images, jnp.zeros(1, jnp.int32))
    np.testing.assert_allclose(batch.images[0, ..., 0], [[-1, 1], [-0.6, 0.6]], rtol=1e-6)
