"""Makes the page from trained models."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from gen_models import assessment, programs, runs, trained
from gen_models.errors import UserError
from gen_models.evaluation import record
from gen_models.evaluation.record import Evaluation, RecordError
from gen_models.explorer import exhibit
from gen_models.explorer.exhibit import Exhibit
from gen_models.fields import ConfigError
from gen_models.runs import Run, checkpoint
from gen_models.sampling import drawing
from gen_models.storage.files import write_text
from gen_models.storage.names import distinct_names
from gen_models.trained import Trained
from gen_models.webpage.making import page

PAGE = Path(__file__).parent / "page"
MOST = 6  # largest number of models in a page beside other results, some 5 MB each
TESTS = 60  # test images that the page offers to auto-encoders


class Made(NamedTuple):
    """A page, and how many weights it holds."""

    name: str  # name of the only model, or of the data set if there are several
    text: str  # text of the HTML file
    weights: int  # number of weights, summed over all checkpoints


def made(sources: Sequence[Path], report: Callable[[str], None]) -> Made:
    """Make the page of run folders, saved or shipped models. Calls `report` with a line about each
    model that is left out because it cannot be shown, and about anything else that is missing.
    Raises UserError if no model is left, and for models of different data."""
    found = {}
    for source in sources:
        try:
            one = _exhibit(source, report)
            found[source] = one, exhibit.to_json_object(one)
        except UserError as error:
            reason = f"{source} cannot be shown: {error}"
            if len(sources) == 1:
                raise UserError(reason) from error
            report(reason)
    if not found:
        raise UserError("none of the models can be shown")
    exhibits, shown = ([pair[i] for pair in found.values()] for i in (0, 1))
    _check_alike(list(found), [one.last for one in exhibits])
    encoders = [one.last for one in exhibits if one.last.model.algorithm.latent is not None]
    names = _names(list(found), [one["name"] for one in shown])
    for one, name in zip(shown, names, strict=True):
        one["name"] = name
    contents = {"runs": shown, "tests": _tests(encoders[0], report) if encoders else None}
    dataset = exhibits[0].last.recipe.options.dataset
    weights = sum(map(_count, exhibits))
    about = f"{dataset}; {weights:,} weights, which run in this page. What is shown is in its link."
    name = names[0] if len(names) == 1 else dataset
    return Made(name, page(", ".join(names), about, contents, PAGE), weights)


def _names(sources: Sequence[Path], names: Sequence[str]) -> list[str]:
    """The names of models, those of equal ones with the folders that tell them apart."""
    pairs = zip(names, distinct_names(sources), strict=True)
    return [name if names.count(name) == 1 else distinct for name, distinct in pairs]


def beside(path: Path, sources: Sequence[Path], report: Callable[[str], None]) -> bool:
    """Write the page of the first MOST sources to `path`, beside other results. Returns whether any
    can be shown; calls `report` with the reason if none can, or for those that are left out."""
    if len(sources) > MOST:
        report(f"the page to play with has the first {MOST} of {len(sources)} models")
    try:
        text = made(sources[:MOST], report).text
    except UserError as error:
        report(f"no page to play with: {error}")
        return False
    write_text(path, text)
    return True


def _exhibit(source: Path, report: Callable[[str], None]) -> Exhibit:
    """The models of a run's checkpoints, or a single saved or shipped model. Raises UserError."""
    last = trained.load(source)
    if not (source / runs.CONFIG).is_file():
        return Exhibit([last], None)
    run = runs.load(source)
    return Exhibit([*_earlier(run, last), last], _evaluation(run, int(last.state.step), report))


def _earlier(run: Run, last: Trained) -> list[Trained]:
    """The model at the run's checkpoints before that of `last`."""
    template = programs.shapes(run.model)
    found = []
    for step in checkpoint.steps(run.checkpoints):
        if step < int(last.state.step):
            state = checkpoint.load(checkpoint.file_of(run.checkpoints, step), template)
            ready = drawing.finalised(run.model, run.data, jax.device_put(state))
            found.append(replace(last, state=ready))
    return found


def _evaluation(run: Run, step: int, report: Callable[[str], None]) -> Evaluation | None:
    """The evaluation of a run at this step, or None if there is none."""
    path = run.folder / record.NAME
    if not path.exists():
        return None
    try:
        found = record.read(path)
    except RecordError as error:
        report(str(error))
        return None
    if found.subject.get("step") != step:
        report(f"{run.folder} was evaluated at step {found.subject.get('step')}, not {step}")
        return None
    return found


def _check_alike(sources: Sequence[Path], models: Sequence[Trained]) -> None:
    """Raises ConfigError if the image size or the classes of a model differ from the first's."""
    kinds = [(one.data.height, one.data.width, one.class_names) for one in models]
    for source, kind in zip(sources, kinds, strict=True):
        if kind != kinds[0]:
            raise ConfigError(
                f"{source} draws other images than {sources[0]}; a page has models of one data set"
            )


def _tests(model: Trained, report: Callable[[str], None]) -> dict[str, Any] | None:
    """Test images and their labels, or None if the data are not available."""
    try:
        test = assessment.data_of(model.recipe.options, model.data).test
    except UserError as error:
        report(f"the page has no test images: {error}")
        return None
    chosen = _by_class(test.labels)
    images = base64.b64encode(np.ascontiguousarray(test.images[chosen]).tobytes()).decode()
    return {"images": images, "labels": test.labels[chosen].tolist()}


def _by_class(labels: np.ndarray) -> np.ndarray:
    """Indices of the first images of each class, one of each class in turn."""
    places = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    each = min(-(-TESTS // len(places)), min(map(len, places)))
    return np.stack([where[:each] for where in places], axis=1).ravel()


def _count(one: Exhibit) -> int:
    return len(one.models) * sum(x.size for x in jax.tree.leaves(one.last.state.ema))
