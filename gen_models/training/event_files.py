"""A run's metrics as event files, which TensorBoard reads."""

import os
import struct
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tensorboardX.proto import event_pb2, summary_pb2
from tensorboardX.record_writer import masked_crc32c

from gen_models.storage.files import write_error


class EventFiles:
    """Observer that writes the metrics as TensorBoard scalars, one file per session.

    The calling thread does the writing, so that a full disk raises an error here.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"events.out.tfevents.{time.time():.0f}.{os.getpid()}"

    def started(self, step: int) -> None:
        # TensorBoard then drops what an earlier session wrote about this and later steps.
        started = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        version = event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2")
        restart = event_pb2.Event(wall_time=time.time(), step=step + 1, session_log=started)
        self._append([version, restart])

    def trained(self, step: int, history: dict[str, np.ndarray]) -> None:
        now, count = time.time(), len(next(iter(history.values())))
        self._append(
            event_pb2.Event(
                wall_time=now,
                step=step + 1 - count + i,
                summary=summary_pb2.Summary(
                    value=[
                        summary_pb2.Summary.Value(tag=name, simple_value=float(values[i]))
                        for name, values in history.items()
                    ]
                ),
            )
            for i in range(count)
        )

    def _append(self, events: Iterable[event_pb2.Event]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                for event in events:
                    file.write(_record(event.SerializeToString()))
        except OSError as error:
            raise write_error(self.path, error) from error


def _record(data: bytes) -> bytes:
    """One TFRecord: length of the data, checksum of the length, data, checksum of the data."""
    length = struct.pack("<Q", len(data))
    checks = (struct.pack("<I", masked_crc32c(part)) for part in (length, data))
    return length + next(checks) + data + next(checks)
