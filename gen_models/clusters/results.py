"""Measured results, in a JSON file that grows result by result."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gen_models.clusters.scores import ClusterScores
from gen_models.clusters.ways import Way
from gen_models.errors import UserError
from gen_models.fields import ConfigError
from gen_models.runs import recipe as recipes
from gen_models.storage import json_files
from gen_models.storage.files import sole_writer


class ClusterResult(NamedTuple):
    """Scores of one way to cluster, with one seed."""

    way: str  # name of the way
    title: str  # title of the way in tables
    published: str | None  # key in `published` of the scores to compare with
    settings: dict[str, Any]  # settings of the way
    seed: int  # seed of the run, if the way has runs
    scores: ClusterScores
    libraries: dict[str, str]  # versions by library
    seconds: float  # duration; the first way with an auto-encoder includes training it
    model: dict[str, Any]  # weights of the run, if the way has runs


class ClusterResults(NamedTuple):
    """All results on some images of a data set."""

    dataset: str
    digest: str  # SHA-256 of images and labels, in hex
    images: int
    found: list[ClusterResult]

    def has(self, way: Way, seed: int) -> bool:
        """Whether there is a result with this seed and with the settings and model of a way."""
        wanted = way.name, seed, way.settings, way.models.get(seed, {})
        return any((r.way, r.seed, r.settings, r.model) == wanted for r in self.found)

    def check(self, way: Way) -> None:
        """Raise ConfigError if a way has results with other settings, or of another state of its
        run, which a new one would replace."""
        for result in self.found:
            old = result.settings | result.model
            new = way.settings | way.models.get(result.seed, result.model)
            if result.way == way.name and old != new:
                differences = _differences(old, new)
                raise ConfigError(
                    f"there are results of {way.name} with other settings: {differences}; choose "
                    "those, another --out, or --anew to replace them"
                )

    def with_result(self, new: ClusterResult) -> "ClusterResults":
        """The results with `new`, which replaces that of the same way and seed, and all of its way
        with other settings: a mean is over equal settings."""
        kept = [
            old
            for old in self.found
            if old.way != new.way or (old.settings == new.settings and old.seed != new.seed)
        ]
        return self._replace(found=[*kept, new])


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], before: str = "") -> str:
    """The settings that differ, as text."""
    texts = []
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if isinstance(was, dict) and isinstance(now, dict):
            texts.append(_differences(was, now, f"{before}{name}."))
        elif was != now:
            texts.append(f"{before}{name} was {was!r:.60}, is {now!r:.60}")
    return ", ".join(filter(None, texts))


def read(path: Path, dataset: str, digest: str, images: int) -> ClusterResults:
    """The results in a file, none if it does not exist. Raises UserError for a file of other images
    and for one that holds no results."""
    empty = ClusterResults(dataset, digest, images, [])
    if not path.exists():
        return empty
    try:
        stored = json_files.read(path)
        results = [_parse_result(values) for values in stored["found"]]
        stored_digest = stored["digest"]
    except json_files.DAMAGES as error:
        raise UserError(
            f"{path} holds no results of clusters: {error!s:.200}; delete it"
        ) from error
    if stored_digest != digest:
        raise UserError(f"{path} is of other images; choose another --out, or delete it")
    return empty._replace(found=results)


def _parse_result(values: dict[str, Any]) -> ClusterResult:
    settings, model = dict(values["settings"]), dict(values.get("model", {}))
    if "recipe" in settings:
        settings["recipe"] = recipes.with_added_options(settings["recipe"])
    if "step" in model:  # its place before runs of several seeds formed one way
        settings["step"] = model.pop("step")
    parsed = {"scores": ClusterScores(**values["scores"]), "settings": settings, "model": model}
    return ClusterResult(**{"libraries": {}} | values | parsed)


def add_result(path: Path, results: ClusterResults, new: ClusterResult) -> ClusterResults:
    """Add a result to a file, beside those that other processes have written since `results` was
    read, or, if the file is gone, beside those of `results`. Returns what the file then holds.
    Raises UserError."""
    with sole_writer(path):
        if path.exists():
            results = read(path, results.dataset, results.digest, results.images)
        results = results.with_result(new)
        write(path, results)
    return results


def write(path: Path, results: ClusterResults) -> None:
    """Write the results. Raises UserError."""
    values = [result._asdict() | {"scores": result.scores._asdict()} for result in results.found]
    json_files.write(path, results._asdict() | {"found": values})


def picture_path(prefix: Path, way: str) -> Path:
    """Path of the picture of a way's clusters."""
    return prefix.with_name(f"{prefix.name}-{way}.png")
