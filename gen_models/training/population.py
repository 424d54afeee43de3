"""A population: members that differ in seeds and real-valued options, in one compiled program.

`vmap` over the members on each device (in turn on a CPU), `pmap` over the devices. Every member is
a run of its own folder and equals, to rounding, the single run of its config: the same start,
batches and keys. The data set lies on each device once; what differs between members is which of
its rows they take.
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

MAX_DATA_BYTES = 2**31  # on each device
AXIS = "members"


class DeviceData(NamedTuple):
    """A whole data set on a device: images u8[N,H,W], labels i32[N]."""

    images: Array
    labels: Array


class Members(NamedTuple):
    """What training changes, every leaf with a leading axis of members."""

    state: State
    alive: Array  # bool[K]; False once anything of a member was not finite


def advance(
    vectorised: bool,
    models: Model,
    members: Members,
    keys: Key,
    data: DeviceData,
    rows: Array,
    first: Array,
    count: Array,
) -> tuple[Members, Metrics]:
    """`count` steps of K members on one device, from entry `first` of rows i32[K,S,B] on.

    `models` is one Model whose real-valued options have a leading axis of members. A member that
    diverges keeps its last finite state while the others go on; its metrics are NaN from then on.
    Returns the metrics f32[K,S], of which the entries trained are filled.
    """

    def train(
        model: Model, state: State, alive: Array, key: Key, rows: Array
    ) -> tuple[Members, Metrics]:
        algorithm = model.algorithm

        def step(state: State, alive: Array, taken: Array) -> tuple[State, Array, Metrics]:
            batch = to_batch(data.images[taken], data.labels[taken])
            new, metrics = algorithm.step(state, batch, key)
            finite = jnp.stack([jnp.isfinite(value) for value in metrics.values()])
            alive = alive & all_finite(new.params) & jnp.all(finite)
            new = jax.tree.map(partial(jnp.where, alive), new, state)
            return new, alive, {n: jnp.where(alive, v, jnp.nan) for n, v in metrics.items()}

        def body(index: Array, carry: tuple[Members, Metrics]) -> tuple[Members, Metrics]:
            member, history = carry
            taken = lax.dynamic_index_in_dim(rows, index, keepdims=False)
            state, alive, metrics = step(*member, taken)
            history = {name: h.at[index].set(metrics[name]) for name, h in history.items()}
            return Members(state, alive), history

        names = jax.eval_shape(step, state, alive, rows[0])[2]
        history = {name: jnp.full(len(rows), jnp.nan, jnp.float32) for name in names}
        return lax.fori_loop(first, first + count, body, (Members(state, alive), history))

    arguments = (models, *members, keys, rows)
    if vectorised:
        return jax.vmap(train)(*arguments)
    return lax.map(lambda one: train(*one), arguments)


@cache
def program(devices: tuple[jax.Device, ...], vectorised: bool | None = None) -> Callable:
    """`advance` over devices: every argument but `first` and `count` has a leading axis of them.

    The members on a device are vectorised, except on a CPU: there one member's activations fit the
    cache and those of several do not, so that each trains its steps of the dispatch in turn.
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


class Spread(NamedTuple):
    """How many devices the members of a wave are on, and how many members each device has."""

    devices: int
    per_device: int


def spread_over(members: int, devices: int) -> Spread:
    """Members are spread over as many of the devices as they fill. Each spread is a compilation."""
    used = min(members, devices)
    return Spread(used, -(-members // used))


class Wave:
    """Members that are trained at the same time, spread over the devices.

    They differ in real-valued options and seeds alone. Where the devices are more than the members
    need, or do not divide them, the last places hold copies of the first member that nobody reads.
    """

    def __init__(self, recorders: Sequence[Recorder], devices: Sequence[jax.Device]) -> None:
        self.recorders = list(recorders)
        used, self.per_device = spread_over(len(self.recorders), len(devices))
        self.devices = tuple(devices)[:used]
        places = used * self.per_device
        self.filled = [*self.recorders, *[self.recorders[0]] * (places - len(self.recorders))]
        mesh = Mesh(np.array(self.devices), (AXIS,))
        self.sharding = NamedSharding(mesh, PartitionSpec(AXIS))
        self.program = program(self.devices)
        # Stacked as one pytree: models of several programs have no common structure, and fail here.
        self.models = self.spread([recorder.model for recorder in self.filled])
        keys = jnp.stack([recorder.keys.train for recorder in self.filled])
        self.keys = jax.device_put(keys.reshape(len(self.devices), -1), self.sharding)
        self.data = self._place_data(recorders[0].splits.train)
        self.rows: tuple[int, Array] | None = None

    def spread(self, trees: Sequence[PyTree]) -> PyTree:
        """One pytree a place -> one with leaves [devices, per device, …], on the devices."""

        def stack(*leaves: Array | float) -> Array:
            whole = np.stack([np.asarray(leaf) for leaf in leaves])
            whole = whole.astype(jax.dtypes.canonicalize_dtype(whole.dtype))
            shape = (len(self.devices), self.per_device, *whole.shape[1:])
            return jax.device_put(whole.reshape(shape), self.sharding)

        return jax.tree.map(stack, *trees)

    def members(self, states: Sequence[State]) -> Members:
        """The members where these states, one a member, are; none has diverged."""
        states = [*states, *[states[0]] * (len(self.filled) - len(states))]
        return Members(self.spread(states), self.spread([np.True_] * len(states)))

    def gathered(self, tree: PyTree) -> list[PyTree]:
        """The inverse of `spread`, on the host, for the members alone."""
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
        """Which rows of the data each member takes in a chunk of steps."""
        if self.rows is None or self.rows[0] != chunk:
            taken = []
            for recorder in self.filled:
                run, size = recorder.run, len(recorder.splits.train.labels)
                start, seed = chunk * CHUNK_STEPS, run.options.seed
                taken.append(indices(seed, start, CHUNK_STEPS, run.images_a_step, size))
            self.rows = chunk, self.spread([rows.astype(np.int32) for rows in taken])
        return self.rows[1]

    def advance(self, members: Members, step: int, count: int) -> tuple[Members, Metrics]:
        """`count` steps from `step` on, within one chunk. Metrics [devices, per device, chunk]."""
        rows = self._rows(step // CHUNK_STEPS)
        return self.program(
            self.models, members, self.keys, self.data, rows, step % CHUNK_STEPS, count
        )


class Ending(NamedTuple):
    """How a member ended: at which step, and whether it diverged there."""

    step: int
    diverged: bool


def fit(
    recorders: Sequence[Recorder],
    devices: Sequence[jax.Device],
    trained: Callable[[int, int], None] = lambda step, done: None,  # noqa: ARG005
    should_stop: Callable[[], bool] = lambda: False,
    report: Callable[[str], None] = print,
) -> list[Ending]:
    """Train members to their last step, all at once, each from its newest whole checkpoint.

    They must be of one program: the same model, static options, data, batch size and steps.
    `trained` is told the step reached and how many steps all members together have just done. When
    `should_stop` says so they are saved where they are. `report` is told of damaged checkpoints
    that were passed over. Members that are behind, for that reason, because a process was killed
    while it saved, or because seeds were added, catch up first. A member that diverges is marked so
    in its folder and stays as it was. Those at their end are summarised, unless that has been done.
    """
    last = recorders[0].run.options.steps
    states = {t: _restored(t, report) for t in recorders if t.run.diverged_at is None}
    while not should_stop():
        reached = sorted({last, *(int(state.step) for state in states.values())})
        if reached[0] == last:
            break
        behind = {t: state for t, state in states.items() if state.step == reached[0]}
        living = _fit(behind, devices, reached[1], trained, should_stop)
        states = {t: state for t, state in states.items() if t not in behind} | living
    endings = [_ending(recorder, states) for recorder in recorders]
    for recorder, ending in zip(recorders, endings, strict=True):
        ended = ending.diverged or ending.step == last
        if ended and not recorder.summarised and not should_stop():
            recorder.summarise()
    return endings


def _restored(recorder: Recorder, report: Callable[[str], None]) -> State:
    """Where a member is, on the host: `Wave` puts it where it belongs."""
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
    """Train members that are all at one step up to `end`. Returns those that did not diverge."""
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
    return living


def _alive(recorders: Sequence[Recorder], states: Sequence[State]) -> dict[Recorder, State]:
    pairs = zip(recorders, states, strict=True)
    return {recorder: state for recorder, state in pairs if recorder.run.diverged_at is None}


def _save(living: Mapping[Recorder, State], step: int) -> None:
    for recorder, state in living.items():
        recorder.save(state, step)


def _record(wave: Wave, members: Members, history: Metrics, step: int, count: int) -> bool:
    """Write the metrics of a dispatch; save a member that diverged in it, and mark it so.

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
