"""Checkpoints: every bit comes back, or the reader says why not and goes one back."""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gen_models.errors import UserError
from gen_models.runs import checkpoint
from gen_models.runs.checkpoint import CheckpointError, DamagedCheckpointError

EXAMPLES = int(os.environ.get("GEN_MODELS_FUZZ", "1000")) // 5
FUZZ = settings(
    deadline=None,
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class State(NamedTuple):
    step: Any
    params: Any
    opt: Any
    extra: Any


def make_state(seed=0):
    params = {
        "gen": {"kernel": jax.random.normal(jax.random.key(seed), (3, 4)), "bias": jnp.ones(4)}
    }
    return State(
        step=jnp.int32(seed),
        params=params,
        opt=optax.adam(1e-3).init(params),
        extra=(
            jnp.array([1.0, jnp.nan, -0.0, jnp.inf], jnp.bfloat16),
            np.zeros((0, 3), np.float16),
            np.array([True, False]),
            np.uint8(200),
            np.array([1, 2**31], np.uint32),
            None,
            {},
        ),
    )


def assert_same(first, second):
    assert jax.tree.structure(first) == jax.tree.structure(second)
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def fail(message):
    raise AssertionError(message)


def flip(path, place, bit=0):
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


def run(script, folder):
    """Run the Python `script` in a process of its own, with `folder` as its argument."""
    return subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
    )


def sealed(header, body=b""):
    """A file with this header whose digest, where the header has zeros for it, is right."""
    text = json.dumps(header).encode()
    head = len(text).to_bytes(8, "little") + text
    digest = hashlib.sha256(head + body).hexdigest()
    return head.replace(b"0" * 64, digest.encode(), 1) + body


METADATA = {
    "format": checkpoint.FORMAT,
    "version": checkpoint.VERSION,
    "step": "5",
    "sha256": "0" * 64,
}
TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
TEMPLATE = {"x": np.zeros(2, np.float32)}


# --- what is written comes back


@pytest.mark.parametrize("abstract", [False, True])
def test_every_bit_of_a_saved_state_comes_back(tmp_path, abstract):
    state = make_state(7)
    path = checkpoint.save(tmp_path / "checkpoints", state, step=500, keep=1)
    assert path == tmp_path / "checkpoints" / "step_00000500.safetensors"
    template = jax.eval_shape(lambda: make_state(1)) if abstract else make_state(1)
    loaded = checkpoint.load(path, template)
    assert_same(loaded, state)
    assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(loaded))


def test_arrays_of_any_memory_order_come_back(tmp_path):
    state = {"x": np.arange(6.0).reshape(2, 3).T, "y": np.arange(6)[::2], "z": np.uint64(2**63)}
    assert_same(checkpoint.load(checkpoint.save(tmp_path, state, 0, 1), state), state)


@pytest.mark.parametrize("state", [np.float32(3), (), {"a": {}}, [np.ones(2), np.ones(3)]])
def test_any_pytree_comes_back(tmp_path, state):
    assert_same(checkpoint.load(checkpoint.save(tmp_path, state, 0, 1), state), state)


def test_equal_states_make_equal_files(tmp_path):
    files = [checkpoint.save(tmp_path / str(i), make_state(), 3, 1) for i in range(4)]
    assert len({path.read_bytes() for path in files}) == 1


def test_the_file_is_safetensors_and_says_what_it_is(tmp_path):
    path = checkpoint.save(tmp_path, make_state(), 12, 1)
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
        assert "params/gen/kernel" in file.keys()  # noqa: SIM118
    blank = path.read_bytes().replace(metadata["sha256"].encode(), b"0" * 64)
    assert metadata == METADATA | {"step": "12", "sha256": hashlib.sha256(blank).hexdigest()}


def test_leaves_that_would_share_a_name_are_refused(tmp_path):
    with pytest.raises(ValueError, match="same key path"):
        checkpoint.save(tmp_path, {"a": {"b": np.ones(1)}, "a/b": np.ones(1)}, 0, 1)


# --- which files stay


def test_save_keeps_the_newest_files(tmp_path):
    for step in (100, 5, 200, 99_999_999, 100_000_000):
        checkpoint.save(tmp_path, make_state(), step, keep=9)
    # A save goes back in time only past damaged files, so later ones go.
    assert checkpoint.steps(tmp_path) == [5, 200, 99_999_999, 100_000_000]
    checkpoint.save(tmp_path, make_state(), 100_000_001, keep=2)
    assert checkpoint.steps(tmp_path) == [100_000_000, 100_000_001]
    checkpoint.save(tmp_path, make_state(), 7, keep=1)
    assert checkpoint.steps(tmp_path) == [7]
    with pytest.raises(UserError, match="keep 1 or more"):
        checkpoint.save(tmp_path, make_state(), 8, keep=0)


def test_save_leaves_other_files_alone(tmp_path):
    others = ["step_1.safetensors", "step_000000001.safetensors", "best.safetensors", ".x.1-a.tmp"]
    for name in others:
        (tmp_path / name).write_bytes(b"mine")
    (tmp_path / "step_00000001.safetensors").mkdir()
    checkpoint.save(tmp_path, make_state(), 2, keep=1)
    assert checkpoint.steps(tmp_path) == [2]
    assert set(others) | {"step_00000001.safetensors"} < set(names(tmp_path))


def test_save_removes_leftovers_of_dead_processes(tmp_path):
    child = subprocess.Popen(["sleep", "60"])
    alive, dead = subprocess.Popen(["sleep", "60"]), child.pid
    child.kill()
    child.wait()
    try:
        left = {
            pid: tmp_path / f".step_00000001.safetensors.{pid}-0a1b2c3d.tmp"
            for pid in (dead, alive.pid, os.getpid())
        }
        for path in left.values():
            path.write_bytes(b"half")
        checkpoint.save(tmp_path, make_state(), 2, keep=1)
        assert names(tmp_path) == [left[alive.pid].name, "step_00000002.safetensors"]
    finally:
        alive.kill()
        alive.wait()


# --- writing that fails


def test_a_failing_write_leaves_the_earlier_ones_whole(tmp_path, monkeypatch):
    checkpoint.save(tmp_path, make_state(1), 1, keep=1)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        checkpoint.save(tmp_path, make_state(2), 2, keep=1)
    assert names(tmp_path) == ["step_00000001.safetensors"]
    step, state = checkpoint.load_newest(tmp_path, make_state(), fail)
    assert step == 1
    assert_same(state, make_state(1))


def test_a_full_disk_leaves_the_earlier_ones_whole(tmp_path):
    script = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from gen_models.errors import UserError
from gen_models.runs import checkpoint
folder = Path(sys.argv[1])
checkpoint.save(folder, {"x": np.zeros(9)}, 1, keep=1)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    checkpoint.save(folder, {"x": np.zeros(99_999)}, 2, keep=1)
except UserError as error:
    print(error)
"""
    done = run(script, tmp_path)
    assert done.stderr == ""
    assert "step_00000002.safetensors: File too large" in done.stdout
    assert names(tmp_path) == ["step_00000001.safetensors"]
    assert checkpoint.load_newest(tmp_path, {"x": np.ones(9)}, fail)[0] == 1


def test_a_folder_that_cannot_be_made_is_a_user_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="cannot write"):
        checkpoint.save(tmp_path / "file", make_state(), 1, 1)
    with pytest.raises(CheckpointError, match="cannot read"):
        checkpoint.load_newest(tmp_path / "file", make_state(), fail)


# --- reading what is damaged


def test_newest_of_no_checkpoints_is_none(tmp_path):
    assert checkpoint.load_newest(tmp_path, make_state(), fail) is None
    assert checkpoint.load_newest(tmp_path / "absent", make_state(), fail) is None
    with pytest.raises(CheckpointError, match="no such file"):
        checkpoint.load(tmp_path / "absent", make_state())


def test_each_flipped_bit_is_damage(tmp_path):
    path = checkpoint.save(tmp_path, TEMPLATE, 5, 1)
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content)
        flip(path, place, bit=place % 8)
        with pytest.raises(DamagedCheckpointError, match=path.name):
            checkpoint.load(path, TEMPLATE)


def test_each_truncation_is_damage(tmp_path):
    path = checkpoint.save(tmp_path, TEMPLATE, 5, 1)
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        with pytest.raises(DamagedCheckpointError):
            checkpoint.load(path, TEMPLATE)
    path.write_bytes(content + b"\0")
    with pytest.raises(DamagedCheckpointError):
        checkpoint.load(path, TEMPLATE)


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage" * 99, b"\xff" * 64, (90 << 20).to_bytes(8, "little") + b"{}", b"[" * 99_999],
)
def test_garbage_is_damage(tmp_path, content):
    path = tmp_path / "step_00000001.safetensors"
    path.write_bytes(content)
    with pytest.raises(DamagedCheckpointError):
        checkpoint.load(path, TEMPLATE)


def test_load_of_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "step_00000001.safetensors")
    assert checkpoint.load_newest(tmp_path, TEMPLATE, fail) is None
    with pytest.raises(CheckpointError, match="no such file"):
        checkpoint.load(tmp_path / "step_00000001.safetensors", TEMPLATE)


def test_a_damaged_newest_is_reported_and_the_one_before_taken(tmp_path):
    for step in (1, 2, 3):
        path = checkpoint.save(tmp_path, make_state(step), step, keep=3)
    flip(path, -1)
    flip(tmp_path / "step_00000002.safetensors", 0)
    reports = []
    step, state = checkpoint.load_newest(tmp_path, make_state(), reports.append)
    assert step == 1
    assert_same(state, make_state(1))
    assert ["step_00000003" in reports[0], "step_00000002" in reports[1]] == [True, True]
    assert "do not match its digest" in reports[0]


def test_newest_names_every_checkpoint_where_all_are_damaged(tmp_path):
    for step in (1, 2):
        flip(checkpoint.save(tmp_path, make_state(), step, keep=2), -1)
    with pytest.raises(
        CheckpointError, match=r"(?s)every checkpoint.*step_00000002.*step_00000001"
    ):
        checkpoint.load_newest(tmp_path, make_state(), lambda _: None)


# --- reading what is whole, but not ours


def refused(folder, template, match):
    """`load_newest` raises though there is an older usable one: nothing is taken silently."""
    with pytest.raises(CheckpointError, match=match) as caught:
        checkpoint.load_newest(folder, template, fail)
    assert not isinstance(caught.value, DamagedCheckpointError)
    return str(caught.value)


def test_a_newer_version_is_refused(tmp_path):
    checkpoint.save(tmp_path, TEMPLATE, 1, 1)
    newer = {"__metadata__": METADATA | {"version": "3"}, "x": TENSOR}
    (tmp_path / "step_00000005.safetensors").write_bytes(sealed(newer, bytes(8)))
    refused(tmp_path, TEMPLATE, "version '3'.*use the gen_models that wrote it")


def test_a_foreign_file_is_refused(tmp_path):
    checkpoint.save(tmp_path, TEMPLATE, 1, 1)
    safetensors.numpy.save_file(TEMPLATE, tmp_path / "step_00000005.safetensors", {"format": "pt"})
    refused(tmp_path, TEMPLATE, "no checkpoint of gen_models")


def test_another_models_state_is_refused_with_the_differences(tmp_path):
    checkpoint.save(tmp_path, TEMPLATE, 1, 9)
    checkpoint.save(tmp_path, {"a": {"b": np.zeros((2, 3), np.float32)}, "c": np.int32(1)}, 2, 9)
    assert "x is missing; a/b is unknown; c is unknown" in refused(
        tmp_path, TEMPLATE, "another model"
    )
    other = {"a": {"b": np.zeros((3, 3), np.float32)}, "c": np.int64(1)}
    message = refused(tmp_path, other, "another model")
    assert "a/b is F32[2, 3], not F32[3, 3]; c is I32[], not I64[]" in message
    refused(tmp_path, {f"leaf{i}": np.ones(1) for i in range(50)}, "and 48 more")


# --- reading anything at all


@st.composite
def mutated(draw, content):
    """`content` after some bit flips, cuts, insertions and overwritten stretches."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "delete", "overwrite", "length"]))
        stretch = draw(st.binary(min_size=1, max_size=8))
        if kind == "flip" and place < len(content):
            content[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del content[place:]
        elif kind == "insert":
            content[place:place] = stretch
        elif kind == "delete":
            del content[place : place + draw(st.integers(1, 64))]
        elif kind == "overwrite":
            content[place : place + len(stretch)] = stretch
        elif kind == "length":
            content[:8] = draw(st.integers(0, 2**64 - 1)).to_bytes(8, "little")
    return bytes(content)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    path = checkpoint.save(folder, make_state(5), 5, 1)
    yield path.read_bytes()
    shutil.rmtree(folder)


@FUZZ
@given(data=st.data())
def test_any_bytes_are_the_same_state_or_a_checkpoint_error(tmp_path, written, data):
    path = tmp_path / "step_00000005.safetensors"
    path.write_bytes(data.draw(mutated(written)))
    try:
        state = checkpoint.load(path, make_state())
    except CheckpointError as error:
        assert str(path) in str(error)
    else:
        assert_same(state, make_state(5))


texts = st.sampled_from(
    ["", "1", "2", "9" * 5000, "-1", "٣", "0" * 64, "F32", "F4", "F8_E8M0", "x"]
)
numbers = st.sampled_from([0, 1, 2, 8, -1, 2**31, 2**62, 2**64, 1e400, 0.5])
anything = st.recursive(
    st.none() | texts | numbers, lambda x: st.lists(x, max_size=4) | st.dictionaries(texts, x)
)


@FUZZ
@given(
    metadata=st.fixed_dictionaries({}, optional=dict.fromkeys(METADATA, texts)),
    tensor=st.fixed_dictionaries(
        {},
        optional={
            "dtype": texts,
            "shape": st.lists(numbers, max_size=70),
            "data_offsets": st.lists(numbers, min_size=2, max_size=2),
        },
    ),
    more=st.dictionaries(texts, anything, max_size=2),
)
def test_any_sealed_header_is_read_or_a_checkpoint_error(tmp_path, metadata, tensor, more):
    header = {"__metadata__": METADATA | metadata, "x": TENSOR | tensor} | more
    path = tmp_path / "step_00000005.safetensors"
    path.write_bytes(sealed(header, bytes(8)))
    try:
        assert_same(checkpoint.load(path, TEMPLATE), TEMPLATE)
    except CheckpointError as error:
        assert str(path) in str(error)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_a_size_that_a_header_claims_allocates_nothing(tmp_path):
    """Files that claim a 90 MB header and 4 TB of numbers are refused within 32 MB."""
    huge = {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}
    (tmp_path / "header").write_bytes((90 << 20).to_bytes(8, "little") + b"{}")
    (tmp_path / "tensor").write_bytes(sealed({"__metadata__": METADATA, "x": huge}))
    script = """
import resource, sys
from pathlib import Path
import jax, numpy as np
from gen_models.runs import checkpoint
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 2**25, now + 2**25))
for name in ("header", "tensor"):
    try:
        checkpoint.load(Path(sys.argv[1], name), {"x": jax.ShapeDtypeStruct((2**40,), np.float32)})
    except checkpoint.DamagedCheckpointError as error:
        print("refused")
"""
    done = run(script, tmp_path)
    assert (done.stdout, done.stderr) == ("refused\nrefused\n", "")
