"""A trained model, to draw from and to measure: what notebooks and commands load."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gen_models import assessment, fields, programs, runs
from gen_models.algorithm import State
from gen_models.assessment import Extent
from gen_models.data.pixels import to_bytes
from gen_models.errors import UserError
from gen_models.evaluation import features
from gen_models.evaluation.evaluator import Evaluator
from gen_models.evaluation.record import Evaluation
from gen_models.fields import ConfigError, nearest
from gen_models.model import Model
from gen_models.runs import DataRecord, Recipe
from gen_models.sampling import drawing, portable
from gen_models.sampling.drawing import Purpose
from gen_models.training import session
from gen_models.training.progress import Terminal


@dataclass(frozen=True)
class Trained:
    """A model and the state that its training came to.

    Images are bytes u8[N,H,W], which matplotlib and Pillow show as they are.
    """

    name: str
    recipe: Recipe
    data: DataRecord
    state: State

    @property
    def model(self) -> Model:
        """The model, its state apart."""
        return self.recipe.model(self.data.spec)

    @property
    def class_names(self) -> tuple[str, ...]:
        """One a class, in the order of the labels."""
        return self.data.class_names

    @property
    def conditional(self) -> bool:
        """Whether samples can be asked for by class."""
        return self.model.algorithm.conditional

    def sample(
        self, count: int, label: int | Sequence[int] | None = None, seed: int = 1
    ) -> np.ndarray:
        """Draw images u8[count,H,W]; the first ones of a seed do not depend on how many follow.

        `label` is a class, or several in turn; by default every class in turn. The same seed gives
        what `python -m experiments.sample --seed` gives. Raises ConfigError for an unfit label.
        """
        labels = np.resize(self._labels(label), count)
        key = drawing.key_for(Purpose.SAMPLES, seed)
        return drawing.draw(self.model, self.state, key, labels)

    def interpolate(
        self, count: int, steps: int, label: int | Sequence[int] | None = None, seed: int = 1
    ) -> np.ndarray:
        """Images u8[count·steps,H,W]: `count` paths between two latents, one after the other."""
        labels = np.resize(self._labels(label), count)
        key = drawing.key_for(Purpose.SAMPLES, seed)
        return drawing.paths(self.model, self.state, key, labels, steps)

    def encode(self, images: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """Where images u8[N,H,W] of labels i32[N] are in the latent space, f32[N,…]."""
        self._check_encoder()
        images, labels = self._inputs(images, labels)
        return np.asarray(programs.encode(self.model, self.state, images, labels))

    def decode(self, places: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """Images u8[N,H,W] of places f32[N,…] in the latent space."""
        self._check_encoder()
        labels = self._classes_of(len(places), labels)
        return to_bytes(programs.decode(self.model, self.state, places, labels))

    def reconstruct(self, images: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """Images u8[N,H,W] encoded and decoded again, u8[N,H,W]."""
        self._check_encoder()
        images, labels = self._inputs(images, labels)
        return to_bytes(programs.reconstruct(self.model, self.state, images, labels))

    def evaluate(self, data_dir: str | Path | None = None, **extent: Any) -> Evaluation:  # noqa: ANN401
        """Measure samples against the data set that the model was trained on.

        `extent` are the options of `python -m experiments.evaluate`, such as `samples=2000` or
        `cas=True`; `data_dir` is needed where the data are no longer where they were. Raises
        UserError.
        """
        wanted = fields.from_dict(Extent, extent)
        splits = assessment.data_of(self.recipe.options, self.data, data_dir)
        evaluator = Evaluator(features.of(splits.train.name), splits, wanted.reference)
        subject = {"dataset": splits.train.name, "name": self.name, "step": int(self.state.step)}
        return assessment.evaluate_model(self.model, self.state, evaluator, wanted, subject)

    def save(self, path: str | Path, *, half: bool = False) -> None:
        """Write what sampling needs as one file, which `load` reads; `half` stores weights as
        float16. Raises UserError."""
        portable.save(Path(path), self.recipe, self.data, self.state, half=half)

    def _labels(self, label: int | Sequence[int] | None) -> np.ndarray:
        """The classes asked for, i32[1 or more]. Raises ConfigError for unknown ones."""
        classes, asked = len(self.class_names), np.atleast_1d([] if label is None else label)
        if asked.size == 0:
            return np.arange(classes, dtype=np.int32)
        if not self.conditional:
            raise ConfigError(
                f"{self.recipe.options.model} is not conditional: it has no use for labels"
            )
        wrong = [x for x in asked.tolist() if not (isinstance(x, int) and 0 <= x < classes)]
        if wrong:
            raise ConfigError(f"labels are {wrong}, expected whole numbers from 0 to {classes - 1}")
        return asked.astype(np.int32)

    def _inputs(
        self, images: np.ndarray, labels: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        size = self.data.height, self.data.width
        if images.dtype != np.uint8 or images.shape[1:] != size:
            found = f"{images.dtype}{list(images.shape)}"
            raise ConfigError(f"the images are {found}, expected uint8[N,{size[0]},{size[1]}]")
        return images, self._classes_of(len(images), labels)

    def _classes_of(self, count: int, labels: np.ndarray | None) -> np.ndarray:
        """The labels i32[count] of images; a model that does not look at them needs none."""
        if labels is not None:
            return np.asarray(labels, np.int32)
        if self.conditional:
            name = self.recipe.options.model
            raise ConfigError(f"{name} is conditional: give the images' labels")
        return np.zeros(count, np.int32)

    def _check_encoder(self) -> None:
        if self.model.algorithm.latent is None:
            raise ConfigError(f"{self.recipe.options.model} has no encoder; the VAEs have one")


def load(source: str | Path, *, best: bool = False) -> Trained:
    """A trained model: the folder of a run, a file that `Trained.save` wrote, or the name of a
    shipped model, such as "fashion_mnist-cgan".

    `best` takes the checkpoint of a run's best evaluation instead of its newest one. Raises
    UserError, which says what there is, if `source` is none of them.
    """
    path = Path(source)
    if str(source) in portable.SHIPPED and not path.exists():
        return _from_file(str(source), portable.FOLDER / f"{source}{portable.SUFFIX}")
    if path.suffix == portable.SUFFIX:
        return _from_file(path.stem, path)
    if not (path / runs.CONFIG).is_file():
        raise UserError(f"{source} is no run and no shipped model; {_available(str(source))}")
    run = runs.load(path)
    report = partial(print, file=sys.stderr)
    state = drawing.newest_state(run, report, best=best)
    return Trained(path.resolve().name, run.recipe, run.data, state)


def _from_file(name: str, path: Path) -> Trained:
    return Trained(name, *portable.load(path))


def _available(name: str) -> str:
    """What could have been meant."""
    here = sorted(str(path.parent) for path in runs.RUNS.glob(f"*/{runs.CONFIG}"))
    found = f"runs here: {', '.join(here)}" if here else f"no runs in {runs.RUNS}"
    return f"{nearest(name, portable.SHIPPED)}; {found}"


def train(model: str = "cgan", **options: Any) -> Trained:  # noqa: ANN401
    """Train a model with the options of `python -m experiments.train`, such as `steps=2000` or
    `dataset="mnist"`, in a run of its own; the same call continues a run that was interrupted.

    Returns the model as far as it was trained. Raises UserError; ConfigError, with the nearest
    right name, for an option that does not exist.
    """
    recipe = Recipe.from_flat({"model": model} | options)
    recipe, splits = session.completed(session.placed(recipe))
    with Terminal(recipe.options.out, recipe.options.steps) as terminal:
        ended = session.train(recipe, splits, [terminal], terminal.say)
        if not ended.is_done:
            terminal.say(f"interrupted: saved at step {ended.step}; the same call continues")
    return load(recipe.options.out)
