"""The gallery: pictures of what a trained model has learnt, in addition to samples."""

import jax
import numpy as np
from PIL.Image import Image

from gen_models import programs, render
from gen_models.algorithm import Key, State
from gen_models.data.catalog import Dataset
from gen_models.data.pixels import to_bytes
from gen_models.render import layout
from gen_models.runs import Run
from gen_models.sampling import drawing

ROWS, COLUMNS = 10, 10
POINTS = 2000  # test images in the picture of the latent space
SHOWN = 40  # test images in the picture of codes


def pictures(run: Run, state: State, test: Dataset) -> dict[str, Image]:
    """Pictures by name: interpolations; the model's views, if any; for models with an encoder also
    interpolations between test images; for vector latents, test images in a plane of the latent
    space; for discrete latents, the codes of test images."""
    model, algorithm = run.model, run.model.algorithm
    key = drawing.key_for(drawing.Purpose.GALLERY, run.options.seed)
    key_paths, key_views = jax.random.split(key)
    pictures = {"interpolations": _interpolations(run, state, key_paths)}
    for name, view in algorithm.views(key_views).items():
        images = to_bytes(programs.generate(model, state, view.z, view.labels))
        pictures[name] = render.grid(images, view.rows, view.columns)
    if algorithm.latent is None:
        return pictures
    images, labels = test.images[:POINTS], test.labels[:POINTS]
    places = np.asarray(programs.encode(model, state, images, labels))
    pictures["between_images"] = _between(run, state, images, places, labels)
    if places.ndim == 2:
        present, ranks = np.unique(labels, return_inverse=True)
        names = [test.class_names[label] for label in present]
        coordinates, axes = principal_coordinates(places), axis_names(places.shape[1])
        pictures["latents"] = render.scatter(coordinates, ranks, names, axes)
    if algorithm.latent.codes is not None:
        images = test.images[:SHOWN]
        codes = np.asarray(programs.codes(model, state, images))
        pair = images, code_images(codes, images.shape[1:])
        pictures["codes"] = render.pairs(*pair, COLUMNS, names=("original", "codes"))
    return pictures


def _interpolations(run: Run, state: State, key: Key) -> Image:
    """Picture of paths between latents: a row per class for a conditional model, else ten rows."""
    conditional = run.model.algorithm.conditional
    labels = np.array(run.data.shown_classes if conditional else (0,) * ROWS, np.int32)
    names = [run.data.class_names[label] for label in labels] if conditional else ()
    images = drawing.paths(run.model, state, key, labels, COLUMNS)
    return render.grid(images, len(labels), COLUMNS, row_names=names)


def _between(
    run: Run, state: State, images: np.ndarray, places: np.ndarray, labels: np.ndarray
) -> Image:
    """Picture of straight lines in latent space, one per row, from the place of each of the first
    images u8[N,H,W] to that of another, decoded with the label of the first. The two images stand
    at its ends. Places are f32[N,…]."""
    a, b = np.resize(places, (2, ROWS, *places.shape[1:]))
    share = np.linspace(0, 1, COLUMNS, dtype=np.float32).reshape(-1, *(1,) * (places.ndim - 1))
    line = a[:, None] + share * (b - a)[:, None]
    labels = np.resize(labels, ROWS).repeat(COLUMNS)
    decoded = programs.decode(run.model, state, line.reshape(-1, *places.shape[1:]), labels)
    tiles = render.grid(to_bytes(decoded), ROWS, COLUMNS)
    first, last = np.resize(images, (2, ROWS, *images.shape[1:]))
    panels = {
        "from": render.grid(first, ROWS, 1),
        "decoded along the line between their latents": tiles,
        "to": render.grid(last, ROWS, 1),
    }
    return layout.captioned(panels)


def principal_coordinates(points: np.ndarray) -> np.ndarray:
    """Coordinates f32[N,2] of points f32[N,D] along their two directions of largest variance
    (Pearson 1901); the points themselves if D is 2 or less. A single point lies at 0."""
    if points.shape[1] > 2:
        centred = points - points.mean(axis=0)
        _, _, directions = np.linalg.svd(centred, full_matrices=False)
        points = centred @ directions[:2].T
    return np.pad(points, ((0, 0), (0, 2 - points.shape[1])))


def axis_names(dimensions: int) -> list[str]:
    """Names of the two coordinates that `principal_coordinates` gives latents of so many
    dimensions."""
    kind = "principal component of the latents" if dimensions > 2 else "latent dimension"
    return [f"{order} {kind}" for order in ("first", "second")]


def code_images(codes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Images u8[N,H,W] of codes i32[N,h,w], one shade of grey per code."""
    rows, columns = (np.arange(n) * codes.shape[i] // n for i, n in enumerate(size, 1))
    tiles = codes[:, rows][:, :, columns].astype(np.float32)
    return np.round(255 * tiles / max(1, codes.max())).astype(np.uint8)
