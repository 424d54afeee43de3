"""Grids: each pixel in its place, the same bytes each time, a clear error when one fails."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gen_models import render
from gen_models.errors import UserError

ROOT = Path(__file__).parents[2]
WHITE = 255


def constant(*values, height=4, width=6):
    """Images u8[N,H,W] of one grey each."""
    greys = np.array(values, np.uint8).reshape(-1, 1, 1)
    return np.broadcast_to(greys, (len(values), height, width))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def opened(path):
    with Image.open(path) as picture:
        picture.load()
        return picture


# --- grids


def test_grid_places_images_row_by_row_with_gaps():
    picture = np.asarray(render.grid(constant(10, 20, 30, 40, 50, 60), 2, 3, scale=1, gap=1))
    assert picture.shape == (1 + 2 * 5, 1 + 3 * 7)
    assert picture[1::5, 1::7].tolist() == [[10, 20, 30], [40, 50, 60]]
    assert picture[4::5, 6::7].tolist() == [[10, 20, 30], [40, 50, 60]]
    assert (picture[::5] == WHITE).all() and (picture[:, ::7] == WHITE).all()


def test_grid_neither_turns_nor_mirrors_nor_blurs_an_image():
    images = np.random.default_rng(0).integers(0, 256, (1, 4, 6), np.uint8)
    picture = np.asarray(render.grid(images, 1, 1, scale=3, gap=2))[2:-2, 2:-2]
    assert (picture == np.kron(images[0], np.ones((3, 3)))).all()


def test_grid_leaves_places_without_an_image_empty_and_images_beyond_out():
    few = np.asarray(render.grid(constant(1, 2), 2, 2, scale=1, gap=0))
    assert few[::4, ::6].tolist() == [[1, 2], [WHITE, WHITE]]
    many = np.asarray(render.grid(constant(1, 2, 3, 4, 5), 2, 2, scale=1, gap=0))
    assert many[::4, ::6].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_grid_writes_row_names_left_of_their_rows(scale):
    images = constant(0, 0, height=28, width=28)
    plain = render.grid(images, 2, 1, scale=scale)
    named = render.grid(images, 2, 1, scale=scale, row_names=["T-shirt/top", "Ankle boot"])
    margin = named.width - plain.width
    assert margin > 0 and named.height == plain.height
    assert named.crop((margin, 0, *named.size)).tobytes() == plain.tobytes()
    ink = np.asarray(named)[:, :margin] < 128
    assert not ink[:, [0, -1]].any()  # the names fit, with room on both sides
    middle = plain.height // 2
    assert ink[:middle].any() and ink[middle:].any() and not ink[middle - 1 : middle + 1].any()
    only_first = render.grid(images, 2, 1, scale=scale, row_names=["T-shirt/top", ""])
    assert not (np.asarray(only_first)[middle:, : only_first.width - plain.width] < 128).any()


def test_grid_with_a_row_name_too_few_is_an_error():
    with pytest.raises(ValueError):
        render.grid(constant(1, 2), 2, 1, row_names=["only one"])


def test_pairs_have_each_original_above_its_reconstruction():
    picture = render.pairs(constant(1, 2, 3), constant(101, 102, 103), 2, scale=1, gap=1)
    pixels = np.asarray(picture)[:, -1 - 2 * 7 :]
    greys = {int(grey): np.argwhere(pixels == grey)[0] for grey in (1, 2, 3, 101, 102, 103)}
    for grey in (1, 2, 3):
        assert (greys[100 + grey] - greys[grey]).tolist() == [4 + 1, 0]
    assert greys[1][0] == greys[2][0] and (greys[2] - greys[1])[1] == 7
    assert greys[3][1] == greys[1][1] and greys[3][0] - greys[101][0] > 5  # a wider gap
    with pytest.raises(ValueError, match="2 originals, 1 recon"):
        render.pairs(constant(1, 2), constant(1), 2)


# --- files


def test_png_is_exact_and_the_same_each_time(tmp_path):
    picture = render.grid(constant(*range(12)), 3, 4, row_names=["a", "b", "c"])
    for name in ("a.png", "b.png"):
        render.save_png(picture, tmp_path / name)
    assert opened(tmp_path / "a.png").tobytes() == picture.tobytes()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert names(tmp_path) == ["a.png", "b.png"]


def frames_in(folder, count):
    paths = [folder / f"{i:03d}.png" for i in range(count)]
    for i, path in enumerate(paths):
        render.save_png(render.grid(constant(i, 255 - i), 1, 2), path)
    return paths


def test_gif_shows_each_frame_and_rests_on_the_last(tmp_path):
    paths = frames_in(tmp_path, 5)
    for name in ("a.gif", "b.gif"):
        render.save_gif(iter(paths), tmp_path / name, 0.1)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    durations = []
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 5 and gif.info["loop"] == 0
        for i, path in enumerate(paths):
            gif.seek(i)
            durations.append(gif.info["duration"])
            assert gif.convert("L").tobytes() == opened(path).tobytes()
    assert durations == [100, 100, 100, 100, 2100]


@pytest.mark.parametrize(
    ("count", "limit", "shown"),
    [
        (5, 5, [0, 1, 2, 3, 4]),
        (6, 5, [0, 1, 2, 3, 5]),
        (2000, 5, [0, 499, 999, 1499, 1999]),
        (9, 2, [0, 8]),
    ],
)
def test_gif_of_many_frames_shows_the_first_the_last_and_some_between(
    tmp_path, monkeypatch, count, limit, shown
):
    monkeypatch.setattr(render.grids, "MAX_FRAMES", limit)
    size = (20, 10)
    frames = [Image.new("L", size, i % 251) for i in range(count)]
    render.save_gif(frames, tmp_path / "a.gif", 0.1)
    assert greys_of(tmp_path / "a.gif") == [i % 251 for i in shown]


def greys_of(path):
    """The grey in the corner of each frame."""
    with Image.open(path) as gif:
        return [gif.seek(i) or gif.convert("L").getpixel((0, 0)) for i in range(gif.n_frames)]


def test_gif_of_large_frames_shows_fewer_that_fit_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(render.grids, "_MAX_FRAMES_BYTES", 3 * 20 * 10)
    render.save_gif([Image.new("L", (20, 10), i) for i in range(9)], tmp_path / "a.gif", 0.1)
    assert greys_of(tmp_path / "a.gif") == [0, 4, 8]
    render.save_gif([Image.new("L", (200, 10), i) for i in range(9)], tmp_path / "a.gif", 0.1)
    assert greys_of(tmp_path / "a.gif") == [0, 8]


def test_gif_of_a_frame_too_many_shows_max_frames(tmp_path):
    frames = [Image.new("L", (20, 10), i % 251) for i in range(render.grids.MAX_FRAMES + 1)]
    render.save_gif(frames, tmp_path / "a.gif", 0.1)
    assert len(greys_of(tmp_path / "a.gif")) == render.grids.MAX_FRAMES


def test_gif_of_pictures_and_of_one_frame(tmp_path):
    picture = render.grid(constant(1, 2), 1, 2)
    render.save_gif([picture], tmp_path / "a.gif", 0.5)
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.convert("L").tobytes() == picture.tobytes()


@pytest.mark.parametrize("content", [None, b"", b"garbage", "half", "other size"])
def test_a_frame_that_cannot_be_used_is_named_and_nothing_written(tmp_path, content):
    paths = frames_in(tmp_path, 3)
    if content is None:
        paths[1].unlink()
    elif content == "half":
        paths[1].write_bytes(paths[1].read_bytes()[:60])
    elif content == "other size":
        render.save_png(render.grid(constant(1), 1, 1), paths[1])
    else:
        paths[1].write_bytes(content)
    before = names(tmp_path)
    with pytest.raises(UserError, match=r"001\.png"):
        render.save_gif(paths, tmp_path / "a.gif", 0.1)
    assert names(tmp_path) == before
    with pytest.raises(UserError, match="no frames"):
        render.save_gif([], tmp_path / "a.gif", 0.1)


def test_a_full_disk_is_a_user_error_and_leaves_nothing(tmp_path):
    script = """
import resource, signal, sys
from pathlib import Path
import numpy as np
import matplotlib.font_manager  # may write a cache
from gen_models import render
from gen_models.errors import UserError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
folder, rng = Path(sys.argv[1]), np.random.default_rng(0)
noise = rng.integers(0, 256, (3, 1, 99, 99), np.uint8)
pictures = [render.grid(image, 1, 1) for image in noise]
for write in (
    lambda: render.save_png(pictures[0], folder / "a.png"),
    lambda: render.save_gif(pictures, folder / "a.gif", 0.1),
    lambda: render.curves({"loss": noise.ravel()}, folder / "c.png", "title"),
):
    try:
        write()
    except UserError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
    )
    assert done.stderr == ""
    assert done.stdout.count("File too large") == 3
    assert names(tmp_path) == []


def test_a_folder_that_is_not_there_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="create the folder first"):
        render.save_png(render.grid(constant(1), 1, 1), tmp_path / "absent" / "a.png")
