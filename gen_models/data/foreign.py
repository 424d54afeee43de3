"""Common code of the readers of other programs' files: errors, and limits of zips."""

import contextlib
import io
import re
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from PIL import Image

from gen_models.errors import UserError

MAX_UNPACKED_BYTES = 2**30  # of all files in a zip; and of the grey pixels of all pictures
# What NumPy, Pillow and zipfile raise for a broken file.
_BROKEN = (
    *(OSError, ValueError, SyntaxError, LookupError, TypeError, EOFError, MemoryError),
    *(OverflowError, RuntimeError, struct.error, zlib.error, tokenize.TokenError),
    *(zipfile.BadZipFile, Image.DecompressionBombError),
)


class ImagesError(UserError):
    """A file does not hold images or labels in a form that is understood, or cannot be read."""


@contextlib.contextmanager
def explain_errors(where: Path | str, expected: str = "file without pickles") -> Iterator[None]:
    """Turn what a library raises for a broken file into an ImagesError of one line, and drop the
    library's warnings."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except _BROKEN as error:
        if isinstance(error, OSError) and error.strerror:
            raise ImagesError(f"cannot read {error.filename or where}: {error.strerror}") from error
        # The first line, without "<_io.BytesIO object at …>" and a full stop.
        reason = re.split("[.]? <|[.]?\n|[.]$", str(error))[0] or type(error).__name__
        raise ImagesError(
            f"cannot read {where}: {reason}; expected an unbroken {expected}; write it again"
        ) from error


def describe_contents(names: Sequence[str]) -> str:
    """The names of what a file or folder holds as text, the first five of them if there are
    more."""
    more = [f"{len(names) - 5} more"] if len(names) > 5 else []
    return ", ".join([*names[:5], *more]) or "nothing"


def is_hidden(name: str) -> bool:
    """Whether a file is hidden or was left by an operating system beside the user's files."""
    litter = ("__MACOSX", "Thumbs.db", "desktop.ini")
    return any(part.startswith(".") or part in litter for part in PurePosixPath(name).parts)


def check_printable(place: Path | str, names: Sequence[str]) -> None:
    """Raise ImagesError for a file in a folder or a zip whose name holds a line break or another
    control character: names go into messages of one line."""
    if odd := [name for name in names if not name.isprintable()]:
        raise ImagesError(f"{place} holds a file named {odd[0]!r}; expected printable names")


def members(archive: zipfile.ZipFile) -> Sequence[str]:
    """The names of the user's files in a zip. Raises ImagesError."""
    names = dict.fromkeys(archive.namelist())  # a name that occurs twice counts once
    files = [name for name in names if not name.endswith("/") and not is_hidden(name)]
    check_printable(archive.filename, files)
    return files


def unpack(archive: zipfile.ZipFile, name: str) -> io.BytesIO:
    """A file of a zip, unpacked in memory, which never takes more than the file's declared size.
    Raises BadZipFile, and KeyError for a missing name."""
    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile("it is compressed in another way than deflate")
    with archive.open(name) as file:
        # Without a size, read() unpacks everything before it truncates to the declared size.
        return io.BytesIO(file.read(info.file_size))
