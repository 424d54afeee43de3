"""Protocols keep numbers apart that differ; evaluation.json comes back as written or not at all."""

import json
import re
from dataclasses import replace

import pytest

from gen_models.errors import UserError
from gen_models.evaluation import record
from gen_models.evaluation.measure import MEASURES, Score
from gen_models.evaluation.protocol import SPACES, Protocol, ProtocolError, common
from gen_models.evaluation.record import Evaluation, RecordError, Summary

PROTOCOL = Protocol("net-v1-0123abcd", "fashion_mnist", "test", 10_000, measures=2)
OTHERS = [
    {"features": "net-v2-4567cdef"},
    {"data": "mnist"},
    {"reference": "train"},
    {"samples": 9_999},
    {"measures": 1},
]
STUDENT = 4.302652729911275  # 97.5 % quantile with 2 degrees of freedom, from a table


def score(value, error=0.5):
    return Score(value, error, floor=1.25, floor_error=None)


def row(value, error=0.5):
    """A score as JSON holds it."""
    return score(value, error)._asdict()


def evaluation(name="run", fid=12.5, protocol=PROTOCOL, **measures):
    return Evaluation(
        subject={"name": name, "seed": 3},
        protocol=protocol,
        measures={"fid": score(fid), "recall": score(0.5, None), **measures},
        likelihood={"elbo": {"value": -230.5, "error": 0.1}},
        details={"per_class": {"Größe": {"fid": None}}},
    )


def written(tmp_path, **changes):
    """The path of an evaluation.json, and what it holds but for the changes."""
    path = tmp_path / record.NAME
    record.write(path, evaluation())
    values = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(values))
    return path, values


def test_an_evaluation_is_one_line_and_in_a_notebook_a_table():
    assert repr(evaluation()) == f"<Evaluation run: FID 12.50 (± 0.98), recall 0.500; {PROTOCOL}>"
    shown = evaluation()._replace(likelihood={})._repr_markdown_()
    assert "|  | run | real images |\n| --- | --- | --- |\n| FID | 12.50 (± 0.98) | 1.25 |" in shown
    assert str(PROTOCOL) in shown
    bounds = {part: {"value": -230.0, "error": 1.0} for part in record.PARTS}
    vae = evaluation()._replace(likelihood=bounds | {"images": 7, "draws": 3})
    assert "| IWAE bound, nats | -230.00 (± 1.96) | – |" in vae._repr_markdown_()


# --- protocols


def test_protocols_as_text_differ_in_every_field():
    assert str(PROTOCOL) == (
        "net-v1-0123abcd, 10,000 samples against fashion_mnist test, measures v2"
    )
    assert len({str(PROTOCOL), *(str(replace(PROTOCOL, **other)) for other in OTHERS)}) == 6
    assert Protocol(**PROTOCOL.to_dict()) == PROTOCOL


def test_equal_protocols_have_one_in_common():
    assert common([("a", PROTOCOL), ("b", replace(PROTOCOL))]) == PROTOCOL
    assert common([("a", PROTOCOL)]) == PROTOCOL


@pytest.mark.parametrize("other", OTHERS)
def test_mixed_protocols_are_refused_and_each_is_named(other):
    mixed = {"run-a": PROTOCOL, "run-b": replace(PROTOCOL, **other)}
    with pytest.raises(ProtocolError) as caught:
        common(list(mixed.items()))
    for name, protocol in mixed.items():
        assert f"{name}: {protocol}" in str(caught.value)


# --- evaluation.json


def test_an_evaluation_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / record.NAME
    record.write(path, evaluation())
    assert record.read(path) == evaluation()
    assert [file.name for file in tmp_path.iterdir()] == [record.NAME]
    first = path.read_bytes()
    record.write(path, evaluation())
    assert path.read_bytes() == first and first.endswith(b"}\n")


def test_write_into_a_missing_folder_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="create the folder first"):
        record.write(tmp_path / "absent" / record.NAME, evaluation())


def test_read_of_a_missing_evaluation_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(RecordError, match=f"not there; make it with .* {tmp_path}"):
        record.read(tmp_path / record.NAME)


def test_read_leaves_out_unknown_measures(tmp_path):
    path, values = written(tmp_path)
    values["measures"]["inception_score"] = {"value": "high"}
    path.write_text(json.dumps(values))
    assert record.read(path) == evaluation()


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", b"\xff\xfe\x00", b"[]", b"7", b"null", b"{}", b'"text"', b"half", None],
)
def test_a_file_that_is_no_evaluation_is_named(tmp_path, content):
    path, _ = written(tmp_path)
    if content is None:
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(path.read_bytes()[:200] if content == b"half" else content)
    with pytest.raises(RecordError, match=f"{path} is no evaluation: "):
        record.read(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "gen_models.features"},
        {"version": 1},
        {"surplus": 1},
        {"measures": None},
        {"measures": [1]},
        {"measures": {"fid": 12.5}},
        {"measures": {"fid": {"value": 12.5}}},
        {"measures": {"fid": row(None)}},
        {"measures": {"fid": row("12.5")}},
        {"measures": {"fid": row(float("nan"))}},
        {"measures": {"fid": row(float("inf"))}},
        {"protocol": None},
        {"protocol": {"features": "net"}},
        {"protocol": PROTOCOL.to_dict() | {"samples": "many"}},
        {"protocol": PROTOCOL.to_dict() | {"sample": 1}},
    ],
    ids=str,
)
def test_a_damaged_evaluation_is_a_record_error(tmp_path, changes):
    path, _ = written(tmp_path, **changes)
    with pytest.raises(RecordError, match=f"{path} is no evaluation: .*; evaluate again"):
        record.read(path)


@pytest.mark.parametrize(
    "field", ["format", "version", "subject", "protocol", "measures", "likelihood", "details"]
)
def test_an_evaluation_that_lacks_a_field_is_a_record_error(tmp_path, field):
    path, values = written(tmp_path)
    del values[field]
    path.write_text(json.dumps(values))
    with pytest.raises(RecordError, match=field):
        record.read(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"measures": {"fid": row(10**400)}},
        {"measures": {"fid": row(12.5, "small")}},
        {"measures": {"fid": row(12.5, float("nan"))}},
        {"measures": {"fid": row(12.5) | {"floor": "low"}}},
        {"subject": {}},
        {"subject": None},
        "nested",
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_an_evaluation_of_wrong_types_or_depth_is_a_record_error(tmp_path, changes):
    if changes == "nested":
        path = tmp_path / record.NAME
        path.write_text("[" * 100_000)
    else:
        path, _ = written(tmp_path, **changes)
    with pytest.raises(RecordError):
        record.read(path)


# --- summaries


def test_several_seeds_are_their_mean_with_students_interval():
    runs = [evaluation(str(seed), fid) for seed, fid in enumerate((1.0, 2.0, 4.0))]
    value, interval, floor, seeds = record.summarise(runs)["fid"]
    deviation = (((4 / 3) ** 2 + (1 / 3) ** 2 + (5 / 3) ** 2) / 2) ** 0.5
    assert value == pytest.approx(7 / 3, rel=1e-14)
    assert interval == pytest.approx(STUDENT * deviation / 3**0.5, rel=1e-10)
    assert (floor, seeds) == (1.25, 3)


def test_seeds_that_agree_have_an_interval_of_zero():
    summaries = record.summarise([evaluation(name) for name in "abc"])
    assert summaries["recall"] == Summary(0.5, 0, 1.25, 3)


def test_a_single_run_has_the_interval_of_its_own_error():
    summaries = record.summarise([evaluation()])
    assert summaries["fid"] == Summary(12.5, pytest.approx(1.96 * 0.5), 1.25, 1)
    assert summaries["recall"] == Summary(0.5, None, 1.25, 1)


def test_only_what_all_runs_have_is_summarised_in_the_order_of_the_measures():
    more = {"label_accuracy": score(0.9), "coverage": score(0.7), "kid": score(3.0)}
    both = {"coverage": score(0.8), "kid": score(2.0)}
    summaries = record.summarise([evaluation("a", **more), evaluation("b", **both)])
    assert list(summaries) == ["fid", "kid", "recall", "coverage"]
    assert list(summaries) == [name for name in MEASURES if name in summaries]


@pytest.mark.parametrize("other", OTHERS)
def test_runs_of_mixed_protocols_are_not_summarised(other):
    runs = [evaluation("a"), evaluation("b", protocol=replace(PROTOCOL, **other))]
    with pytest.raises(ProtocolError, match="measured differently"):
        record.summarise(runs)
    with pytest.raises(ProtocolError, match="measured differently"):
        record.common_protocol(runs)


def test_runs_of_mixed_protocols_are_not_summarised_whatever_their_names():
    runs = [evaluation(), evaluation(protocol=replace(PROTOCOL, samples=100))]
    with pytest.raises(ProtocolError):
        record.summarise(runs)


@pytest.mark.parametrize(
    ("value", "said"), [(0.30, "below .*near-copies"), (0.95, "above .*blurred"), (0.69, None)]
)
def test_authenticity_away_from_that_of_real_images_is_said(value, said):
    unlike = evaluation(authenticity=Score(value, 0.005, 0.68, 0.005))
    lines = record.warnings(unlike)
    assert len(lines) == (said is not None)
    assert all(re.search(f"^run: .*{said}", line) for line in lines)
    assert record.warnings(evaluation()) == []


def test_a_bound_over_seeds_has_their_interval_and_of_one_run_its_own():
    parts = [{"value": -10.0, "error": 0.5}, {"value": -12.0, "error": 0.5}]
    assert record.bound_text(parts[:1]) == "-10.00 (± 0.98)"
    assert (
        record.bound_text(parts) == "-11.00 ± 12.71"
    )  # Student's t at one degree of freedom: 12.706


# --- text


@pytest.mark.parametrize(
    ("name", "summary", "text"),
    [
        ("fid", Summary(12.341, 0.4, 1.0, 3), "12.34 ± 0.40"),
        ("fid", Summary(7.0, None, None, 1), "7.00"),
        ("fid", Summary(7.0, 0.25, None, 1), "7.00 (± 0.25)"),
        ("recall", Summary(0.12345, 0.01, None, 3), "0.123 ± 0.010"),
        ("kid", Summary(-0.25, 0.0, None, 3), "-0.25 ± 0.00"),
    ],
)
def test_a_summary_is_shown_with_the_measures_digits(name, summary, text):
    assert record.summary_text(name, summary) == text


def test_a_number_is_shown_with_its_interval_not_its_error():
    assert record.with_interval(-230.51, 0.5, 1) == "-230.5 (± 1.0)"
    assert record.with_interval(3.14159, None, 3) == "3.142"


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_can_be_shown(name):
    title, better, digits, meaning, space, _ = MEASURES[name]
    assert title and meaning and better in ("lower", "higher", "real") and space in (*SPACES, None)
    assert record.summary_text(name, Summary(0.5, None, None, 1)) == f"{0.5:.{digits}f}"
