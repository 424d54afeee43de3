"""What a sweep is told of its members: the settings over their seeds, as text and as a picture."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gen_models.evaluation.measure import MEASURES, Score
from gen_models.evaluation.protocol import Protocol, ProtocolError
from gen_models.evaluation.record import Evaluation
from gen_models.sweep import results
from gen_models.sweep.results import MemberResult

PROTOCOL = Protocol("net-v1-0123abcd", "tiny", "test", 1000)


def evaluated(protocol=PROTOCOL, **measures):
    """An evaluation with these values."""
    scores = {name: Score(value, 0.1, 1.0, None) for name, value in measures.items()}
    return Evaluation({"name": "x", "step": 20}, protocol, scores, {}, {})


def member(setting, seed=0, fid=None, step=20, diverged=False, **measures):
    evaluation = None if fid is None else evaluated(fid=fid, **measures)
    return MemberResult(setting, seed, step, diverged, evaluation)


LOW, HIGH, ABSURD = ({"learning_rate": rate, "width": 4} for rate in (1e-4, 2e-4, 1e6))
MEMBERS = [
    member(LOW, 0, 30.0, recall=0.5),
    member(LOW, 1, 20.0, recall=0.25),
    member(LOW, 2, 25.0, recall=0.75),
    member(HIGH, 0, 10.0, recall=0.5),
    member(HIGH, 1, 18.0),
    member(HIGH, 2, diverged=True, step=3),
    *(member(ABSURD, seed, diverged=True, step=1) for seed in range(3)),
]


# --- rows


def test_a_row_is_mean_and_deviation_over_the_seeds():
    (row,) = results.rows(MEMBERS[:3])
    assert row.setting == LOW
    assert (row.seeds, row.diverged) == (3, 0)
    assert row.mean == {"fid": 25.0, "recall": 0.5}
    assert row.deviation == pytest.approx({"fid": 5.0, "recall": 0.25})  # n - 1 in the denominator
    assert (row.best, row.median) == (20.0, 25.0)


def test_seeds_that_diverged_are_counted_and_not_measured():
    (row,) = results.rows(MEMBERS[3:6])
    assert (row.seeds, row.diverged) == (3, 1)
    assert row.mean == {"fid": 14.0}  # recall is known of one seed alone
    assert row.deviation == pytest.approx({"fid": 32**0.5})
    assert (row.best, row.median) == (10.0, 14.0)


def test_a_single_seed_has_no_deviation():
    (row,) = results.rows(MEMBERS[:1])
    assert row.mean == {"fid": 30.0, "recall": 0.5}
    assert row.deviation == {}


def test_a_setting_that_was_never_measured_has_no_mean():
    (row,) = results.rows(MEMBERS[6:])
    assert (row.seeds, row.diverged) == (3, 3)
    assert (row.mean, row.deviation, row.best, row.median) == ({}, {}, None, None)


def test_the_lowest_mean_fid_comes_first_and_what_was_not_measured_last():
    for members in (MEMBERS, MEMBERS[::-1]):
        assert [row.setting for row in results.rows(members)] == [HIGH, LOW, ABSURD]


def test_settings_that_are_not_measured_keep_their_order():
    members = [member({"beta": beta}) for beta in (3.0, 1.0, 2.0)]
    assert [row.setting["beta"] for row in results.rows(members)] == [3.0, 1.0, 2.0]


# --- text


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_the_table_has_a_line_a_setting():
    heading, rule, *lines = cells(results.markdown(results.rows(MEMBERS)))
    assert heading == [
        *("rank", "learning_rate", "width", "seeds", "diverged"),
        *("FID", "recall", "best FID", "median"),
    ]
    assert rule == ["---"] * len(heading)
    assert lines == [
        ["1", "0.0002", "4", "3", "1", "14.00 ± 5.66", "–", "10.00", "14.00"],
        ["2", "0.0001", "4", "3", "0", "25.00 ± 5.00", "0.500 ± 0.250", "20.00", "25.00"],
        ["–", "1000000.0", "4", "3", "3", "–", "–", "–", "–"],
    ]


def test_a_table_of_single_seeds_has_no_deviations():
    _, _, line = cells(results.markdown(results.rows([member({}, 0, 12.344)])))
    assert line == ["1", "1", "0", "12.34", "12.34", "12.34"]


def test_a_sweep_of_seeds_alone_without_measures_is_a_table_too():
    members = [member({}, seed) for seed in range(2)]
    assert cells(results.markdown(results.rows(members))) == [
        ["rank", "seeds", "diverged", "best FID", "median"],
        ["---"] * 5,
        ["–", "2", "0", "–", "–"],
    ]


def test_the_csv_has_a_line_a_member():
    lines = list(csv.DictReader(io.StringIO(results.as_csv(MEMBERS))))
    assert list(lines[0]) == [*LOW, "seed", "step", "diverged", *MEASURES]
    assert len(lines) == len(MEMBERS)
    for line, wanted in zip(lines, MEMBERS, strict=True):
        assert float(line["learning_rate"]) == wanted.setting["learning_rate"]
        assert int(line["seed"]) == wanted.seed
        assert int(line["step"]) == wanted.step
        assert line["diverged"] == str(wanted.diverged)
        measures = wanted.evaluation.measures if wanted.evaluation else {}
        written = {name: float(line[name]) for name in MEASURES if line[name]}
        assert written == {name: score.value for name, score in measures.items()}


def test_the_json_has_command_settings_and_members():
    members = [member({"ema_decay": None}, 0, 3.5), member({"ema_decay": 0.9}, diverged=True)]
    values = json.loads(results.as_json("the command", members, results.rows(members)))
    assert values["command"] == "the command"
    assert [row["setting"] for row in values["settings"]] == [
        {"ema_decay": None},
        {"ema_decay": 0.9},
    ]
    assert values["settings"][0]["mean"] == {"fid": 3.5}
    assert values["members"][0]["evaluation"]["fid"]["value"] == 3.5
    assert values["members"][1] == {
        "setting": {"ema_decay": 0.9},
        "seed": 0,
        "step": 20,
        "diverged": True,
        "evaluation": None,
    }


def test_the_page_says_how_it_was_made_and_measured():
    page = results.page("python -m this", "a machine", MEMBERS, results.rows(MEMBERS))
    for part in ("`python -m this`", "a machine", str(PROTOCOL)):
        assert part in page
    assert results.markdown(results.rows(MEMBERS)) in page


def test_numbers_of_two_protocols_make_no_page():
    other = Protocol("net-v2-4567cdef", "tiny", "test", 1000)
    members = [MEMBERS[0], MEMBERS[1]._replace(evaluation=evaluated(other, fid=1.0))]
    with pytest.raises(ProtocolError, match="measured differently"):
        results.page("", "", members, results.rows(members))


# --- pictures

SIZE = 12  # of a grid


def written_grids(folder: Path, values):
    """A grid of one grey value each, where there is one."""
    paths = [folder / f"{index}.png" for index in range(len(values))]
    for path, value in zip(paths, values, strict=True):
        if value is not None:
            Image.new("L", (SIZE, SIZE), int(value)).save(path)
    return paths


def place(picture, value):
    """Row and column of the first pixel of the only grid of this grey value; None if it is not
    there."""
    equal = (np.asarray(picture.convert("RGB")) == value).all(axis=2)
    windows = np.lib.stride_tricks.sliding_window_view(equal, (SIZE, SIZE)).all(axis=(2, 3))
    corners = np.argwhere(windows)
    assert len(corners) <= 1
    return tuple(corners[0]) if len(corners) else None


def places(picture, values):
    return np.array([[place(picture, value) for value in row] for row in values])


def test_the_picture_spreads_the_axis_of_more_values_to_the_right(tmp_path):
    values = [[50, 60, 70], [80, 90, 100]]  # by width, then rate
    members = [
        member({"learning_rate": rate, "width": width}, seed)
        for rate in (1e-4, 2e-4, 3e-4)
        for width in (4, 8)
        for seed in (0, 1)
    ]
    greys = [grey for first in np.transpose(values).ravel() for grey in (first, first + 100)]
    picture = results.picture(members, written_grids(tmp_path, greys))
    corners = places(picture, values)
    assert (np.diff(corners[..., 0], axis=0) > SIZE).all()  # widths go down
    assert (np.diff(corners[..., 1], axis=1) > SIZE).all()  # rates go right
    assert (np.diff(corners[..., 0], axis=1) == 0).all()
    assert (np.diff(corners[..., 1], axis=0) == 0).all()
    assert place(picture, 150) is None  # the second seed's


def test_one_axis_is_a_row_and_none_is_one_grid(tmp_path):
    members = [member({"beta": beta}) for beta in (1.0, 2.0)]
    corners = places(results.picture(members, written_grids(tmp_path, [50, 60])), [[50, 60]])
    assert corners[0, 0, 0] == corners[0, 1, 0]
    assert corners[0, 0, 1] + SIZE < corners[0, 1, 1]
    picture = results.picture([member({}), member({}, 1)], written_grids(tmp_path, [50, 60]))
    assert place(picture, 50) is not None
    assert place(picture, 60) is None


def test_of_a_third_axis_the_first_value_is_shown(tmp_path):
    members = [
        member({"beta": beta, "width": width, "seedling": third})
        for beta in (1.0, 2.0)
        for width in (4, 8)
        for third in (1, 2)
    ]
    greys = [50, 150, 60, 160, 70, 170, 80, 180]
    picture = results.picture(members, written_grids(tmp_path, greys))
    assert [place(picture, grey) is not None for grey in greys] == [True, False] * 4


def test_a_sweep_without_any_grid_has_a_picture_too(tmp_path):
    assert results.picture(MEMBERS, written_grids(tmp_path, [None] * 9)).width > 1


def test_a_place_without_a_grid_is_left_empty(tmp_path):
    members = [
        member({"learning_rate": rate, "width": width}) for width in (4, 8) for rate in (1, 2, 3)
    ]
    picture = results.picture(members, written_grids(tmp_path, [50, 60, 70, 80, None, 100]))
    corners = places(picture, [[50, 70], [80, 100]])
    assert (np.diff(corners[..., 1], axis=0) == 0).all()


def test_columns_keep_their_order_where_the_first_grid_is_missing(tmp_path):
    members = [
        member({"learning_rate": rate, "width": width}) for width in (4, 8) for rate in (1, 2, 3)
    ]
    picture = results.picture(members, written_grids(tmp_path, [None, 60, 70, 80, 90, 100]))
    assert place(picture, 80)[1] < place(picture, 90)[1] < place(picture, 100)[1]


def test_the_chart_has_a_panel_of_fids_and_one_a_metric():
    members = [member({"beta": beta}, seed, 3.0 + seed) for beta in (1.0, 2.0) for seed in (0, 1)]
    short = {"step": [1, 2], "loss": [0.5, 0.25], "kl": [1.0, 2.0]}
    long = {"step": [1, 2, 3], "loss": [0.5, 0.25, 0.1], "kl": [1.0, 2.0, 3.0]}
    metrics = [short, long, {}, long]  # one diverged at once
    whole = results.chart(members, metrics)
    assert whole.width == pytest.approx(3 * results.chart(members, [{}] * 4).width, abs=3)
    assert any(r != g for _, (r, g, _) in whole.getcolors(2**20))


@pytest.mark.filterwarnings("error")
def test_the_chart_of_a_sweep_that_was_not_measured_has_no_panel_of_fids():
    members = [member({"beta": beta}) for beta in (1.0, 2.0)]
    history = {"step": [1, 2], "loss": [0.5, 0.25], "kl": [1.0, 2.0]}
    unmeasured = results.chart(members, [history] * 2)
    measured = results.chart([member({"beta": 1.0}, fid=3.0), *members[1:]], [history] * 2)
    assert unmeasured.width == pytest.approx(measured.width * 2 / 3, abs=3)
    assert results.chart(members, [{}, {}]).width > 1


def test_the_chart_shows_curves_where_the_first_member_has_none():
    members = [member({"beta": beta}) for beta in (1.0, 2.0)]
    history = {"step": [1, 2], "loss": [0.5, 0.25]}
    sizes = [results.chart(members, m).size for m in ([history, {}], [{}, history])]
    assert sizes[0] == sizes[1]


def test_the_chart_grows_with_the_labels_of_its_settings():
    members = [member({"learning_rate": i / 7, "beta1": i / 9}, fid=1.0) for i in range(40)]
    few, many = (results.chart(some, [{}] * len(some)) for some in (members[:3], members))
    lines = 40 * 2  # each label is too long for one
    assert many.height >= lines * 18 > few.height
    assert many.width == few.width
