"""What a run is: its own options beside its model's, read from and written to files.

A config file is flat, its names those of the command line with underscores: JSON, as runs write it,
or a preset in `configs/`, a Python file of nothing but a docstring and `name = literal` lines.
Presets are parsed, never executed.
"""

import ast
import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from gen_models.config import Between, ConfigError, from_dict, nearest, shown, to_dict
from gen_models.models import MODELS

FORMAT = "gen_models.run"
VERSION = 1
MAX_CONFIG_BYTES = 2**16

Steps = Annotated[int, Between(1, 10**9)]


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Options of every run, whatever its model."""

    model: str = "cgan"
    """Which model to train."""
    dataset: str | None = None
    """Which data set: fashion_mnist, mnist, or nothing for what --data-dir holds."""
    data_dir: Path | None = None
    """Folder with the four IDX files, raw or .gz. Without it: installed, cached or fetched."""
    steps: Steps = 5000
    """Training steps: updates of the player that samples."""
    batch_size: Annotated[int, Between(2, 65536)] = 64
    """Images a step."""
    seed: Annotated[int, Between(0, 2**31 - 1)] = 0
    """Decides the initial weights, the order of the data and all noise."""
    sample_every_steps: Steps = 100
    """Steps between sample grids."""
    checkpoint_every_steps: Steps = 500
    """Steps between checkpoints."""
    devices: Annotated[int, Between(1, 65536)] = 1
    """Devices among which each batch is split. Several processes use all they have."""
    eval_every: Steps | None = None
    """Steps between evaluations, some 30 s each; the best checkpoint is kept too. None: none."""
    keep: Annotated[int, Between(1, 1000)] = 2
    """Checkpoints kept, the newest ones."""
    out: Path | None = None
    """Folder of the run. Default: results/runs/<data set>-<model>-<seed>, marked if not default."""
    tensorboard: bool = False
    """Also write event files for TensorBoard into the run."""


# Options that change no byte of parameters, metrics or grids; all others make a different run.
NOT_IDENTITY = (
    *("data_dir", "steps", "checkpoint_every_steps", "devices", "eval_every", "keep", "out"),
    "tensorboard",
)


class Config(NamedTuple):
    """A run's own options and its model's."""

    run: RunConfig
    options: Any


def known_model(name: object) -> str:
    """The name, if a model is called that. Raises ConfigError with the nearest right one."""
    if not isinstance(name, str) or name not in MODELS:
        raise ConfigError(f"no model is called {shown(name)}; {nearest(name, MODELS)}")
    return name


def from_flat(values: dict[str, Any]) -> Config:
    """Option name -> value, as in a config file, to a Config. Raises ConfigError."""
    cls = MODELS[known_model(values.get("model", RunConfig.model))].Config
    run_names = [field.name for field in fields(RunConfig)]
    names = run_names + [field.name for field in fields(cls)]
    for name in values:
        if name not in names:
            raise ConfigError(f"no option is called {shown(name)}; {nearest(name, names)}")
    run = {name: value for name, value in values.items() if name in run_names}
    options = {name: value for name, value in values.items() if name not in run_names}
    return Config(from_dict(RunConfig, run), from_dict(cls, options))


def to_flat(config: Config) -> dict[str, Any]:
    """The inverse of `from_flat`, every option spelt out."""
    return to_dict(config.run) | to_dict(config.options)


def identity(config: Config) -> dict[str, Any]:
    """The options that decide every byte of the result."""
    return {name: v for name, v in to_flat(config).items() if name not in NOT_IDENTITY}


def run_name(config: Config) -> str:
    """<data set>-<model>-<seed>, with a mark of six digits where any other option is no default."""
    chosen, run = identity(config), config.run
    named = {"model": run.model, "dataset": run.dataset, "seed": run.seed}
    default = identity(from_flat(named))
    differs = {name: value for name, value in chosen.items() if value != default[name]}
    mark = hashlib.sha256(json.dumps(differs, sort_keys=True).encode()).hexdigest()[:6]
    return f"{run.dataset}-{run.model}-{run.seed}" + (f"-{mark}" if differs else "")


def read(path: Path) -> dict[str, Any]:
    """The options in a config file, a preset, or a run's folder. Raises ConfigError."""
    try:
        path = path / "config.json" if path.is_dir() else path
        if path.exists() and not path.is_file():  # opening a named pipe waits for a writer
            raise ConfigError(f"{path}: cannot be read: it is not a file")
        with path.open("rb") as file:
            raw = file.read(MAX_CONFIG_BYTES + 1)
        if len(raw) > MAX_CONFIG_BYTES:
            raise ConfigError(f"{path}: over {MAX_CONFIG_BYTES} bytes, too long for a config")
        values = (_preset if path.suffix == ".py" else _saved)(raw.decode())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        raise ConfigError(f"{path}: not a config file: {reason:.300}") from error
    return values


def _saved(text: str) -> dict[str, Any]:
    values = json.loads(text)
    if not isinstance(values, dict) or values.pop("format", FORMAT) != FORMAT:
        raise ValueError(f'expected a JSON object of options with "format": "{FORMAT}"')
    version = values.pop("version", VERSION)
    if version != VERSION:
        raise ValueError(f"format version {version!r}, this program reads version {VERSION}")
    values.pop("data", None)
    return values


def _preset(text: str) -> dict[str, Any]:
    body = ast.parse(text).body
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    values = {}
    for node in body:
        if not (
            isinstance(node, ast.Assign)
            and len(node.targets) == 1
            and isinstance(node.targets[0], ast.Name)
        ):
            raise ValueError(f"line {node.lineno}: expected a line `name = literal`")
        values[node.targets[0].id] = ast.literal_eval(node.value)
    return values
