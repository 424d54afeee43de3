"""Libraries that only some commands need: imported where they are used, named if missing."""

import contextlib
from collections.abc import Iterator

from gen_models.errors import UserError

ANALYSIS = 'pip install ".[analysis]"'
PYMDE = "pip install pymde"


@contextlib.contextmanager
def needed(install: str) -> Iterator[None]:
    """Context of a block of imports. Raises UserError if a library is missing, with the command
    `install`, or if it cannot be imported."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed, and this needs it: {install}") from error
    except ImportError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{error.name or 'a library'} cannot be used: {reason:.200}") from error
