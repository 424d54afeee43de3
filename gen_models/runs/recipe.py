"""A run's recipe: its own options and its model's, read from and written to files.

A config file is flat, with the names of the command line's options in underscores. It is JSON, as
runs write it, or a preset in `configs/`: a Python file of a docstring and `name = literal` lines,
which is parsed, never executed. A preset file may also be a table, with `common = {…}` and one dict
per row; `FILE.py:ROW` names one of its rows.
"""

import ast
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import ModuleType, NoneType
from typing import Annotated, Any, NamedTuple, get_args, get_type_hints

from gen_models.algorithm import Spec
from gen_models.fields import (
    Between,
    ConfigError,
    Logistics,
    Seed,
    check_known,
    from_dict,
    to_dict,
)
from gen_models.model import Model
from gen_models.models import DRAWN, MODELS
from gen_models.version import OF_0_1

FORMAT = "gen_models.run"
VERSION = 3
# Options that older runs of this version lack, with the values that these runs had.
ADDED = {"hold_out": False, "ema_decays": [], "prior_components": 0, "penalty": None}
MAX_CONFIG_BYTES = 2**23  # the names of the most classes allowed take some three megabytes
COMMON = "common"  # name of the row whose options all other rows start from

Steps = Annotated[int, Between(1, 10**9)]


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """Options that a single training and a sweep share, for every model."""

    model: str = "cgan"
    """Name of the model to train."""
    dataset: str | None = None
    """Data set: fashion_mnist or mnist. Default: the one in --data-dir, else fashion_mnist."""
    data_dir: Annotated[Path | None, Logistics()] = None
    """Folder with the four IDX files, raw or .gz. Default: an installed, cached or fetched copy."""
    steps: Annotated[Steps, Logistics()] = 5000
    """Training steps: updates of the generator or auto-encoder."""
    batch_size: Annotated[int, Between(2, 65536)] = 64
    """Images per batch."""
    hold_out: bool = False
    """Train without the validation images, a sixth of the training images, so that a choice can be
    made by measuring against them (`evaluate --reference validation`)."""
    sample_every_steps: Steps = 100
    """Training steps between sample grids."""
    checkpoint_every_steps: Annotated[Steps, Logistics()] = 500
    """Training steps between checkpoints."""


@dataclass(frozen=True, kw_only=True)
class RunOptions(TrainingOptions):
    """Options of every run, for every model."""

    seed: Seed = 0
    """Seed of the initial weights, the order of the data and all noise."""
    devices: Annotated[int, Between(1, 65536), Logistics()] = 1
    """Number of devices to split each batch among. Several processes use all their devices, also if
    this is 1."""
    evaluate_every_steps: Annotated[Steps | None, Logistics()] = None
    """Training steps between evaluations (a minute each), which keep the checkpoint with the best
    FID against the validation images with --hold-out, else the training images. Default: none."""
    keep_checkpoints: Annotated[int, Between(1, 1000), Logistics()] = 2
    """Number of newest checkpoints to keep."""
    out: Annotated[Path | None, Logistics()] = None
    """Folder of the run. Default: results/runs/<data set>-<model>-<seed>[-<mark of options>]."""
    tensorboard: Annotated[bool, Logistics()] = False
    """Write event files for TensorBoard into the run's folder too."""


def known_model(name: object, among: Mapping[str, ModuleType] = MODELS) -> str:
    """`name` if it is that of a model. Raises ConfigError, with the nearest right name, if not."""
    check_known("model", name, among)
    return str(name)


class Recipe(NamedTuple):
    """All options that a run is made from."""

    options: RunOptions  # options of the run
    config: Any  # options of the model, an instance of its Config

    @classmethod
    def from_flat(
        cls, values: Mapping[str, Any], among: Mapping[str, ModuleType] = MODELS
    ) -> "Recipe":
        """The recipe of options by name, as in a config file, for one of the models `among`. Raises
        ConfigError."""
        config = among[known_model(values.get("model", RunOptions.model), among)].Config
        run_names = [field.name for field in fields(RunOptions)]
        names = run_names + [field.name for field in fields(config)]
        for name in values:
            check_known("option", name, names)
        of_run = {name: value for name, value in values.items() if name in run_names}
        of_model = {name: value for name, value in values.items() if name not in run_names}
        return cls(from_dict(RunOptions, of_run), from_dict(config, of_model))

    def to_flat(self) -> dict[str, Any]:
        """The inverse of `from_flat`, with every option given."""
        return to_dict(self.options) | to_dict(self.config)

    def with_values(self, values: Mapping[str, Any]) -> "Recipe":
        """A copy in which any options, the run's or the model's, have values as in a config file.
        Raises ConfigError for values that are not allowed."""
        return Recipe.from_flat(self.to_flat() | dict(values))

    def with_options(self, **changes: Any) -> "Recipe":
        """A copy in which some of the run's options are changed, unchecked."""
        return self._replace(options=replace(self.options, **changes))

    def model(self, spec: Spec) -> Model:
        """The model for images of `spec`."""
        return Model(DRAWN[self.options.model].build, spec, self.config)

    @property
    def identity(self) -> dict[str, Any]:
        """The options that determine parameters, metrics and grids: those not marked Logistics."""
        hints = get_type_hints(RunOptions, include_extras=True)
        logistics = {
            name for name, hint in hints.items() if Logistics() in getattr(hint, "__metadata__", ())
        }
        return {name: value for name, value in self.to_flat().items() if name not in logistics}

    @property
    def apart_from_seed(self) -> dict[str, Any]:
        """The identity without the seed, equal for runs that differ only in their seed."""
        return {name: value for name, value in self.identity.items() if name != "seed"}

    @property
    def setting(self) -> dict[str, Any]:
        """The options and the number of steps, equal for runs that are seeds of one entry."""
        return self.apart_from_seed | {"steps": self.options.steps}

    @property
    def name(self) -> str:
        """<data set>-<model>-<seed>, followed by a mark of six digits if any other option differs
        from its default."""
        options = self.options
        named = {"model": options.model, "dataset": options.dataset, "seed": options.seed}
        default = Recipe.from_flat(named).identity
        changed = {name: value for name, value in self.identity.items() if value != default[name]}
        name = f"{options.dataset}-{options.model}-{options.seed}"
        return f"{name}-{_mark(changed)}" if changed else name

    @property
    def mark(self) -> str:
        """Six digits that stand for `apart_from_seed`, whatever the defaults are."""
        return _mark(self.apart_from_seed)


def _mark(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:6]


def group_by_seed(recipes: Sequence[Recipe], reached: Sequence[int]) -> list[list[int]]:
    """Indices of recipes in groups, in order. Runs of a group have `reached` the same step and
    differ only in their seed.

    A group has one recipe of each seed: a second one with the same options and seed, such as that
    of a run on another machine, begins another group.
    """
    groups: dict[tuple[str, int], list[int]] = {}
    for index, (recipe, step) in enumerate(zip(recipes, reached, strict=True)):
        setting = repr((step, sorted(recipe.setting.items())))
        number, seed = 0, recipe.options.seed
        while any(recipes[i].options.seed == seed for i in groups.get((setting, number), ())):
            number += 1
        groups.setdefault((setting, number), []).append(index)
    return list(groups.values())


def defaults(values: Mapping[str, Any], model: str | None, source: str | None) -> Recipe:
    """The recipe of options that were read from `source`, if any, as defaults for other options.

    `model`, if given, replaces the model of `values`; options that it does not have are then left
    out. Raises ConfigError with the source.
    """
    if model is not None:
        if known_model(model) != values.get("model", model):
            names = _option_names(model)
            values = {name: value for name, value in values.items() if name in names}
        values = {**values, "model": model}
    try:
        return Recipe.from_flat(values)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}" if source else str(error)) from error


def with_added_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Recorded options of a run, with those of ADDED that its model has and the record lacks; for
    an unknown model the recorded options alone."""
    model = values.get("model", RunOptions.model)
    if model not in MODELS:
        return dict(values)
    hints = get_type_hints(RunOptions) | get_type_hints(MODELS[model].Config)
    added = {
        name: value
        for name, value in ADDED.items()
        if name in hints and (value is not None or NoneType in get_args(hints[name]))
    }
    return added | dict(values)


def _option_names(model: str) -> set[str]:
    """Names of all options of a run of `model`."""
    return {f.name for cls in (RunOptions, MODELS[model].Config) for f in fields(cls)}


def read(source: Path) -> dict[str, Any]:
    """Options read from a config file, a preset, a row of a table, or a run. Raises ConfigError."""
    path, row = _file_and_row(source)
    try:
        path = path / "config.json" if path.is_dir() else path
        if path.exists() and not path.is_file():  # opening a named pipe waits for a writer
            raise ConfigError(f"{path}: cannot be read: it is not a file")
        with path.open("rb") as file:
            raw = file.read(MAX_CONFIG_BYTES + 1)
        if len(raw) > MAX_CONFIG_BYTES:
            raise ConfigError(f"{path}: over {MAX_CONFIG_BYTES} bytes, too long for a config")
        if path.suffix == ".py":
            return _parse_preset(path, raw.decode(), row)
        return _parse_json(path, raw.decode())
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        raise ConfigError(f"{path}: not a config file: {reason:.300}") from error


def rows(table: Path) -> list[Path]:
    """The rows of a table of presets, as `read` takes them. Raises ConfigError."""
    try:
        names = _row_names(_parse_literals(table.read_text()))
    except (OSError, ValueError, SyntaxError) as error:
        raise ConfigError(f"{table}: not a table of presets: {error!s:.200}") from error
    return [table.with_name(f"{table.name}:{name}") for name in names]


def _file_and_row(source: Path) -> tuple[Path, str | None]:
    """The file and the row of FILE.py:ROW; None for a row that is not named."""
    file, colon, row = str(source).rpartition(".py:")
    return (Path(f"{file}.py"), row) if colon else (source, None)


def _parse_json(path: Path, text: str) -> dict[str, Any]:
    values = json.loads(text)
    by_a_run = isinstance(values, dict) and "format" in values
    if not isinstance(values, dict) or values.pop("format", FORMAT) != FORMAT:
        raise ValueError(f'expected a JSON object of options with "format": "{FORMAT}"')
    version = values.pop("version", VERSION)
    if version in (1, 2):
        raise ConfigError(f"{path} has format version {version}, {OF_0_1}")
    if version != VERSION:
        raise ValueError(f"format version {version!r}, this program reads version {VERSION}")
    values.pop("data", None)
    return with_added_options(values) if by_a_run else values


def _parse_preset(path: Path, text: str, row: str | None) -> dict[str, Any]:
    """The literals of a preset file, or of one row if it is a table."""
    values = _parse_literals(text)
    names = _row_names(values)
    if not names:
        if row is not None:
            raise ConfigError(f"{path} is one preset, not a table of them; leave out ':{row}'")
        return values
    if row not in names:
        asked = "is a table of presets" if row is None else f"has no row {row!r}"
        raise ConfigError(f"{path} {asked}; add one of {', '.join(f':{name}' for name in names)}")
    for name, value in values.items():  # or it would be left out in silence
        if not _is_row(value):
            raise ValueError(f"{name} is no dict, as rows and `{COMMON}` of a table are")
    return values.get(COMMON, {}) | values[row]


def _row_names(values: Mapping[str, Any]) -> list[str]:
    return [name for name, value in values.items() if _is_row(value) and name != COMMON]


def _is_row(value: object) -> bool:
    """Whether a literal is a dict of options. A dict from steps to values is a schedule."""
    return isinstance(value, dict) and not any(isinstance(key, int) for key in value)


def _parse_literals(text: str) -> dict[str, Any]:
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
