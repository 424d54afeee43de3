"""Files of numbers by step, one line of JSON each: metrics, and evaluations during training."""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gen_models.runs.errors import RunError
from gen_models.storage.files import write_error, write_text

StepRow = dict[str, float]  # numbers of a step by their names, with "step"


def append(path: Path, rows: Sequence[StepRow]) -> None:
    """Append rows to a file as lines, all of them or none. Raises UserError."""
    lines = _lines(rows)
    try:
        whole = path.stat().st_size if path.exists() else 0
        try:
            with path.open("a") as file:
                file.write(lines)
        except OSError:
            os.truncate(path, whole)  # a full disk may have taken half a line
            raise
    except OSError as error:
        raise write_error(path, error) from error


def write(path: Path, rows: Sequence[StepRow]) -> None:
    """Replace the content of a file by these rows. Raises UserError."""
    write_text(path, _lines(rows))


def _lines(rows: Sequence[StepRow]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def columns(path: Path) -> dict[str, list[float]]:
    """The numbers of a file, one list per name, in the order of the rows. Raises RunError."""
    history: dict[str, list[float]] = {}
    for row in read(path):
        for name, value in row.items():
            history.setdefault(name, []).append(value)
    return history


def read(path: Path) -> Iterator[StepRow]:
    """The rows of a file, in order, without damaged lines; none if there is no file. Raises
    RunError."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from error
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):
            row = json.loads(line)
            if isinstance(row, dict) and isinstance(row.get("step"), int) and _is_numeric(row):
                yield row


def _is_numeric(row: dict[str, Any]) -> bool:
    return all(isinstance(value, int | float) for value in row.values())
