"""Paths between latents, and the pictures of what a model has learnt."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gen_models import programs, render
from gen_models.algorithm import Spec, State
from gen_models.data.pixels import to_bytes
from gen_models.models import MODELS
from gen_models.runs import DataRecord, Recipe, Run
from gen_models.sampling import gallery
from gen_models.sampling.drawing import great_circle
from gen_models.sampling.gallery import code_images, principal_coordinates


def test_a_path_between_latents_begins_and_ends_at_them_and_keeps_its_length():
    a, b = jax.random.normal(jax.random.key(0), (2, 3, 50))
    a, b = (x / jnp.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))
    path = great_circle(a, b, 5)
    np.testing.assert_allclose(path[:, 0], a, atol=1e-6)
    np.testing.assert_allclose(path[:, -1], b, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(path, axis=-1), 1, atol=1e-5)
    steps = np.einsum("nsz,nsz->ns", path[:, :-1], path[:, 1:])
    np.testing.assert_allclose(steps, steps[:, :1].repeat(4, axis=1), atol=1e-5)  # equal angles


@pytest.mark.parametrize("scale", [1.0, -1.0])
def test_a_path_between_latents_on_one_line_is_straight(scale):
    a = jnp.ones((1, 4))
    path = great_circle(a, scale * a, 3)
    np.testing.assert_allclose(path[0, :, 0], [1, (1 + scale) / 2, scale], atol=1e-6)


def test_the_principal_plane_holds_the_directions_of_most_variance():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(500, 4)) * [0.1, 5.0, 0.2, 2.0] + 7
    plane = principal_coordinates(points.astype(np.float32))
    np.testing.assert_allclose(plane.mean(axis=0), 0, atol=1e-4)
    assert abs(np.corrcoef(plane[:, 0], points[:, 1])[0, 1]) > 0.99
    assert abs(np.corrcoef(plane[:, 1], points[:, 3])[0, 1]) > 0.99


def test_a_plane_is_its_own_principal_plane():
    points = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.testing.assert_array_equal(principal_coordinates(points), points)
    np.testing.assert_array_equal(principal_coordinates(points[:, :1])[:, 1], 0)
    assert gallery.axis_names(2) == ["first latent dimension", "second latent dimension"]
    assert gallery.axis_names(3)[1] == "second principal component of the latents"


def test_a_map_of_codes_is_enlarged_to_the_images_size_a_shade_a_code():
    images = code_images(np.array([[[0, 1], [2, 4]]]), (4, 6))
    assert (images.shape, images.dtype) == ((1, 4, 6), np.uint8)
    np.testing.assert_array_equal(images[0, ::2, ::3], [[0, 64], [128, 255]])
    assert (images[0, :2, :3] == 0).all()


EXPECTED = {
    "gan": {"interpolations"},
    "cgan": {"interpolations"},
    "infogan": {"interpolations", "code_1", "code_2"},
    "vae": {"interpolations", "between_images", "latents"},
    "hvae": {"interpolations", "between_images", "latents"},
    "vq_vae": {"interpolations", "between_images", "codes"},
}


def start_run(tmp_path, tiny, model, **options) -> tuple[Run, State]:
    """A run that nobody has trained yet, and its first state."""
    recipe = Recipe.from_flat({"model": model, "dataset": "tiny", "width": 4} | options)
    run = Run(tmp_path, recipe, DataRecord.of(tiny.train))
    return run, programs.start(run.model, jax.random.key(0))


@pytest.fixture
def shown(monkeypatch) -> list[np.ndarray]:
    """The images of each grid that is drawn, in order."""
    shown, grid = [], render.grid

    def recorded(images, *layout, **names):
        shown.append(images)
        return grid(images, *layout, **names)

    monkeypatch.setattr(render, "grid", recorded)
    return shown


@pytest.mark.parametrize("model", EXPECTED)
def test_each_kind_of_model_has_pictures_of_its_own(tmp_path, tiny, model, shown):
    run, state = start_run(tmp_path, tiny, model, latent_size=3)
    pictures = gallery.pictures(run, state, tiny.test)
    assert pictures.keys() == EXPECTED[model]
    assert all(len(np.unique(images, axis=0)) > 1 for images in shown)
    assert all(picture.width > 8 for picture in pictures.values())


def test_classes_without_images_are_in_no_picture(tmp_path, gapped, monkeypatch):
    drawn, legend, grid = [], [], render.grid

    def recorded(*args, row_names=()):
        drawn.append(row_names)
        return grid(*args, row_names=row_names)

    monkeypatch.setattr(render, "grid", recorded)
    monkeypatch.setattr(render, "scatter", lambda _, *labelled: legend.append(labelled))
    gallery.pictures(*start_run(tmp_path, gapped, "cvae", latent_size=3), gapped.test)
    assert drawn[0] == ["one", "three", "four"]
    ((ranks, names, axes),) = legend
    assert axes == gallery.axis_names(3)
    assert names == ["one", "three", "four"]
    assert ranks.tolist() == [i % 3 for i in range(20)]


def test_one_test_image_is_a_point(tmp_path, tiny):
    single = tiny.test._replace(images=tiny.test.images[:1], labels=tiny.test.labels[:1])
    pictures = gallery.pictures(*start_run(tmp_path, tiny, "vae", latent_size=3), single)
    assert pictures.keys() == EXPECTED["vae"]
    assert principal_coordinates(np.ones((1, 5), np.float32)).tolist() == [[0, 0]]


@pytest.mark.parametrize("model", ["vae", "hvae", "vq_vae"])
def test_a_way_between_images_begins_and_ends_at_their_reconstructions_beside_the_images(
    tmp_path, tiny, model, shown
):
    run, state = start_run(tmp_path, tiny, model, latent_size=3)
    gallery.pictures(run, state, tiny.test)
    rows, columns = gallery.ROWS, gallery.COLUMNS
    decoded, first, last = shown[1:4]
    ways = decoded.reshape(rows, columns, *decoded.shape[1:]).astype(int)
    chosen = np.resize(np.arange(len(tiny.test.images)), 2 * rows)
    images, labels = tiny.test.images[chosen], tiny.test.labels[chosen]
    np.testing.assert_array_equal(np.concatenate([first, last]), images)
    copies = to_bytes(programs.reconstruct(run.model, state, images, labels)).astype(int)
    np.testing.assert_allclose(ways[:, 0], copies[:rows], atol=1)  # of 255: either way of rounding
    np.testing.assert_allclose(ways[:, -1], copies[rows:], atol=1)


def test_a_latent_of_two_dimensions_is_shown_as_a_plane(tmp_path, tiny):
    assert "plane" in gallery.pictures(*start_run(tmp_path, tiny, "vae", latent_size=2), tiny.test)


def test_infogans_views_vary_one_code_along_a_row_and_the_category_down_the_columns():
    module = MODELS["infogan"]
    algorithm = module.build(module.Config(latent_size=3, categories=4), Spec(8, 8, 3))
    view = algorithm.views(jax.random.key(0))["code_2"]
    z = np.asarray(view.z).reshape(view.rows, view.columns, -1)
    noise, category, codes = np.split(z, [3, 7], axis=-1)
    assert (noise == noise[:, :1]).all()
    np.testing.assert_array_equal(category, np.broadcast_to(np.eye(4)[:, None], category.shape))
    assert (codes[..., 0] == 0).all()
    np.testing.assert_allclose(
        codes[..., 1], np.tile(np.linspace(-2, 2, view.columns), (4, 1)), rtol=1e-5
    )
