"""Charts: the same bytes each time, any values, and the user's matplotlib left alone."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from trainings import ROOT

from gen_models import render
from gen_models.render import charts


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def opened(path):
    with Image.open(path) as picture:
        picture.load()
        return picture


def test_curves_are_the_same_each_time_and_grow_by_the_metric(tmp_path):
    noise = np.random.default_rng(0).normal(size=(4, 300))
    metrics = {f"metric {i}": series for i, series in enumerate(noise)}
    for name in ("a.png", "b.png"):
        render.curves(metrics, tmp_path / name, "a run")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    render.curves({"metric 0": noise[0]}, tmp_path / "one.png", "a run")
    many, one = opened(tmp_path / "a.png"), opened(tmp_path / "one.png")
    assert many.width == pytest.approx(3 * one.width, abs=3) and many.height > one.height
    assert not {"Software", "Creation Time"} & set(many.info)


def test_curves_take_steps_as_their_axis_and_no_curve(tmp_path):
    loss = [3.0, 2.0, 1.5]
    render.curves({"loss": loss}, tmp_path / "counted.png", "a run")
    render.curves({"step": [1, 2, 3], "loss": loss}, tmp_path / "same.png", "a run")
    render.curves({"step": [10, 20, 30], "loss": loss}, tmp_path / "other.png", "a run")
    counted, same, other = (
        (tmp_path / f"{name}.png").read_bytes() for name in ("counted", "same", "other")
    )
    assert counted == same != other


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("series", [[], [1.0], [np.nan], [2.0, 2.0], [1.0, np.inf, -np.inf, 1e300]])
def test_curves_of_any_values_can_be_drawn(tmp_path, series):
    render.curves({"a $ ^ {name}": series}, tmp_path / "a.png", "a $\\title")
    assert names(tmp_path) == ["a.png"]


def test_curves_leave_the_users_matplotlib_alone(tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    render.curves({"loss": [1.0, 2.0]}, tmp_path / "a.png", "a run")
    assert dict(matplotlib.rcParams) == before
    with matplotlib.rc_context({"lines.linewidth": 9, "axes.facecolor": "red"}):
        render.curves({"loss": [1.0, 2.0]}, tmp_path / "b.png", "a run")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("backend", ["svg", "nonsense", "module://of_another_environment"])
def test_curves_need_no_backend_and_leave_the_users_as_it_is(tmp_path, backend):
    program = (
        "from gen_models import render\n"
        "render.curves({'loss': [1.0, 2.0]}, 'a.png', 'a run')\n"
        "import matplotlib, os\n"
        "print(os.environ['MPLBACKEND'], matplotlib.get_backend(auto_select=False))"
    )
    env = os.environ | {"MPLBACKEND": backend, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    kept = "None" if backend == "nonsense" else backend
    assert done.stdout == f"{backend} {kept}\n", done.stderr
    assert (tmp_path / "a.png").exists()


def is_inside(picture):
    """Whether nothing is drawn at the edges of a picture, where it would be cut."""
    grey = np.asarray(picture.convert("L"))
    edges = grey[0], grey[-1], grey[:, 0], grey[:, -1]
    return all((edge == 255).all() for edge in edges)


@pytest.mark.parametrize("title", ["words of a long title " * 9, "one_word" * 20])
def test_a_title_of_any_length_is_wrapped_and_leaves_the_panels_their_size(title):
    heights = []

    def draw(panels):
        heights.append(panels[0].figure.get_figheight())

    long, short = (render.chart(draw, 1, 1, (3.4, 2.4), text) for text in (title, "short"))
    assert is_inside(long)
    assert long.width == short.width
    assert heights[0] > heights[1]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("panels", [1, 3])
@pytest.mark.parametrize("name", ["class {}", "a class with a name that is long enough to wrap {}"])
@pytest.mark.parametrize("count", [1, 10, 60])
def test_a_legend_of_any_number_of_names_fits_below_the_panels(panels, name, count):
    shares = []

    def draw(axes):
        lines = [axes[0].plot([0, 1], label=name.format(i))[0] for i in range(count)]
        render.legend_below(axes[0].figure, lines, [line.get_label() for line in lines])
        axes[0].figure.canvas.mpl_connect("draw_event", lambda _: shares.append(share(axes[0])))

    def share(panel):
        return panel.get_tightbbox().height / 120

    picture = render.chart(draw, panels, panels, (3.4, 2.4))
    assert is_inside(picture)
    assert shares[-1] > 2


@pytest.mark.parametrize("known", [1, 5])
def test_few_values_are_marked_so_that_even_a_single_one_is_seen(tmp_path, known):
    values = np.full(9, np.nan)
    values[::2][:known] = 1.0  # no two beside each other: no line
    render.curves({"loss": values}, tmp_path / "a.png", "a run")
    blue = (31, 119, 180)
    below_titles = np.asarray(opened(tmp_path / "a.png"))[80:]
    assert (below_titles == blue).all(axis=2).sum() >= known
    assert charts.marker(np.ones(charts.FEW)) != charts.marker(np.ones(1 + charts.FEW)) == ""


def test_moving_average_is_the_mean_of_the_last_known_values():
    values = np.array([1, 2, 3, np.nan, 5, np.nan, np.nan, np.nan, 4])
    expected = [1, 1.5, 2.5, 3, 5, 5, np.nan, np.nan, 4]
    np.testing.assert_allclose(charts.moving_average(values, 2), expected)
