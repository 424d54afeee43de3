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


class ExplorerPage(NamedTuple):
    """A page, and how many weights it holds."""

    name: str  # name of the only model, or of the data set if there are several
    text: str  # text of the HTML file
    weights: int  # number of weights, summed over all checkpoints


def make_page(sources: Sequence[Path], report: Callable[[str], None]) -> ExplorerPage:
    """Make the page of run folders, saved or shipped models. Calls `report` with a line about each
    model that is left out because it cannot be shown, and about anything else that is missing.
    Raises UserError if no model is left, and for models of different data."""
    exhibits: dict[Path, Exhibit] = {}
    objects: dict[Path, dict[str, Any]] = {}
    for source in sources:
        try:
            loaded = _load_exhibit(source, report)
            objects[source] = exhibit.to_json_object(loaded)
            exhibits[source] = loaded
        except UserError as error:
            reason = f"{source} cannot be shown: {error}"
            if len(sources) == 1:
                raise UserError(reason) from error
            report(reason)
    if not exhibits:
        raise UserError("none of the models can be shown")
    models = [loaded.last for loaded in exhibits.values()]
    _check_alike(list(exhibits), models)
    encoders = [model for model in models if model.model.algorithm.latent is not None]
    names = _names(list(exhibits), [model.name for model in models])
    shown = [x | {"name": name} for x, name in zip(objects.values(), names, strict=True)]
    contents = {"runs": shown, "tests": _tests(encoders[0], report) if encoders else None}
    dataset = models[0].recipe.options.dataset
    weights = sum(map(_count_weights, exhibits.values()))
    about = f"{dataset}; {weights:,} weights, which run in this page. What is shown is in its link."
    name = names[0] if len(names) == 1 else dataset
    return ExplorerPage(name, page(", ".join(names), about, contents, PAGE), weights)


def _names(sources: Sequence[Path], names: Sequence[str]) -> list[str]:
    """The names of models, those of equal ones with the folders that tell them apart."""
    pairs = zip(names, distinct_names(sources), strict=True)
    return [name if names.count(name) == 1 else distinct for name, distinct in pairs]


def write_page(path: Path, sources: Sequence[Path], report: Callable[[str], None]) -> bool:
    """Write the page of the first MOST sources to `path`, beside other results. Returns whether any
    can be shown; calls `report` with the reason if none can, or for those that are left out."""
    if len(sources) > MOST:
        report(f"the page to play with has the first {MOST} of {len(sources)} models")
    try:
        text = make_page(sources[:MOST], report).text
    except UserError as error:
        report(f"no page to play with: {error}")
        return False
    write_text(path, text)
    return True


def _load_exhibit(source: Path, report: Callable[[str], None]) -> Exhibit:
    """The models of a run's checkpoints, or a single saved or shipped model. Raises UserError."""
    last = trained.load(source)
    if not (source / runs.CONFIG).is_file():
        return Exhibit([last], None)
    run = runs.load(source)
    models = [*_load_earlier(run, last), last]
    return Exhibit(models, _read_evaluation(run, int(last.state.step), report))


def _load_earlier(run: Run, last: Trained) -> list[Trained]:
    """The model at the run's checkpoints before that of `last`."""
    template = programs.shapes(run.model)
    models = []
    for step in checkpoint.steps(run.checkpoints):
        if step < int(last.state.step):
            state = checkpoint.load(checkpoint.file_of(run.checkpoints, step), template)
            ready = drawing.finalise(run.model, run.data, jax.device_put(state))
            models.append(replace(last, state=ready))
    return models


def _read_evaluation(run: Run, step: int, report: Callable[[str], None]) -> Evaluation | None:
    """The evaluation of a run at this step, or None if there is none."""
    path = run.folder / record.NAME
    if not path.exists():
        return None
    try:
        evaluation = record.read(path)
    except RecordError as error:
        report(str(error))
        return None
    if evaluation.subject.get("step") != step:
        report(f"{run.folder} was evaluated at step {evaluation.subject.get('step')}, not {step}")
        return None
    return evaluation


def _check_alike(sources: Sequence[Path], models: Sequence[Trained]) -> None:
    """Raises ConfigError if the image size or the classes of a model differ from the first's."""
    kinds = [(model.data.height, model.data.width, model.class_names) for model in models]
    for source, kind in zip(sources, kinds, strict=True):
        if kind != kinds[0]:
            raise ConfigError(
                f"{source} draws other images than {sources[0]}; a page has models of one data set"
            )


def _tests(model: Trained, report: Callable[[str], None]) -> dict[str, Any] | None:
    """Test images and their labels, or None if the data are not available."""
    try:
        test = assessment.load_run_data(model.recipe.options, model.data).test
    except UserError as error:
        report(f"the page has no test images: {error}")
        return None
    chosen = _by_class(test.labels)
    images = base64.b64encode(np.ascontiguousarray(test.images[chosen]).tobytes()).decode()
    return {"images": images, "labels": test.labels[chosen].tolist()}


def _by_class(labels: np.ndarray) -> np.ndarray:
    """Indices of the first images of each class, one of each class in turn."""
    places = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    per_class = min(-(-TESTS // len(places)), min(map(len, places)))
    return np.stack([indices[:per_class] for indices in places], axis=1).ravel()


def _count_weights(shown: Exhibit) -> int:
    return len(shown.models) * sum(x.size for x in jax.tree.leaves(shown.last.state.ema))
