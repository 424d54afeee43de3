"""Checkpoints: training states as safetensors files, one per step, verified when they are read.

`step_00000500.safetensors` holds every leaf of the state under its key path, such as
"params/gen/Conv_0/bias". The header's metadata are `format`, `version`, `step` and `sha256`: the
digest, in hex, of the whole file with these 64 digits written as zeros. This rule is the same in
every version of the format, so that a newer file can be distinguished from a damaged one. Equal
states make equal files.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from gen_models.errors import UserError
from gen_models.storage import tensors
from gen_models.storage.files import atomic_write, remove_leftovers, write_error
from gen_models.version import OF_0_1

FORMAT = "gen_models.checkpoint"
VERSION = "2"  # gen_models 0.1 wrote version 1

PyTree = Any  # a pytree of arrays

_BLANK = "0" * 64  # in place of the digest while it is computed
_NAME = re.compile(r"step_([0-9]{8}|[1-9][0-9]{8,})\.safetensors")


class CheckpointError(UserError):
    """A checkpoint that cannot be used: unreadable, of another program, version or model."""


class DamagedCheckpointError(CheckpointError):
    """A checkpoint whose bytes differ from those that were written."""


class Checkpoint(NamedTuple):
    """A training state that was read."""

    step: int  # training step of the state
    state: PyTree  # NumPy arrays


def file_of(folder: Path, step: int) -> Path:
    """The file of the checkpoint of `step`."""
    return folder / f"step_{step:08d}.safetensors"


def save(folder: Path, state: PyTree, step: int, keep: int | None = None) -> Path:
    """Write `state` as the checkpoint of `step` in `folder`, and keep the newest `keep` >= 1 files,
    all of them if it is None.

    The one just written counts as the newest: checkpoints of later steps are damaged ones that a
    resumed run has skipped, and are removed, as are half-written files of a killed process. Raises
    UserError if the file cannot be written; the earlier checkpoints are then unchanged.
    """
    if keep is not None and keep < 1:
        raise CheckpointError(f"cannot keep {keep} checkpoints: keep 1 or more")
    path = file_of(folder, step)
    head, body = _serialise(state, step)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
    except OSError as error:
        raise write_error(path, error) from error
    with atomic_write(path) as file:
        file.write(head)
        file.write(body)
    forget_after(folder, step)
    if keep is not None:
        keep_newest(folder, keep)
    return path


def load(path: Path, template: PyTree) -> PyTree:
    """The verified state in the file `path`, as NumPy arrays in the structure of `template`.

    `template` is a pytree of the expected arrays or `jax.ShapeDtypeStruct`s. Raises
    DamagedCheckpointError for a file that is not as it was written, and CheckpointError for one
    that cannot be read, is no checkpoint, has a newer format or holds another model's state.
    """
    return _read(path, template).state


def steps(folder: Path) -> list[int]:
    """Steps of the checkpoints in `folder`, ascending; [] if the folder does not exist."""
    try:
        matches = [_NAME.fullmatch(path.name) for path in folder.iterdir() if path.is_file()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CheckpointError(f"cannot read the folder {folder}: {error.strerror}") from error
    return sorted(int(match[1]) for match in matches if match)


def load_newest(folder: Path, template: PyTree, report: Callable[[str], None]) -> Checkpoint | None:
    """The newest whole checkpoint in `folder`; None if there is none.

    `report` is called with a line about each damaged one that is skipped. Raises CheckpointError if
    all are damaged, and as `load` does for a whole one that cannot be used: continuing silently
    from an older one would undo training that is not lost.
    """
    damages = []
    for step in reversed(steps(folder)):
        try:
            return _read(file_of(folder, step), template)
        except DamagedCheckpointError as error:
            damages.append(str(error))
            report(f"{error}; looking at the checkpoint before it")
    if damages:
        reasons = "\n  ".join(damages)
        raise CheckpointError(
            f"every checkpoint in {folder} is damaged; put back a copy, or delete the folder to "
            f"start the run again:\n  {reasons}"
        )
    return None


def _serialise(state: PyTree, step: int) -> tuple[bytes, memoryview]:
    """The file of `state` in two parts: the header with its length, the bytes of the tensors."""
    leaves = tensors.named(jax.device_get(state))
    data = safetensors.numpy.save({name: np.asarray(x, order="C") for name, x in leaves.items()})
    start = 8 + int.from_bytes(data[:8], "little")
    # The library would write metadata in random order, but equal states must make equal files.
    metadata = {"format": FORMAT, "version": VERSION, "step": str(step), "sha256": _BLANK}
    header = json.dumps({"__metadata__": metadata, **json.loads(data[8:start])}).encode()
    header += b" " * (-len(header) % 8)  # as the format requires, so that tensors are aligned
    head = len(header).to_bytes(8, "little") + header
    body = memoryview(data)[start:]
    digest = hashlib.sha256(head)
    digest.update(body)
    # The metadata come first, so the first 64 zeros are the place of the digest.
    return head.replace(_BLANK.encode(), digest.hexdigest().encode(), 1), body


def _read(path: Path, template: PyTree) -> Checkpoint:
    """The checkpoint in the file `path`. Raises as `load` does."""
    if not path.is_file():  # reading a pipe would never end
        raise CheckpointError(f"{path}: there is no such file")
    try:
        # pread, because a mapped file that is truncated meanwhile kills the process.
        with safe_open(path, framework="numpy", backend="pread") as file:
            metadata = file.metadata() or {}
            _check_origin(path, metadata)
            return Checkpoint(int(metadata["step"]), _read_tensors(path, file, template))
    except SafetensorError as error:
        reason = str(error).removeprefix("Error while deserializing header: ")
        raise DamagedCheckpointError(f"{path} is damaged: {reason:.200}") from error
    except OSError as error:
        reason = error.strerror or error
        raise CheckpointError(f"cannot read {path}: {reason}; mend or delete it") from error


def _check_origin(path: Path, metadata: Mapping[str, str]) -> None:
    """Check that the file is a checkpoint, is whole and has this version, in this order.

    A file is foreign if it has neither our format nor a digest: one wrong bit cannot remove both.
    """
    name, recorded = metadata.get("format"), metadata.get("sha256")
    if name != FORMAT and recorded is None:
        raise CheckpointError(f"{path} is a safetensors file, but no checkpoint of gen_models")
    if recorded is None or not re.fullmatch(r"[0-9a-f]{64}", recorded):
        raise DamagedCheckpointError(f"{path} is damaged: its header holds no SHA-256 digest")
    if _digest(path, recorded) != recorded:
        raise DamagedCheckpointError(f"{path} is damaged: its bytes do not match its digest")
    version = metadata.get("version", "")
    if (name, version) == (FORMAT, "1"):
        raise CheckpointError(f"{path} is {OF_0_1}")
    if name != FORMAT or version != VERSION:
        raise CheckpointError(
            f"{path} has format {name!r:.80} version {version!r:.20}; this gen_models reads "
            f"{FORMAT!r} version {VERSION!r}: use the gen_models that wrote it"
        )
    if not re.fullmatch(r"[0-9]{1,18}", metadata.get("step", "")):
        raise CheckpointError(f"{path} does not say its training step; delete it")


def _digest(path: Path, recorded: str) -> str:
    """SHA-256 of the file, in hex, with its recorded digest replaced by zeros."""
    with path.open("rb") as file:
        length = file.read(8)
        header = file.read(int.from_bytes(length, "little"))  # safe_open has checked the length
        digest = hashlib.sha256(length)
        digest.update(header.replace(recorded.encode(), _BLANK.encode()))
        return hashlib.file_digest(file, lambda: digest).hexdigest()


def _read_tensors(path: Path, file: safe_open, template: PyTree) -> PyTree:
    """The tensors of the open `file` in the structure of `template`, if they fit it."""
    wanted = _layouts(template)
    stored = {}
    for name in file.keys():  # noqa: SIM118 (not a dict: it cannot be iterated)
        tensor = file.get_slice(name)  # reads nothing yet
        stored[name] = f"{tensor.get_dtype()}{tensor.get_shape()}"
    differences = [f"{name} is missing" for name in wanted if name not in stored]
    differences += [f"{name:.200} is unknown" for name in stored if name not in wanted]
    differences += [
        f"{name} is {stored[name]:.200}, not {layout}"
        for name, layout in wanted.items()
        if stored.get(name, layout) != layout
    ]
    if differences:
        more = f"; and {len(differences) - 4} more" if len(differences) > 4 else ""
        raise CheckpointError(
            f"{path} is the checkpoint of another model or configuration: "
            + "; ".join(differences[:4])
            + more
        )
    leaves = [file.get_tensor(name) for name in wanted]
    return jax.tree.unflatten(jax.tree.structure(template), leaves)


def _layouts(template: PyTree) -> dict[str, str]:
    """Type and shape of each leaf by name, in the format's notation, such as "F32[2, 3]"."""
    leaves = tensors.named(template)
    # The library's names of types are found only in the headers that it writes.
    empty = safetensors.numpy.save({name: np.empty(0, x.dtype) for name, x in leaves.items()})
    header = json.loads(empty[8:])
    return {name: f"{header[name]['dtype']}{list(x.shape)}" for name, x in leaves.items()}


def forget_after(folder: Path, step: int) -> None:
    """Remove the checkpoints of steps after `step`. Raises UserError."""
    for later in (other for other in steps(folder) if other > step):
        _remove(file_of(folder, later))


def keep_newest(folder: Path, count: int) -> None:
    """Remove all checkpoints but the newest `count`. Raises UserError."""
    for older in steps(folder)[:-count]:
        _remove(file_of(folder, older))


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"cannot delete {path}: {error.strerror}") from error
