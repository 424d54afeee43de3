"""Methods and scores on blobs, whose clusters are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gen_models.clusters import dec, methods, scores, ways

pytest.importorskip("sklearn")
SMALL = dec.Config(epochs=40, hidden=(16,), size=2, batch=32, update_steps=10, most_steps=200)


def two_blobs(count=120, size=9):
    """Images u8[count,size] that are bright on the left or on the right, and which."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    images = rng.integers(0, 60, (count, size))
    images[labels == 0, : size // 2] += 180
    images[labels == 1, size // 2 :] += 180
    return images.astype(np.uint8), labels


@pytest.mark.parametrize(
    "method",
    [methods.kmeans, methods.mixture, pytest.param(methods.density, marks=pytest.mark.slow)],
)
def test_two_blobs_are_two_clusters(method):
    images, labels = two_blobs()
    clustering = method(images.astype(np.float32) / 255, 2, 0)
    scored = scores.scores(clustering.clusters, labels)
    assert scored.accuracy > 0.99
    assert scored.clusters == 2
    assert clustering.typical.shape == (120,)


def test_scores_do_not_depend_on_the_numbers_of_clusters():
    labels = np.array([0, 0, 1, 1, 2, 2])
    permuted = scores.scores(np.array([2, 2, 0, 0, 1, 1]), labels)
    assert permuted == (1.0, pytest.approx(1.0), 1.0, 3, 0.0)


def test_accuracy_is_that_of_the_best_matching_and_counts_what_is_left_out_as_wrong():
    labels = np.array([0, 0, 0, 1, 1, 1])
    assert scores.scores(np.zeros(6, int), labels).accuracy == 0.5
    partial = scores.scores(np.array([0, 0, -1, 1, 1, -1]), labels)
    assert partial.accuracy == pytest.approx(4 / 6)
    assert partial.left_out == pytest.approx(2 / 6)
    none = scores.scores(np.full(6, -1), labels)
    assert (none.accuracy, none.clusters, none.left_out) == (0, 0, 1)


def test_a_cluster_without_a_class_of_its_own_is_named_after_its_most_frequent_one():
    labels = np.array([0, 0, 0, 0, 1, 1])
    np.testing.assert_array_equal(scores.meanings(np.array([0, 0, 0, 1, 2, 2]), labels), [0, 0, 1])


def test_assignment_is_that_of_student_t_by_hand():
    z, centres = jnp.array([[0.0, 0.0]]), jnp.array([[0.0, 1.0], [0.0, 3.0]])
    np.testing.assert_allclose(dec.assignment(z, centres), [[0.5 / 0.6, 0.1 / 0.6]], rtol=1e-6)


def test_target_sharpens_and_its_rows_sum_to_one():
    q = jnp.array([[0.7, 0.3], [0.3, 0.7]])
    p = dec.target(q)
    np.testing.assert_allclose(p[0], [0.49 / 0.58, 0.09 / 0.58], rtol=1e-6)
    np.testing.assert_allclose(jnp.sum(p, axis=1), 1, rtol=1e-6)
    assert dec.divergence(p, p) == 0
    assert dec.divergence(p, q) > 0


def test_target_weights_large_clusters_less():
    q = jnp.array([[0.5, 0.5], [0.9, 0.1], [0.9, 0.1]])
    assert dec.target(q)[0, 1] > 0.5


def test_an_auto_encoder_restores_images_from_two_numbers():
    images, _ = two_blobs()
    trained = dec.pretrain(SMALL, images, 0, lambda *_: None)
    x = jnp.asarray(images / 255, jnp.float32)
    z = dec.embeddings(SMALL, trained.encoder, jnp.asarray(images))
    y, _ = SMALL.decoder(9).apply(trained.decoder, {}, z, train=False)
    assert jnp.mean((y - x) ** 2) < 0.2 * jnp.mean(jnp.var(x, axis=0))


def test_dec_finds_two_blobs_and_the_next_process_has_its_encoder_from_the_cache(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    images, labels = two_blobs()
    data = ways.ClusterImages(images.reshape(-1, 3, 3), labels, 2)
    names, rounds = ("kmeans-autoencoder", "dec", "mixture-autoencoder"), []
    for _ in range(2):
        by_name = {way.name: way for way in ways.of_images(data, SMALL, lambda *_: None)}
        rounds.append([by_name[name].cluster(1) for name in names])
        monkeypatch.setattr(dec, "pretrain", lambda *_: pytest.fail("it is in the cache"))
    assert scores.scores(rounds[0][1].clusters, labels).accuracy > 0.99
    for first, second in zip(*rounds, strict=True):
        jax.tree.map(np.testing.assert_array_equal, first, second)
