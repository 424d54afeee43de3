"""What the readers of files that other programs have written share: errors, and limits of zips."""

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
# What NumPy, Pillow and zipfile raise for a file that is broken.
_BROKEN = (
    *(OSError, ValueError, SyntaxError, LookupError, TypeError, EOFError, MemoryError),
    *(OverflowError, RuntimeError, struct.error, zlib.error, tokenize.TokenError),
    *(zipfile.BadZipFile, Image.DecompressionBombError),
)


class ImagesError(UserError):
    """A file does not hold images or labels in a form that is understood, or cannot be read."""


@contextlib.contextmanager
def explained(where: Path | str, expected: str = "file without pickles") -> Iterator[None]:
    """Make one line of what a library raises for a broken file, an ImagesError, and drop its
    warnings."""
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


def in_words(names: Sequence[str]) -> str:
    """Names as text, the first five of them if there are more."""
    more = [f"{len(names) - 5} more"] if len(names) > 5 else []
    return ", ".join([*names[:5], *more]) or "nothing"


def is_hidden(name: str) -> bool:
    """Whether a file is one of those that operating systems leave beside the user's."""
    litter = ("__MACOSX", "Thumbs.db", "desktop.ini")
    return any(part.startswith(".") or part in litter for part in PurePosixPath(name).parts)


def members(archive: zipfile.ZipFile) -> list[str]:
    """The names of the user's files in a zip."""
    names = dict.fromkeys(archive.namelist())  # one that is there twice counts once
    return [name for name in names if not name.endswith("/") and not is_hidden(name)]


def unpack(archive: zipfile.ZipFile, name: str) -> io.BytesIO:
    """A file of a zip, in memory: no more than it claims to be, even on the way. Raises
    BadZipFile; KeyError for a name that is not there."""
    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile("it is compressed in another way than deflate")
    with archive.open(name) as file:
        # Without a size, read() unpacks all there is before it cuts that to the claim.
        return io.BytesIO(file.read(info.file_size))
