"""Measured results, in a JSON file that grows result by result."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gen_models.clusters.scores import Scores
from gen_models.clusters.ways import Way
from gen_models.errors import UserError
from gen_models.fields import ConfigError
from gen_models.runs import recipe as recipes
from gen_models.storage.files import sole_writer, write_text


class Result(NamedTuple):
    """Scores of one way to cluster, with one seed."""

    way: str  # name of the way
    title: str  # title of the way in tables
    published: str | None  # key in `published` of the scores to compare with
    settings: dict[str, Any]  # settings of the way
    seed: int  # seed of the run, if the way has runs
    scores: Scores
    libraries: dict[str, str]  # versions by library
    seconds: float  # duration; the first way with an auto-encoder includes training it
    model: dict[str, Any]  # weights of the run, if the way has runs


class Results(NamedTuple):
    """All results on some images of a data set."""

    dataset: str
    digest: str  # SHA-256 of images and labels, in hex
    images: int
    found: list[Result]

    def has(self, way: Way, seed: int) -> bool:
        """Whether there is a result with this seed and with the settings and model of a way."""
        wanted = way.name, seed, way.settings, way.models.get(seed, {})
        return any((one.way, one.seed, one.settings, one.model) == wanted for one in self.found)

    def check(self, way: Way) -> None:
        """Raise ConfigError if a way has results with other settings, or of another state of its
        run, which a new one would replace."""
        for one in self.found:
            now = way.settings | way.models.get(one.seed, one.model)
            if one.way == way.name and one.settings | one.model != now:
                differing = _differing(one.settings | one.model, now)
                raise ConfigError(
                    f"there are results of {way.name} with other settings: {differing}; choose "
                    "those, another --out, or --anew to replace them"
                )

    def added(self, new: Result) -> "Results":
        """The results with `new`, which replaces that of the same way and seed, and all of its way
        with other settings: a mean is over equal settings."""
        kept = [
            one
            for one in self.found
            if one.way != new.way or (one.settings == new.settings and one.seed != new.seed)
        ]
        return self._replace(found=[*kept, new])


def _differing(old: Mapping[str, Any], new: Mapping[str, Any], before: str = "") -> str:
    """The settings that differ, as text."""
    found = []
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if isinstance(was, dict) and isinstance(now, dict):
            found.append(_differing(was, now, f"{before}{name}."))
        elif was != now:
            found.append(f"{before}{name} was {was!r:.60}, is {now!r:.60}")
    return ", ".join(part for part in found if part)


def read(path: Path, dataset: str, digest: str, images: int) -> Results:
    """The results in a file, none if it does not exist. Raises UserError for a file of other images
    and for one that holds no results."""
    empty = Results(dataset, digest, images, [])
    if not path.exists():
        return empty
    try:
        stored = json.loads(path.read_text())
        found = [_result(one) for one in stored["found"]]
        kept = stored["digest"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} holds no results of clusters: {error!s:.200}; delete it"
        ) from error
    if kept != digest:
        raise UserError(f"{path} is of other images; choose another --out, or delete it")
    return empty._replace(found=found)


def _result(stored: dict[str, Any]) -> Result:
    settings, model = dict(stored["settings"]), dict(stored.get("model", {}))
    if "recipe" in settings:
        settings["recipe"] = recipes.with_added_options(settings["recipe"])
    if "step" in model:  # its place before runs of several seeds formed one way
        settings["step"] = model.pop("step")
    own = {"scores": Scores(**stored["scores"]), "settings": settings, "model": model}
    return Result(**{"libraries": {}} | stored | own)


def add(path: Path, found: Results, new: Result) -> Results:
    """Add a result to a file, beside those that other processes have written since `found` was
    read, or, if the file is gone, beside those of `found`. Returns what the file then holds. Raises
    UserError."""
    with sole_writer(path):
        there = read(path, found.dataset, found.digest, found.images) if path.exists() else found
        there = there.added(new)
        write(path, there)
    return there


def write(path: Path, results: Results) -> None:
    """Write the results. Raises UserError."""
    found = [one._asdict() | {"scores": one.scores._asdict()} for one in results.found]
    write_text(path, json.dumps(results._asdict() | {"found": found}, indent=1) + "\n")


def picture_path(prefix: Path, way: str) -> Path:
    """Path of the picture of a way's clusters."""
    return prefix.with_name(f"{prefix.name}-{way}.png")
