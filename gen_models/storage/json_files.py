"""Files of a JSON object, written whole and read strictly.

NaN and infinities, which JSON lacks but Python's `json` writes and reads, are refused.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gen_models.errors import UserError
from gen_models.storage.files import write_text

# What reading a damaged or foreign file, and taking values out of its object, can raise.
DAMAGES = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, UserError)


def read(path: Path) -> dict[str, Any]:
    """The object in a file. Raises OSError, and what `parse` does."""
    return parse(path.read_text())


def parse(text: str | bytes) -> dict[str, Any]:
    """The object of a JSON text. Raises ValueError, or RecursionError if it is nested too deep."""
    values = json.loads(text, parse_constant=_refuse)
    if not isinstance(values, dict):
        raise ValueError("expected a JSON object")
    return values


def write(path: Path, values: Mapping[str, Any], indent: int | None = 1) -> None:
    """Write an object atomically, replacing an existing file. Raises UserError, and ValueError for
    numbers that are not finite."""
    write_text(path, json.dumps(values, indent=indent, allow_nan=False) + "\n")


def _refuse(constant: str) -> None:
    raise ValueError(f"it holds {constant}, which is no number")
