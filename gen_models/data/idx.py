"""Read and write IDX, the file format of MNIST.

An IDX file is two zero bytes, a type byte, a rank byte, one big-endian u32 per dimension, then
the values, big-endian and row-major, and nothing else. A rank of zero is allowed: a scalar.
"""

import gzip
import hashlib
import math
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from gen_models.errors import UserError
from gen_models.storage.files import atomic_write

TYPES = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
MAX_GZIP_PAYLOAD_BYTES = 2**30

_GZIP_MAGIC = b"\x1f\x8b"
_DEFLATE_MAX_RATIO = 1032  # 258 bytes from the two bits of the shortest match
_NUMPY_MAX_RANK = 64
_PIECE_BYTES = 2**20


class IdxError(UserError):
    """A file that is not a whole, well-formed IDX file, or cannot be read or written."""


class _Header(NamedTuple):
    dtype: np.dtype  # big-endian
    shape: tuple[int, ...]  # one entry per dimension

    @property
    def header_bytes(self) -> int:
        return 4 + 4 * len(self.shape)

    @property
    def payload_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype.name}[{', '.join(map(str, self.shape))}]"


def read(path: str | Path) -> np.ndarray:
    """Read an IDX file, raw or gzip (told apart by its first bytes, not by its name).

    Returns a read-only array of the file's shape and big-endian dtype (u1, i1, >i2, >i4, >f4, >f8).
    For a raw file it is a memory map: nothing is copied, and it may be larger than memory. The
    size of the file limits what is allocated, whatever its header claims.

    Raises IdxError: the file is missing, unreadable or malformed in any way.
    """
    path = Path(path)
    try:
        # Checked before it is opened, because opening a named pipe waits for a writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise IdxError(f"cannot read {path}: it is not a file; give the path of an IDX file")
        with path.open("rb") as file:
            file_bytes = file.seek(0, 2)
            file.seek(0)
            start = file.read(2)
            file.seek(0)
            if start == _GZIP_MAGIC:
                return _read_gzip(path, file, file_bytes)
            return _read_raw(path, file, file_bytes)
    except OSError as error:
        raise IdxError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:  # a path with a null byte, a file truncated while it is mapped
        raise IdxError(f"cannot read {path}: {error}") from error


def write(path: str | Path, array: np.ndarray, compress: bool = False) -> None:
    """Write `array` (u8, i8, i16, i32, f32 or f64, any shape and byte order) as an IDX file.

    The file appears whole or not at all. The same array gives the same bytes, compressed or not.

    Raises IdxError: IDX has no such type or dimension, or the file cannot be written.
    """
    array = np.asarray(array)
    try:
        head = header(array)
    except IdxError as error:
        raise IdxError(f"cannot write {path}: {error}") from error
    try:
        with atomic_write(path) as file:
            if compress:
                # No name or time in the gzip header, so that equal arrays give equal files.
                with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                    _write_to(packed, head, array)
            else:
                _write_to(file, head, array)
    except UserError as error:
        raise IdxError(str(error)) from error


def header(array: np.ndarray) -> bytes:
    """The IDX header of `array`. Raises IdxError: IDX has no such type or dimension."""
    wanted = array.dtype.newbyteorder(">")
    code = next((code for code, dtype in TYPES.items() if dtype == wanted), None)
    if code is None:
        allowed = ", ".join(dtype.name for dtype in TYPES.values())
        raise IdxError(f"IDX has no type {array.dtype}; convert the array to one of {allowed}")
    if any(size >= 2**32 for size in array.shape):
        raise IdxError(f"a dimension of {array.shape} exceeds {2**32 - 1}, the most IDX can hold")
    return bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()


def digest(array: np.ndarray) -> str:
    """SHA-256, in hex, of the uncompressed IDX file that holds `array`."""
    sha = hashlib.sha256(header(array))
    for piece in _pieces(array):
        sha.update(piece)
    return sha.hexdigest()


def _write_to(file: BinaryIO | gzip.GzipFile, head: bytes, array: np.ndarray) -> None:
    file.write(head)
    for piece in _pieces(array):
        file.write(piece)


def _pieces(array: np.ndarray) -> Iterator[memoryview]:
    """The big-endian, row-major bytes of `array`, a few rows at a time: it may exceed memory."""
    if array.size == 0:
        return
    rows = np.atleast_1d(array)
    step = max(1, _PIECE_BYTES * len(rows) // rows.nbytes)
    for start in range(0, len(rows), step):
        piece = np.ascontiguousarray(rows[start : start + step], rows.dtype.newbyteorder(">"))
        yield memoryview(piece.reshape(-1).view(np.uint8))


def _read_raw(path: Path, file: BinaryIO, file_bytes: int) -> np.ndarray:
    head = _parse_header(path, file)
    value_bytes = file_bytes - head.header_bytes
    if value_bytes < head.payload_bytes:
        raise _truncated(path, head, value_bytes)
    if value_bytes > head.payload_bytes:
        raise _overlong(path, head, f"{value_bytes - head.payload_bytes} more bytes")
    return np.memmap(file, head.dtype, "r", head.header_bytes, head.shape)


def _read_gzip(path: Path, file: BinaryIO, file_bytes: int) -> np.ndarray:
    with gzip.GzipFile(fileobj=file, mode="rb") as packed:
        try:
            head = _parse_header(path, packed)
            _check_claim(path, head, file_bytes)
            values = np.empty(head.payload_bytes, np.uint8)
            done = 0
            while done < values.size:
                count = packed.readinto(memoryview(values)[done : done + _PIECE_BYTES])
                if count == 0:
                    raise _truncated(path, head, done)
                done += count
            if packed.read(1):  # reaching the end also makes GzipFile check the CRC and the length
                raise _overlong(path, head, "more bytes")
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise IdxError(
                f"{path}: broken gzip near byte {file.tell()} of {file_bytes}, after byte "
                f"{packed.tell()} of its content: {error}; get the file again"
            ) from error
    values.flags.writeable = False
    return values.view(head.dtype).reshape(head.shape)


def _check_claim(path: Path, head: _Header, file_bytes: int) -> None:
    """Raise IdxError for a payload that this gzip file cannot hold, before memory is allocated."""
    if head.payload_bytes > file_bytes * _DEFLATE_MAX_RATIO:
        raise IdxError(
            f"{path}: byte 4 (uncompressed): the header claims {head}, {head.payload_bytes} bytes; "
            f"{file_bytes} bytes of gzip hold at most {file_bytes * _DEFLATE_MAX_RATIO}"
        )
    if head.payload_bytes > MAX_GZIP_PAYLOAD_BYTES:
        raise IdxError(
            f"{path}: byte 4 (uncompressed): the header claims {head}, {head.payload_bytes} bytes, "
            f"expected at most {MAX_GZIP_PAYLOAD_BYTES} in a gzip file; "
            "decompress it first; raw files are memory-mapped"
        )


def _parse_header(path: Path, file: BinaryIO | gzip.GzipFile) -> _Header:
    """Read and check the header, whose payload must have a length that NumPy can express."""
    magic = file.read(4)
    if not magic:
        raise IdxError(f"{path}: byte 0: found an empty file, expected an IDX header; get it again")
    if magic[:2] != b"\0\0"[: len(magic)]:
        raise IdxError(
            f"{path}: byte 0: found 0x{magic[:2].hex()}, expected 0x0000: this is not an IDX file; "
            "get it again or name another"
        )
    if len(magic) < 4:
        raise _truncated_header(path, len(magic), 4)
    code, rank = magic[2], magic[3]
    if code not in TYPES:
        allowed = ", ".join(f"0x{code:02x} {dtype.name}" for code, dtype in TYPES.items())
        raise IdxError(f"{path}: byte 2: found type 0x{code:02x}, expected one of {allowed}")
    if rank > _NUMPY_MAX_RANK:
        raise IdxError(f"{path}: byte 3: found rank {rank}, expected at most {_NUMPY_MAX_RANK}")
    sizes = file.read(4 * rank)
    if len(sizes) < 4 * rank:
        raise _truncated_header(path, 4 + len(sizes), 4 + 4 * rank)
    head = _Header(TYPES[code], tuple(np.frombuffer(sizes, ">u4").tolist()))
    # NumPy needs a product of the non-zero dimensions that fits, even if another one is zero.
    if math.prod(size or 1 for size in head.shape) * head.dtype.itemsize >= 2**63:
        raise IdxError(f"{path}: byte 4: found dimensions {head}, expected fewer than 2**63 bytes")
    return head


def _truncated_header(path: Path, found: int, expected: int) -> IdxError:
    return IdxError(
        f"{path}: byte {found}: found the end of the file, expected a header of {expected} bytes; "
        "get the file again"
    )


def _truncated(path: Path, head: _Header, value_bytes: int) -> IdxError:
    return IdxError(
        f"{path}: byte {head.header_bytes + value_bytes}: found the end of the file after "
        f"{value_bytes} bytes of values, expected {head.payload_bytes} for {head}; get the file "
        "again"
    )


def _overlong(path: Path, head: _Header, surplus: str) -> IdxError:
    return IdxError(
        f"{path}: byte {head.header_bytes + head.payload_bytes}: found {surplus}, "
        f"expected the end of the file after {head}; get the file again"
    )
