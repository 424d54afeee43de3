"""The face: `gen_models.load`, `train`, and what can be done with a trained model."""

import signal
from contextlib import nullcontext
from dataclasses import replace

import jax
import numpy as np
import pytest
from trainings import OPTIONS, train

import gen_models as gm
from gen_models import programs
from gen_models import runs as folders
from gen_models.fields import ConfigError
from gen_models.runs import checkpoint
from gen_models.sampling import drawing
from gen_models.training import session
from gen_models.training.interrupt import Interruption

SMALL = {name: value for name, value in OPTIONS.items() if name != "model"} | {"steps": 6}


@pytest.fixture(scope="module")
def runs(tmp_path_factory, tiny):
    """A folder with short runs of a conditional GAN, a GAN and two VAEs."""
    folder = tmp_path_factory.mktemp("runs")
    for model in ("cgan", "dcgan", "vae", "cvae"):
        train(folder / model, tiny, **SMALL, model=model)
    return folder


def test_load_takes_a_str_and_knows_the_run(runs):
    model = gm.load(str(runs / "cgan"))
    assert (model.name, model.class_names) == ("cgan", ("zero", "one", "two"))
    assert (int(model.state.step), model.conditional) == (6, True)


def test_sample_draws_bytes_and_a_seed_decides_them(runs):
    model = gm.load(runs / "vae")
    images = model.sample(7, seed=3)
    assert (images.shape, images.dtype) == ((7, 8, 8), np.uint8)
    np.testing.assert_array_equal(images, model.sample(30, seed=3)[:7])
    assert (images != model.sample(7, seed=4)).any()


def test_sample_takes_a_class_or_several_in_turn(runs):
    model = gm.load(runs / "cgan")
    in_turn = model.sample(6, label=[2, 0])
    np.testing.assert_array_equal(model.sample(6, label=2)[::2], in_turn[::2])
    np.testing.assert_array_equal(model.sample(6, label=0)[1::2], in_turn[1::2])
    np.testing.assert_array_equal(model.sample(6), model.sample(6, label=[0, 1, 2]))


def test_the_average_to_draw_from_can_be_chosen_where_several_were_kept(tmp_path, tiny):
    kept = SMALL | {"ema_decay": 0.15, "ema_decays": (0.05,)}
    train(tmp_path / "several", tiny, **kept, model="vae")
    train(tmp_path / "one", tiny, **kept | {"ema_decay": 0.05, "ema_decays": ()}, model="vae")
    chosen = gm.load(tmp_path / "several", ema_decay=0.05).sample(6)
    np.testing.assert_array_equal(chosen, gm.load(tmp_path / "one").sample(6))
    assert (chosen != gm.load(tmp_path / "several").sample(6)).any()
    with pytest.raises(ConfigError, match=r"expected that of an average that was kept: 0.15, 0.05"):
        gm.load(tmp_path / "several", ema_decay=0.9)
    with pytest.raises(ConfigError, match="not a run with several averages"):
        gm.load("fashion_mnist-cgan", ema_decay=0.9)


def test_sample_draws_no_class_without_images_unless_asked(tmp_path, gapped):
    train(tmp_path / "run", gapped, **SMALL, model="cgan")
    model = gm.load(tmp_path / "run")
    assert (model.classes, len(model.class_names)) == ((1, 3, 4), 5)
    np.testing.assert_array_equal(model.sample(6), model.sample(6, label=[1, 3, 4]))
    assert model.sample(2, label=0).shape == (2, 8, 8)


def test_a_class_can_be_given_by_its_name(runs, tiny):
    model, images = gm.load(runs / "cgan"), tiny.test.images[:3]
    np.testing.assert_array_equal(model.sample(4, label="Two"), model.sample(4, label=2))
    by_name, by_number = (model.interpolate(2, 3, label=x) for x in (["one", 0], [1, 0]))
    np.testing.assert_array_equal(by_name, by_number)
    coder = gm.load(runs / "cvae")
    codes = coder.encode(images, ["zero", "TWO", "one"])
    np.testing.assert_array_equal(codes, coder.encode(images, np.array([0, 2, 1])))


@pytest.mark.parametrize("label", [3, -1, [0, 3], 1.5, "ones", True, [[0, 1]], np.bool_(1)])
def test_sample_refuses_a_class_that_is_not_there(runs, label):
    with pytest.raises(ConfigError, match=r"expected whole numbers from 0 to 2 or names.*'two'"):
        gm.load(runs / "cgan").sample(2, label=label)


def test_sample_refuses_an_empty_list_of_classes(runs):
    with pytest.raises(ConfigError, match="no label in the list; leave it out for all classes"):
        gm.load(runs / "cgan").sample(2, label=[])


def test_sample_says_that_classes_have_no_names(runs):
    model = gm.load(runs / "cgan")
    unnamed = replace(model, data=replace(model.data, class_names=("0", "1", "2")))
    np.testing.assert_array_equal(unnamed.sample(2, label="1"), model.sample(2, label=1))
    with pytest.raises(ConfigError, match="from 0 to 2; the classes of this data set have no name"):
        unnamed.sample(2, label="one")


def test_sample_of_an_unconditional_model_refuses_labels(runs):
    with pytest.raises(ConfigError, match="dcgan is not conditional"):
        gm.load(runs / "dcgan").sample(2, label=1)


def test_interpolate_gives_paths_of_as_many_steps(runs):
    assert gm.load(runs / "cgan").interpolate(3, 5, label=1).shape == (15, 8, 8)


def test_reconstruct_is_encode_and_decode(runs, tiny):
    model, images = gm.load(runs / "vae"), tiny.test.images[:5]
    codes = model.encode(images)
    assert (codes.shape, codes.dtype) == ((5, 3), np.float32)
    copies = model.reconstruct(images).astype(int)
    assert np.abs(copies - model.decode(codes)).max() <= 1  # two programs round differently


def test_encode_of_a_conditional_model_asks_for_labels(runs, tiny):
    model, images = gm.load(runs / "cvae"), tiny.test.images[:5]
    with pytest.raises(ConfigError, match="cvae is conditional: give the images' labels"):
        model.encode(images)
    assert model.reconstruct(images, tiny.test.labels[:5]).shape == (5, 8, 8)


def test_encode_refuses_images_of_another_kind(runs, tiny):
    with pytest.raises(ConfigError, match=r"float32\[5, 8, 8\], expected uint8\[N,8,8\]"):
        gm.load(runs / "vae").encode(tiny.test.images[:5].astype(np.float32))


def test_encode_of_a_gan_says_that_there_is_no_encoder(runs, tiny):
    for method in ("encode", "reconstruct", "decode"):
        with pytest.raises(ConfigError, match="dcgan has no encoder"):
            getattr(gm.load(runs / "dcgan"), method)(tiny.test.images[:5])


def test_save_makes_a_file_that_load_reads(runs, tmp_path):
    model = gm.load(runs / "cgan")
    model.save(tmp_path / "mine.safetensors")
    found = gm.load(tmp_path / "mine.safetensors")
    assert found.name == "mine"
    np.testing.assert_array_equal(found.sample(5, seed=2), model.sample(5, seed=2))


def test_the_digest_tells_weights_apart_and_not_where_they_are(runs, tmp_path):
    model = gm.load(runs / "cgan")
    model.save(tmp_path / "whole.safetensors")
    model.save(tmp_path / "half.safetensors", half=True)
    assert gm.load(tmp_path / "whole.safetensors").digest == model.digest
    assert gm.load(tmp_path / "half.safetensors").digest != model.digest
    stats = jax.tree.map(lambda x: x * 1.0000001, model.state.ema["stats"])
    moved = model.state._replace(ema=model.state.ema | {"stats": stats})
    assert replace(model, state=moved).digest == model.digest


@pytest.mark.parametrize("name", ["cgan", "vae"])
def test_a_loaded_and_a_saved_model_have_batch_statistics_of_their_own(runs, tmp_path, name):
    model, run = gm.load(runs / name), folders.load(runs / name)
    _, kept = checkpoint.load_newest(run.checkpoints, programs.shapes(run.model), print)
    wanted = drawing.finalise(run.model, run.data, kept).ema
    jax.tree.map(np.testing.assert_array_equal, model.state.ema, wanted)
    pairs = zip(*(jax.tree.leaves(ema["stats"]) for ema in (kept.ema, wanted)), strict=True)
    assert any(np.any(before != after) for before, after in pairs)
    model.save(tmp_path / "mine.safetensors")
    found = gm.load(tmp_path / "mine.safetensors").state.ema
    jax.tree.map(np.testing.assert_array_equal, found, wanted)


@pytest.mark.parametrize("source", ["fashion_mnist-cgn", "nowhere", "."])
def test_load_of_something_else_says_what_there_is(tmp_path, monkeypatch, runs, source):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results/runs").symlink_to(runs)
    with pytest.raises(gm.UserError) as error:
        gm.load(source)
    message = str(error.value)
    assert "fashion_mnist-cgan" in message
    assert "results/runs/cgan" in message


def test_load_names_the_nearest_shipped_model():
    with pytest.raises(gm.UserError, match="perhaps you meant 'fashion_mnist-cgan'"):
        gm.load("fashion_mnist-cgn")


def test_train_trains_continues_and_returns_the_model(tmp_path, monkeypatch, tiny_folder, capsys):
    monkeypatch.chdir(tmp_path)
    options = SMALL | {"model": "vae", "data_dir": tiny_folder}
    model = gm.train(**options)
    assert int(model.state.step) == 6
    assert model.name == "tiny-vae-0-" + model.name.rpartition("-")[2]
    assert (tmp_path / "results/runs" / model.name / "samples.png").exists()
    further = gm.train(**options | {"steps": 9})
    assert int(further.state.step) == 9
    assert "is at step 6 of 9: going on" in capsys.readouterr().out


def test_train_stopped_by_a_signal_is_saved_and_raises(tmp_path, monkeypatch, tiny_folder):
    options = SMALL | {"model": "vae", "data_dir": tiny_folder, "out": tmp_path / "r"}
    with monkeypatch.context() as patch:
        came = nullcontext(Interruption(signal.SIGINT))
        patch.setattr(session, "interruptible", lambda: came)
        with pytest.raises(KeyboardInterrupt, match="saved at step 0; start it again to go on"):
            gm.train(**options)
    assert int(gm.load(tmp_path / "r").state.step) == 0
    assert int(gm.train(**options).state.step) == 6


def test_train_has_the_settings_of_commands_and_gives_back_the_users(
    tmp_path, monkeypatch, tiny_folder
):
    monkeypatch.chdir(tmp_path)
    jax.config.update("jax_enable_x64", True)
    try:
        model = gm.train(**SMALL | {"model": "vae", "data_dir": tiny_folder, "steps": 1})
        assert jax.config.jax_enable_x64
    finally:
        jax.config.update("jax_enable_x64", False)
    dtypes = {leaf.dtype for leaf in jax.tree.leaves(model.state)}
    assert dtypes == {np.dtype("float32"), np.dtype("int32")}


def test_seeds_are_those_of_the_command(runs):
    model = gm.load(runs / "vae")
    first = model.sample(2, seed=np.int64(3))
    np.testing.assert_array_equal(first, model.sample(2, seed=3))
    for seed in (-1, 2**31, 2**70, 1.0, None):
        for drawn in (lambda s: model.sample(2, seed=s), lambda s: model.interpolate(1, 2, seed=s)):
            with pytest.raises(ConfigError, match=r"seed is .*, expected a"):
                drawn(seed)


def test_a_model_is_one_line_in_a_notebook(runs):
    shown = repr(gm.load(runs / "cgan"))
    assert shown == "<Trained cgan: cgan of tiny, step 6, 8×8, 3 classes>"


def test_train_refuses_a_misspelt_option_with_the_right_one():
    with pytest.raises(ConfigError, match="no option is called 'widht'; perhaps you meant 'width'"):
        gm.train(model="dcgan", widht=8)
    with pytest.raises(ConfigError, match="perhaps you meant 'dcgan'"):
        gm.train(model="dcgam")


def test_evaluate_refuses_a_misspelt_extent(runs):
    with pytest.raises(ConfigError, match="perhaps you meant 'samples'"):
        gm.load(runs / "cgan").evaluate(sampels=100)


def test_grid_of_any_count_is_nearly_square(runs):
    images = gm.load(runs / "dcgan").sample(10)
    picture = gm.grid(images)
    assert picture.size == (2 + 4 * 18, 2 + 3 * 18)  # four columns, three rows, of 16 pixels each


@pytest.mark.parametrize("count", [0, -1, 2.5, "3"])
def test_sample_and_interpolate_refuse_what_is_no_count(runs, count):
    model = gm.load(runs / "vae")
    for draw in (lambda: model.sample(count), lambda: model.interpolate(1, count)):
        with pytest.raises(ConfigError, match=r"expected a (whole )?number"):
            draw()


def test_encode_and_decode_refuse_labels_and_places_that_do_not_fit(runs, tiny):
    model, images = gm.load(runs / "cvae"), tiny.test.images[:4]
    with pytest.raises(ConfigError, match="there are 1 labels, expected 4"):
        model.encode(images, np.array([1]))
    with pytest.raises(ConfigError, match=r"labels are \[9\]"):
        model.reconstruct(images, np.array([0, 1, 2, 9]))
    with pytest.raises(ConfigError, match="the places are"):
        model.decode(np.zeros((4, 7)), tiny.test.labels[:4])
    with pytest.raises(ConfigError, match="expected finite numbers"):
        model.decode(np.full_like(model.encode(images, np.zeros(4, int)), np.nan), [0] * 4)
    for call in (model.encode, model.reconstruct):
        with pytest.raises(ConfigError, match="one or more"):
            call(images[:0], np.zeros(0, int))
    with pytest.raises(ConfigError, match="expected uint8"):
        model.encode([[1, 2]], np.array([1]))


def test_evaluate_refuses_validation_images_that_the_model_was_trained_on(runs):
    with pytest.raises(gm.UserError, match="cgan was trained on the validation images too"):
        gm.load(runs / "cgan").evaluate(reference="validation")


def test_best_is_refused_where_there_is_no_best_checkpoint(runs):
    with pytest.raises(gm.UserError, match="holds no checkpoint"):
        gm.load(runs / "cgan", best=True)
    with pytest.raises(ConfigError, match="not a run with a best checkpoint"):
        gm.load("fashion_mnist-cgan", best=True)
    with pytest.raises(ConfigError, match="no option is called 'best'"):
        gm.load(runs / "cgan").evaluate(best=True)


def test_save_refuses_a_name_that_load_would_not_know(runs, tmp_path):
    with pytest.raises(gm.UserError, match=r"model\.bin: expected a name"):
        gm.load(runs / "cgan").save(tmp_path / "model.bin")
    assert list(tmp_path.iterdir()) == []


def test_grid_of_one_image_is_a_picture_and_of_none_a_clear_error(runs):
    assert gm.grid(gm.load(runs / "vae").sample(1)).size == (20, 20)
    for images in (np.zeros((0, 8, 8), np.uint8), np.zeros((2, 8, 8)), [[[0.5]]]):
        with pytest.raises(gm.UserError, match=r"expected uint8\[N,H,W\].*to_bytes"):
            gm.grid(images)


def test_train_writes_event_files_where_they_are_asked_for(tmp_path, monkeypatch, tiny_folder):
    monkeypatch.chdir(tmp_path)
    gm.train(
        **SMALL | {"model": "dcgan", "data_dir": tiny_folder, "out": tmp_path / "r"},
        tensorboard=True,
    )
    assert list((tmp_path / "r/tensorboard").glob("events.out.tfevents.*"))
