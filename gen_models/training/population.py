"""A population: members that differ in seeds and real-valued options, in one compiled program.

`vmap` over the members on each device (in turn on a CPU), `pmap` over the devices. Every member is
a run with its own folder and equals, to rounding, the single run of its config: the same initial
state, batches and keys. The data set is on each device once; members differ in the rows of it that
they take.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from gen_models.algorithm import Array, Key, Metrics, PyTree, State
from gen_models.data.catalog import Dataset
from gen_models.data.stream import CHUNK_STEPS, indices
from gen_models.errors import UserError
from gen_models.model import Model
from gen_models.programs import all_finite, to_batch
from gen_models.training.fit import Pace, Recorder, milestone

MAX_DATA_BYTES = 2**31  # largest data set on each device
AXIS = "members"


class DeviceData(NamedTuple):
    """A whole data set on a device."""

    images: Array  # u8[N,H,W]
    labels: Array  # i32[N]


class Members(NamedTuple):
    """The part of K members that training changes."""

    state: State  # every leaf with a leading axis K
    alive: Array  # bool[K]; False after a metric or parameter of the member was not finite


class Stretch(NamedTuple):
    """The steps that one member trains in one dispatch, all in one chunk."""

    model: Model
    key: Key
    data: DeviceData
    rows: Array  # i32[S,B], the rows of the data in each batch of the chunk
    begin: Array  # i32[], the first of the steps
    count: Array  # i32[], number of steps

    @property
    def first(self) -> Array:
        """Index of the first step in the chunk, i32[]."""
        return self.begin % CHUNK_STEPS

    @partial(jax.jit, inline=True)  # so that it is traced once for all of its uses
    def step(self, state: State, index: Array) -> tuple[State, Metrics, Array]:
        """The state after the step at an index of the chunk, its metrics, and whether all of these
        and of the parameters are finite, bool[]."""
        # The step is one number for all members, so that work of some steps only is skipped in the
        # others: with a condition per member, both branches would be computed in all steps.
        at = self.begin - self.first + index
        rows = lax.dynamic_index_in_dim(self.rows, index, keepdims=False)
        batch = to_batch(self.data.images[rows], self.data.labels[rows])
        new, metrics = self.model.at(at).algorithm.step(state._replace(step=at), batch, self.key)
        finite = jnp.stack([jnp.isfinite(value) for value in metrics.values()])
        return new, metrics, all_finite(new.params) & jnp.all(finite)

    def history(self, state: State) -> Metrics:
        """Metrics f32[S] of the chunk, of which none is filled."""
        names = jax.eval_shape(self.step, state, self.begin)[1]
        return {name: jnp.zeros(len(self.rows), jnp.float32) for name in names}


def _beside_others(stretch: Stretch, state: State, alive: Array) -> tuple[Members, Metrics]:
    """A member among several that step at the same time: in each step it keeps the state before, in
    case it diverges."""

    def body(index: Array, carry: tuple[Members, Metrics]) -> tuple[Members, Metrics]:
        (state, alive), history = carry
        new, metrics, finite = stretch.step(state, index)
        alive = alive & finite
        new = jax.tree.map(partial(jnp.where, alive), new, state)
        seen = {name: jnp.where(alive, value, jnp.nan) for name, value in metrics.items()}
        return Members(new, alive), _filled(history, index, seen)

    first = stretch.first
    carry = Members(state, alive), stretch.history(state)
    return lax.fori_loop(first, first + stretch.count, body, carry)


class Attempt(NamedTuple):
    """A training of some of a stretch's steps."""

    steps: Array  # i32[], number of steps
    state: State  # the state after them
    history: Metrics
    finite: Array  # i32[], number of steps before the first that was not finite


def _by_itself(stretch: Stretch, state: State, alive: Array) -> tuple[Members, Metrics]:
    """A member that trains alone: if it diverges, it trains once more from the beginning, to the
    step before. So no step keeps the state before, which would take longer than Adam."""
    first, count = stretch.first, stretch.count

    def body(index: Array, last: Attempt) -> Attempt:
        new, metrics, finite = stretch.step(last.state, index)
        steps = jnp.where(finite, last.finite, jnp.minimum(last.finite, index - first))
        return Attempt(last.steps, new, _filled(last.history, index, metrics), steps)

    def attempt(last: Attempt) -> Attempt:
        begun = Attempt(last.finite, state, stretch.history(state), last.finite)
        return lax.fori_loop(first, first + last.finite, body, begun)

    none = Attempt(-1, state, stretch.history(state), jnp.where(alive, count, 0))
    end = lax.while_loop(lambda last: last.steps != last.finite, attempt, none)
    index = jnp.arange(len(stretch.rows))
    missing = (index >= first + end.finite) & (index < first + count)
    history = {name: jnp.where(missing, jnp.nan, values) for name, values in end.history.items()}
    return Members(end.state, alive & (end.finite == count)), history


def _filled(history: Metrics, index: Array, metrics: Metrics) -> Metrics:
    return {name: values.at[index].set(metrics[name]) for name, values in history.items()}


def advance(
    vectorised: bool,
    models: Model,
    members: Members,
    keys: Key,
    data: DeviceData,
    rows: Array,
    begin: Array,
    count: Array,
) -> tuple[Members, Metrics]:
    """Train K members on one device for `count` steps from step `begin` on, all in one chunk, whose
    batches are the rows i32[K,S,B] of `data`.

    `models` is one Model whose real-valued options have a leading axis of members. A member that
    diverges keeps its last finite state while the others continue; its later metrics are NaN.
    Returns the members and the metrics f32[K,S], filled only at these steps.
    """
    train = _beside_others if vectorised else _by_itself

    def one(
        model: Model, state: State, alive: Array, key: Key, rows: Array
    ) -> tuple[Members, Metrics]:
        return train(Stretch(model, key, data, rows, begin, count), state, alive)

    arguments = (models, *members, keys, rows)
    if vectorised:
        return jax.vmap(one)(*arguments)
    return lax.map(lambda each: one(*each), arguments)


@cache
def program(devices: tuple[jax.Device, ...], vectorised: bool | None = None) -> Callable:
    """`advance` mapped over the leading axis of all its arguments except `begin` and `count`.

    The members on a device are vectorised, except on a CPU: there one member's activations fit the
    cache and those of several do not, so each member trains all its steps of a dispatch in turn.
    """
    if vectorised is None:
        vectorised = devices[0].platform != "cpu"
    return jax.pmap(
        partial(advance, vectorised),
        axis_name=AXIS,
        in_axes=(0, 0, 0, 0, 0, None, None),
        donate_argnums=1,
        devices=devices,
    )


def sharding(devices: tuple[jax.Device, ...]) -> NamedSharding:
    """The placement of the arguments of `program`: their leading axis over the devices."""
    return NamedSharding(Mesh(np.array(devices), (AXIS,)), PartitionSpec(AXIS))


class Spread(NamedTuple):
    """Distribution of the members of a wave over devices."""

    devices: int  # number of devices in use
    per_device: int  # number of members on each of them


def spread_over(members: int, devices: int) -> Spread:
    """The spread of members over as many devices as they fill. Each spread is compiled once."""
    used = min(members, devices)
    return Spread(used, -(-members // used))


class Wave:
    """Members that are trained at the same time, spread over the devices.

    They differ only in real-valued options and seeds. If the devices do not divide the number of
    members, the last places hold copies of the first member, which are never read.
    """

    def __init__(self, recorders: Sequence[Recorder], devices: Sequence[jax.Device]) -> None:
        self.recorders = list(recorders)
        used, self.per_device = spread_over(len(self.recorders), len(devices))
        self.devices = tuple(devices)[:used]
        places = used * self.per_device
        self.filled = [*self.recorders, *[self.recorders[0]] * (places - len(self.recorders))]
        self.sharding = sharding(self.devices)
        self.program = program(self.devices)
        # One pytree: models with different programs have no common structure and raise here.
        self.models = self.spread([recorder.model for recorder in self.filled])
        keys = jnp.stack([recorder.keys.train for recorder in self.filled])
        self.keys = jax.device_put(keys.reshape(len(self.devices), -1), self.sharding)
        self.data = self._place_data(recorders[0].splits.train)
        self.rows: tuple[int, Array] | None = None

    def spread(self, trees: Sequence[PyTree]) -> PyTree:
        """Stack one pytree per place into one on the devices; leaves [devices, per device, …]."""

        def stack(*leaves: Array | float) -> Array:
            whole = np.stack([np.asarray(leaf) for leaf in leaves])
            whole = whole.astype(jax.dtypes.canonicalize_dtype(whole.dtype))
            shape = (len(self.devices), self.per_device, *whole.shape[1:])
            return jax.device_put(whole.reshape(shape), self.sharding)

        return jax.tree.map(stack, *trees)

    def members(self, states: Sequence[State]) -> Members:
        """The members on the devices from one state per member, none of which has diverged."""
        states = [*states, *[states[0]] * (len(self.filled) - len(states))]
        return Members(self.spread(states), self.spread([np.True_] * len(states)))

    def gathered(self, tree: PyTree) -> list[PyTree]:
        """The inverse of `spread`: one pytree per member on the host, without the copies."""
        host = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), jax.device_get(tree))
        return [jax.tree.map(lambda x: x[i], host) for i in range(len(self.recorders))]  # noqa: B023

    def _place_data(self, dataset: Dataset) -> DeviceData:
        size = dataset.images.nbytes
        if size > MAX_DATA_BYTES:
            raise UserError(
                f"{dataset.name} has {size / 2**30:.1f} GiB of images; a sweep keeps them on each "
                f"device and takes up to {MAX_DATA_BYTES / 2**30:.0f} GiB; train the runs singly"
            )
        copies = (len(self.devices), *(1,) * 3)
        return DeviceData(
            jax.device_put(np.tile(dataset.images, copies), self.sharding),
            jax.device_put(np.tile(dataset.labels, copies[:2]), self.sharding),
        )

    def _rows(self, chunk: int) -> Array:
        """Indices i32[devices, per device, S, B] of the data that members train on in a chunk."""
        if self.rows is None or self.rows[0] != chunk:
            taken = []
            for recorder in self.filled:
                run, size = recorder.run, len(recorder.splits.train.labels)
                start, seed = chunk * CHUNK_STEPS, run.options.seed
                taken.append(indices(seed, start, CHUNK_STEPS, run.images_a_step, size))
            self.rows = chunk, self.spread([rows.astype(np.int32) for rows in taken])
        return self.rows[1]

    def advance(self, members: Members, step: int, count: int) -> tuple[Members, Metrics]:
        """Train `count` steps from `step` on, in one chunk. Returns the members and the metrics
        f32[devices, per device, S]."""
        rows = self._rows(step // CHUNK_STEPS)
        return self.program(self.models, members, self.keys, self.data, rows, step, count)


class Ending(NamedTuple):
    """The end of a member's training."""

    step: int  # last step
    diverged: bool  # whether it diverged after that step


def fit(
    recorders: Sequence[Recorder],
    devices: Sequence[jax.Device],
    trained: Callable[[int, int], None] = lambda step, done: None,  # noqa: ARG005
    should_stop: Callable[[], bool] = lambda: False,
    report: Callable[[str], None] = print,
    *,
    summarise: bool = True,
) -> list[Ending]:
    """Train members together to their last step, each from its newest whole checkpoint.

    They must share one program: the same model, static options, data, batch size and steps.
    `trained` is called with the step reached and the number of steps that all members together have
    just done, or need not do any more because they diverged. When `should_stop` returns True the
    members are saved. `report` is called with a line about each skipped damaged checkpoint. Members
    that are behind, because of such a checkpoint, a process killed while it saved, or added seeds,
    catch up first. A member that diverges is marked in its folder and not changed further. With
    `summarise` finished members get their curves and animation, if they have none yet.
    """
    last = recorders[0].run.options.steps
    states = {t: _restored(t, report) for t in recorders if t.run.diverged_at is None}
    while not should_stop():
        reached = sorted({last, *(int(state.step) for state in states.values())})
        if reached[0] == last:
            break
        behind = {one: state for one, state in states.items() if state.step == reached[0]}
        living = _fit(behind, devices, reached[1], trained, should_stop)
        states = {one: state for one, state in states.items() if one not in behind} | living
    endings = [_ending(recorder, states) for recorder in recorders]
    for recorder, ending in zip(recorders, endings, strict=True):
        ended = ending.diverged or ending.step == last
        if summarise and ended and not should_stop():
            recorder.summarise(report)
    return endings


def _restored(recorder: Recorder, report: Callable[[str], None]) -> State:
    """The restored state of a member on the host, from which `Wave` moves it to a device."""
    return jax.device_get(recorder.restored(report))


def _ending(recorder: Recorder, states: Mapping[Recorder, State]) -> Ending:
    if recorder in states:
        return Ending(int(states[recorder].step), False)
    return Ending(recorder.run.diverged_at, True)


def _fit(
    behind: Mapping[Recorder, State],
    devices: Sequence[jax.Device],
    end: int,
    trained: Callable[[int, int], None],
    should_stop: Callable[[], bool],
) -> dict[Recorder, State]:
    """Train members that are all at one step to step `end`. Returns those that did not diverge."""
    recorders, living = list(behind), dict(behind)
    options = recorders[0].run.options
    wave, pace = Wave(recorders, devices), Pace(1)  # a step of many members may be long
    members = wave.members(list(behind.values()))
    step = saved = int(behind[recorders[0]].step)
    some_left = True
    trained(step, 0)
    while step < end and some_left and not should_stop():
        target = min(end, milestone(step, options))
        count = min(pace.steps, target - step, CHUNK_STEPS - step % CHUNK_STEPS)
        pace.start()
        members, history = jax.block_until_ready(wave.advance(members, step, count))
        pace.took(count)
        some_left = _record(wave, members, history, step, count)
        step += count
        trained(step, count * len(recorders))
        if step < target:
            continue
        living = _alive(recorders, wave.gathered(members.state))
        if step % options.sample_every_steps == 0 or step == options.steps:
            for recorder, state in living.items():
                recorder.draw(state, step)
        if step % options.checkpoint_every_steps == 0 or step == end:
            _save(living, step)
            saved = step
    if step != saved:
        living = _alive(recorders, wave.gathered(members.state))
        _save(living, step)
    if len(living) < len(recorders):
        trained(step, (len(recorders) - len(living)) * (options.steps - step))
    return living


def _alive(recorders: Sequence[Recorder], states: Sequence[State]) -> dict[Recorder, State]:
    pairs = zip(recorders, states, strict=True)
    return {recorder: state for recorder, state in pairs if recorder.run.diverged_at is None}


def _save(living: Mapping[Recorder, State], step: int) -> None:
    for recorder, state in living.items():
        recorder.save(state, step)


def _record(wave: Wave, members: Members, history: Metrics, step: int, count: int) -> bool:
    """Write the metrics of a dispatch; save members that diverged in it and mark them as diverged.

    Returns whether any member has not diverged.
    """
    first = step % CHUNK_STEPS
    alive = wave.gathered(members.alive)
    for index, (recorder, metrics) in enumerate(
        zip(wave.recorders, wave.gathered(history), strict=True)
    ):
        if recorder.run.diverged_at is not None:
            continue
        entries = {name: values[first : first + count] for name, values in metrics.items()}
        finite = np.isfinite(np.stack(list(entries.values()))).all(axis=0)
        length = count if alive[index] else int(finite.argmin())
        recorder.record(step + 1, {n: v[:length] for n, v in entries.items()})
        if not alive[index]:
            state = wave.gathered(members.state)[index]
            recorder.save(state, step + length)
            recorder.run.mark_diverged(step + length)
    return any(alive)
