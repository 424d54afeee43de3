"""The user's cache: downloaded data, features of real images, compiled programs."""

import os
from pathlib import Path

from gen_models.errors import UserError


def cache_folder(name: str) -> Path:
    """The folder `$XDG_CACHE_HOME/gen_models/<name>`, by default in ~/.cache. It need not exist.

    Raises UserError if there is no home folder.
    """
    root = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not root.is_absolute():  # also if unset; the XDG specification ignores relative paths
        root = expanded("~/.cache")
    return root / "gen_models" / name


def expanded(path: str | Path) -> Path:
    """The path with ~ replaced by the home folder. Raises UserError if there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UserError(f"cannot tell what ~ means in {path}: {error}") from error
