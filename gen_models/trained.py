"""Trained models, to draw from and to measure, for notebooks and commands."""

import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gen_models import assessment, fields, programs, runs
from gen_models.algorithm import State
from gen_models.assessment import EvaluationExtent
from gen_models.data.classes import labels_of
from gen_models.data.pixels import to_bytes
from gen_models.errors import UserError
from gen_models.evaluation import features
from gen_models.evaluation.evaluator import Evaluator
from gen_models.evaluation.record import Evaluation
from gen_models.fields import ConfigError, Samples, Seed, checked, nearest
from gen_models.model import Model
from gen_models.runs import DataRecord, Recipe, environment
from gen_models.sampling import drawing, portable
from gen_models.sampling.drawing import Purpose
from gen_models.storage.tensors import named
from gen_models.training import session
from gen_models.training.progress import Terminal

Label = int | str  # a class, by its label or its name, in upper or lower case
Labels = Sequence[Label] | np.ndarray


@dataclass(frozen=True, repr=False)
class Trained:
    """A model and its trained state.

    Images are bytes u8[N,H,W], which matplotlib and Pillow show without conversion.
    """

    name: str  # name of the run's folder, the file or the shipped model
    recipe: Recipe  # all options that it was trained with
    data: DataRecord  # properties of its training data
    state: State  # trained state, with at least the averaged weights

    def __repr__(self) -> str:
        options, data = self.recipe.options, self.data
        what = f"{options.model} of {options.dataset}, step {int(self.state.step)}"
        size = f"{data.height}×{data.width}, {len(data.class_names)} classes"
        return f"<Trained {self.name}: {what}, {size}>"

    @property
    def model(self) -> Model:
        """The model, without its state."""
        return self.recipe.model(self.data.spec)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the labels."""
        return self.data.class_names

    @property
    def classes(self) -> tuple[int, ...]:
        """The labels of the training images, each once, in order."""
        return self.data.classes

    @property
    def conditional(self) -> bool:
        """Whether the class of a sample can be chosen."""
        return self.model.algorithm.conditional

    @property
    def recognises(self) -> bool:
        """Whether it has a net that estimates the code of an image: the checkpoint of a run of
        infogan has one; a saved model lacks it."""
        return self.model.algorithm.recognise is not None and bool(self.state.params)

    def sample(self, count: int, label: Label | Labels | None = None, seed: int = 1) -> np.ndarray:
        """Draw images u8[count,H,W]; the first images of a seed do not depend on `count`.

        `label` is a class, such as 3 or "dress", or several in turn; by default all classes of the
        training images in turn. A seed gives the same images as `python -m experiments.sample
        --seed`. Raises ConfigError for an invalid label, number or seed.
        """
        labels = self.labels_in_turn(count, label)
        key = drawing.key_for(Purpose.SAMPLES, checked("seed", seed, Seed))
        return drawing.draw(self.model, self.state, key, labels)

    def interpolate(
        self, count: int, steps: int, label: Label | Labels | None = None, seed: int = 1
    ) -> np.ndarray:
        """Images u8[count·steps,H,W] of `count` paths, one after the other. Each path has `steps`
        images, from one latent to another, both included, on the great circle through them (White
        2016, §2.1). `label` is as for `sample`, one per path. Raises ConfigError for an invalid
        label, number or seed."""
        labels = self.labels_in_turn(count, label)
        key = drawing.key_for(Purpose.SAMPLES, checked("seed", seed, Seed))
        steps = checked("steps", steps, Samples)
        return drawing.paths(self.model, self.state, key, labels, steps)

    def labels_in_turn(self, count: int, label: Label | Labels | None = None) -> np.ndarray:
        """The labels i32[count] of the images that `sample` draws. Raises ConfigError."""
        count = checked("count", count, Samples)
        if label is None:
            return np.resize(np.array(self.classes, np.int32), count)
        if not self.conditional:
            name = self.recipe.options.model
            raise ConfigError(f"{name} is not conditional: it has no use for labels")
        return np.resize(labels_of(label, self.class_names), count)

    def encode(self, images: np.ndarray, labels: Labels | None = None) -> np.ndarray:
        """Places f32[N,…] in the latent space of images u8[N,H,W] with N labels, which a
        conditional model needs. Raises UserError for a model without an encoder, ConfigError for
        invalid arrays."""
        self._check_encoder()
        images, labels = self._inputs(images, labels)
        return np.asarray(programs.encode(self.model, self.state, images, labels))

    def decode(self, places: np.ndarray, labels: Labels | None = None) -> np.ndarray:
        """Images u8[N,H,W] of places f32[N,…] in the latent space, with N labels, which a
        conditional model needs. Raises as `encode`."""
        self._check_encoder()
        places, one = np.asarray(places, np.float32), self._place_shape()
        if places.shape[1:] != one or len(places) == 0 or not np.isfinite(places).all():
            shape = ",".join(["N", *map(str, one)])
            expected = f"finite numbers f32[{shape}], one or more"
            raise ConfigError(f"the places are f32{list(places.shape)}, expected {expected}")
        labels = self._classes_of(len(places), labels)
        return to_bytes(programs.decode(self.model, self.state, places, labels))

    def reconstruct(self, images: np.ndarray, labels: Labels | None = None) -> np.ndarray:
        """Reconstructions u8[N,H,W] of images u8[N,H,W]: encoded and decoded again, with N
        labels, which a conditional model needs. Raises as `encode`."""
        self._check_encoder()
        images, labels = self._inputs(images, labels)
        return to_bytes(programs.reconstruct(self.model, self.state, images, labels))

    def recognise(self, images: np.ndarray) -> np.ndarray:
        """Codes f32[N,C] of images u8[N,H,W], as estimated by the recognition net of a run:
        category probabilities, then the continuous codes. Raises UserError for a model without that
        net, such as a saved one."""
        if self.model.algorithm.recognise is None:
            raise UserError(f"{self.recipe.options.model} has no net that recognises a code")
        if not self.recognises:
            raise UserError(
                f"{self.name} is a saved model, without the net that recognises its code; name the "
                "folder of the run, whose checkpoint has it"
            )
        images, _ = self._inputs(images, None)
        return np.asarray(programs.recognise(self.model, self.state, images))

    def evaluate(self, data_dir: str | Path | None = None, **extent: Any) -> Evaluation:
        """Measure samples against the data set that the model was trained on.

        `extent` are fields of `assessment.EvaluationExtent`, such as `samples=2000` or `cas=True`;
        `data_dir` is needed if the data have been moved. Raises UserError.
        """
        wanted = fields.from_dict(EvaluationExtent, extent)
        assessment.check_reference(self.recipe.options, wanted.reference, self.name)
        splits = assessment.load_run_data(self.recipe.options, self.data, data_dir)
        evaluator = Evaluator(features.of(splits.train.name), splits, wanted.reference)
        return self.evaluate_with(evaluator, wanted)

    def evaluate_with(
        self,
        evaluator: Evaluator,
        extent: EvaluationExtent,
        picture: Path | None = None,
        report: Callable[[str], None] = print,
    ) -> Evaluation:
        """Measure samples by an evaluator of the data set that the model was trained on. `picture`
        and `report` are as for `assessment.evaluate_model`."""
        options, step = self.recipe.options, int(self.state.step)
        subject = {"dataset": evaluator.splits.train.name, "name": self.name}
        subject |= {"model": options.model, "seed": options.seed, "step": step}
        arguments = evaluator, extent, subject, picture, report
        return assessment.evaluate_model(self.model, self.state, *arguments)

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of the averaged parameters with their names.

        Batch statistics are left out: they follow from the parameters and are recomputed when a run
        is loaded, with last bits that depend on the machine and its threads.
        """
        sha = hashlib.sha256()
        for name, leaf in sorted(named(self.state.ema).items()):
            if name.startswith("stats/"):
                continue
            sha.update(f"{name} {leaf.dtype} {leaf.shape}".encode())
            sha.update(np.ascontiguousarray(leaf).tobytes())
        return sha.hexdigest()

    def save(self, path: str | Path, *, half: bool = False) -> None:
        """Write one file for sampling, which `load` reads, with weights as float16 if `half`.
        Raises UserError."""
        portable.save(Path(path), self.recipe, self.data, self.state, half=half)

    def _inputs(self, images: np.ndarray, labels: Labels | None) -> tuple[np.ndarray, np.ndarray]:
        images, size = np.asarray(images), (self.data.height, self.data.width)
        if images.dtype != np.uint8 or images.shape[1:] != size or len(images) == 0:
            found, expected = f"{images.dtype}{list(images.shape)}", f"uint8[N,{size[0]},{size[1]}]"
            raise ConfigError(f"the images are {found}, expected {expected}, one or more")
        return images, self._classes_of(len(images), labels)

    def _classes_of(self, count: int, labels: Labels | None) -> np.ndarray:
        """Labels i32[count] of images. Raises ConfigError if a conditional model has none."""
        if labels is not None:
            found = labels_of(labels, self.class_names)
            if len(found) != count:
                raise ConfigError(f"there are {len(found)} labels, expected {count}, one an image")
            return found
        if self.conditional:
            name = self.recipe.options.model
            raise ConfigError(f"{name} is conditional: give the images' labels")
        return np.zeros(count, np.int32)

    def _place_shape(self) -> tuple[int, ...]:
        """Shape of one place in the latent space."""
        image = jax.ShapeDtypeStruct((1, self.data.height, self.data.width), np.uint8)
        labels = jax.ShapeDtypeStruct((1,), np.int32)
        return jax.eval_shape(programs.encode, self.model, self.state, image, labels).shape[1:]

    def _check_encoder(self) -> None:
        if self.model.algorithm.latent is None:
            raise ConfigError(f"{self.recipe.options.model} has no encoder; the VAEs have one")


def load(source: str | Path, *, best: bool = False, ema_decay: float | None = None) -> Trained:
    """Load a trained model from the folder of a run, a file that `Trained.save` wrote, or the name
    of a shipped model, such as "fashion_mnist-cgan".

    `best` takes the checkpoint of a run's best evaluation instead of its newest one; `ema_decay`
    takes the average with that decay, of a run that kept several. Raises UserError, with the names
    of known models, if `source` is none of these.
    """
    path = Path(source)
    if str(source) in portable.SHIPPED and not path.exists():
        path = portable.FOLDER / f"{source}{portable.SUFFIX}"
    if path.suffix == portable.SUFFIX:
        if best:
            raise ConfigError(f"{source} is one model, not a run with a best checkpoint")
        if ema_decay is not None:
            raise ConfigError(f"{source} is one model, not a run with several averages")
        return Trained(path.stem, *portable.load(path))
    if not (path / runs.CONFIG).is_file():
        raise UserError(f"{source} is no run and no shipped model; {_available(str(source))}")
    run = runs.load(path)
    report = partial(print, file=sys.stderr)
    state = drawing.load_state(run, report, best=best, ema_decay=ema_decay)
    recipe = run.recipe
    if ema_decay is not None:
        own = replace(recipe.config, ema_decay=ema_decay, ema_decays=())
        recipe = recipe._replace(config=own)
        state = state._replace(averages=())
    return Trained(path.resolve().name, recipe, run.data, state)


def _available(name: str) -> str:
    """Text on the models that `load` could have found."""
    here = sorted(str(path.parent) for path in runs.RUNS.glob(f"*/{runs.CONFIG}"))
    found = f"runs here: {', '.join(here)}" if here else f"no runs in {runs.RUNS}"
    return f"{nearest(name, portable.SHIPPED)}; {found}"


def train(model: str = "cgan", **options: Any) -> Trained:
    """Train a model as a new run, with options of a run or of its model, such as
    `steps=2000` or `dataset="mnist"`. Repeating the call continues an interrupted run. Settings of
    JAX that decide the result, such as `jax_enable_x64`, are those of the commands meanwhile.

    Raises Interrupted, a KeyboardInterrupt, if a signal such as Ctrl-C has stopped the training,
    which is saved then; UserError; ConfigError, with the nearest right name, for an option that
    does not exist.
    """
    recipe = Recipe.from_flat({"model": model} | options)
    with environment.fixed_settings():
        recipe, splits = session.completed(session.placed(recipe))
        with Terminal(recipe.options.out, recipe.options.steps) as terminal:
            ended = session.train(recipe, splits, [terminal], terminal.say)
        ended.check_done()
        return load(recipe.options.out)
