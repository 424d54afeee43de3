"""The folder of a sweep or a search, which belongs to it alone."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gen_models.fields import ConfigError, shown
from gen_models.runs import recipe as recipes
from gen_models.schedules import Schedule
from gen_models.storage import json_files
from gen_models.storage.files import write_text

PLAN = "plan.json"


def claim(folder: Path, kind: str, command: str, about: Mapping[str, Any]) -> None:
    """Create the folder of a "sweep" or "search" with what distinguishes it, `about`, or check it.

    Raises ConfigError for a folder that holds something else, or one of the same kind that differs
    in `about`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PLAN
    has_files = any(not entry.name.startswith(".") for entry in folder.iterdir())
    if not path.exists():  # checked last, as another process may write it meanwhile
        if has_files:
            raise ConfigError(
                f"{folder} is no {kind}: it has files but no {PLAN}; choose another --out"
            )
        plan = {"format": f"gen_models.{kind}", "command": command, **about}
        write_text(path, json.dumps(plan, default=_plain) + "\n")
        return
    plan, asked = _read(path), json.loads(json.dumps(about, default=_plain))
    if plan is None:
        return
    if plan.get("format") != f"gen_models.{kind}":
        raise ConfigError(f"{folder} is the folder of something else; choose another --out")
    for name, value in asked.items():
        if _updated(plan.get(name)) != value:
            there, here = shown(plan.get(name)), shown(value)
            words = f"{name} {there}, not {here}" if there != here else f"other {name}"
            made_by = f", or go on with it: {plan['command']}" if plan.get("command") else ""
            raise ConfigError(f"{folder} is a {kind} with {words}; choose another --out{made_by}")


def _updated(value: object) -> object:
    """A value of a plan, with the options of runs as they would be recorded today."""
    if isinstance(value, dict) and "model" in value:
        return recipes.with_added_options(value)
    return {name: _updated(x) for name, x in value.items()} if isinstance(value, dict) else value


def _plain(value: object) -> str:
    if isinstance(value, Schedule):
        return str(value)
    raise TypeError(f"{value!r} is no plain value")


def _read(path: Path) -> dict[str, Any] | None:
    """Contents of a plan; None if it cannot be read, as the runs check themselves."""
    try:
        return json_files.read(path)
    except json_files.DAMAGES:
        return None
