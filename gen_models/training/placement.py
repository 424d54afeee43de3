"""Placement of a run's arrays on one device, on several, or on the devices of several machines.

On several devices the batch axis is split and the parameters are replicated. The program is the
same, seen globally (Xu et al. 2021, GSPMD): gradients and batch statistics are those of the whole
batch, and the compiler inserts the communication between devices.
"""

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from gen_models.algorithm import State
from gen_models.data.stream import Chunk
from gen_models.fields import ConfigError
from gen_models.runs import environment


def check_devices(devices: int) -> None:
    """Raise ConfigError unless `devices` is between 1 and the number of devices; UserError if there
    are none."""
    found = len(environment.devices())
    if not 1 <= devices <= found:
        raise ConfigError(
            f"devices is {devices}, expected at least 1 and at most {found}, the number of devices "
            "here"
        )


class Placement:
    """Placement of chunks and states on devices, and agreement of several processes."""

    def __init__(self, devices: int, batch_size: int) -> None:
        """Raise ConfigError for too many devices, or a batch size that they do not divide."""
        check_devices(devices)
        found = jax.devices()
        processes = jax.process_count()
        if processes > 1 and devices not in (1, len(found)):
            raise ConfigError(
                f"devices is {devices}, but {processes} processes use one each or all {len(found)}"
            )
        if batch_size % devices:
            raise ConfigError(
                f"batch_size is {batch_size}, expected a multiple of the {devices} devices"
            )
        self.devices = devices
        self.shared = devices > 1 and processes > 1  # whether several processes run one program
        if devices > 1:
            mesh = jax.make_mesh(
                (devices,), ("batch",), axis_types=(AxisType.Auto,), devices=found[:devices]
            )
            self.everywhere = NamedSharding(mesh, PartitionSpec())
            self.split = NamedSharding(mesh, PartitionSpec(None, "batch"))

    def chunk(self, chunk: Chunk) -> Chunk:
        """A NumPy chunk on the devices; each process transfers only the part of its own devices."""
        if self.devices == 1:
            return jax.device_put(chunk)
        shardings = (self.everywhere, self.split, self.split)
        return Chunk(*(self._global(x, s) for x, s in zip(chunk, shardings, strict=True)))

    def state(self, state: State) -> State:
        """A state from the host on the devices; with several processes, that of process 0."""
        if self.devices == 1:
            return jax.device_put(state)
        if self.shared:
            state = multihost_utils.broadcast_one_to_all(jax.device_get(state))
        return jax.tree.map(lambda leaf: self._global(leaf, self.everywhere), state)

    def _global(self, array: np.ndarray, sharding: NamedSharding) -> jax.Array:
        array = np.asarray(array)
        return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])

    def local(self, state: State) -> State:
        """The state where one process alone can compute with it."""
        return state if self.devices == 1 else jax.device_get(state)

    def agreed(self, stop: bool, pace: int) -> tuple[bool, int]:
        """Whether any process wants to stop, and the pace of process 0, equal in all processes."""
        if not self.shared:
            return stop, pace
        everyone = multihost_utils.process_allgather(np.array([stop, pace], np.int32))
        return bool(everyone[:, 0].any()), int(everyone[0, 1])
