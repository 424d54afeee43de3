"""Event files: what TensorBoard would read is what was trained."""

import errno

import numpy as np
import pytest
from tensorboardX.proto import event_pb2

from gen_models.errors import UserError
from gen_models.training.event_files import EventFiles


def read_events(path):
    data, events = path.read_bytes(), []
    while data:
        length = int.from_bytes(data[:8], "little")
        events.append(event_pb2.Event.FromString(data[12 : 12 + length]))
        data = data[16 + length :]
    return events


def test_each_step_has_its_values_and_a_resumed_session_says_where_it_starts(tmp_path):
    files = EventFiles(tmp_path / "events")
    files.started(7)
    files.trained(10, {"loss": np.float32([3, 2, 1]), "kl": np.float32([0, 0.5, 1])})
    version, restart, *steps = read_events(next((tmp_path / "events").iterdir()))
    assert version.file_version == "brain.Event:2"
    assert (restart.step, restart.session_log.status) == (8, event_pb2.SessionLog.START)
    values = [{v.tag: v.simple_value for v in event.summary.value} for event in steps]
    assert [event.step for event in steps] == [8, 9, 10]
    assert values == [{"loss": 3, "kl": 0}, {"loss": 2, "kl": 0.5}, {"loss": 1, "kl": 1}]


def test_a_folder_that_cannot_be_written_is_a_user_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write .*file") as error:
        EventFiles(tmp_path / "file" / "events").started(0)
    assert error.value.__cause__.errno in (errno.ENOTDIR, errno.EEXIST)
