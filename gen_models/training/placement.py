"""Where a run's arrays are: on one device, on several, or on the devices of several machines.

Over several devices the batch axis is split and the parameters are everywhere. The program is the
same, seen globally (Xu et al. 2021, GSPMD): gradients and batch statistics are those of the whole
batch, and the compiler puts in what the devices have to tell each other.
"""

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from gen_models.algorithm import State
from gen_models.data.stream import Chunk
from gen_models.fields import ConfigError


def check_devices(devices: int) -> None:
    """Raises ConfigError unless there are so many devices, and it is one or more."""
    found = len(jax.devices())
    if not 1 <= devices <= found:
        raise ConfigError(
            f"devices is {devices}, but there {'is' if found == 1 else 'are'} {found}"
        )


class Placement:
    """Puts chunks and states where they belong, and keeps several processes in step."""

    def __init__(self, devices: int, batch_size: int) -> None:
        """Raises ConfigError for more devices than there are, or a batch that does not divide."""
        check_devices(devices)
        found = jax.devices()
        processes = jax.process_count()
        if processes > 1 and devices not in (1, len(found)):
            raise ConfigError(
                f"devices is {devices}, but {processes} processes use one each or all {len(found)}"
            )
        if batch_size % devices:
            raise ConfigError(f"batch_size is {batch_size}, which {devices} devices do not divide")
        self.devices = devices
        self.shared = devices > 1 and processes > 1  # with other processes, in one program
        if devices > 1:
            mesh = jax.make_mesh(
                (devices,), ("batch",), axis_types=(AxisType.Auto,), devices=found[:devices]
            )
            self.everywhere = NamedSharding(mesh, PartitionSpec())
            self.split = NamedSharding(mesh, PartitionSpec(None, "batch"))

    def chunk(self, chunk: Chunk) -> Chunk:
        """A NumPy chunk on the devices; each process puts only its own devices' part there."""
        if self.devices == 1:
            return jax.device_put(chunk)
        shardings = (self.everywhere, self.split, self.split)
        return Chunk(*(self._global(x, s) for x, s in zip(chunk, shardings, strict=True)))

    def state(self, state: State) -> State:
        """A host's state on the devices; that of process 0, where there are several."""
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
        """Whether any process wants to stop, and the pace of process 0: the same for all."""
        if not self.shared:
            return stop, pace
        everyone = multihost_utils.process_allgather(np.array([stop, pace], np.int32))
        return bool(everyone[:, 0].any()), int(everyone[0, 1])
