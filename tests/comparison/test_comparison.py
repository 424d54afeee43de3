"""Entries, interpolations and the scoreboard's page."""

import json
from types import SimpleNamespace

from gen_models.comparison import board
from gen_models.comparison.entries import Entry, entries
from gen_models.evaluation.protocol import Protocol
from gen_models.evaluation.record import Evaluation

PROTOCOL = Protocol("net-0a1b2c3d", "tiny", "test", 100)


def row(value, floor=0.5):
    return {"value": value, "error": 0.1, "floor": floor, "floor_error": None}


def evaluation(seed, fid, **likelihood):
    bounds = {name: {"value": value, "error": 1.0} for name, value in likelihood.items()}
    if bounds:
        bounds |= {"images": 50, "draws": 7, "observation": "Bernoulli"}
    return Evaluation({"name": f"run-{seed}"}, PROTOCOL, {"fid": row(fid)}, bounds, {})


def entry(name, evaluations, seconds=90.0):
    return Entry(name, tuple(SimpleNamespace(seconds=seconds) for _ in evaluations), evaluations)


def table_of(page):
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_scoreboard_has_a_row_a_model_with_its_interval_over_seeds_and_the_floor():
    found = {"tiny": [entry("gan", (evaluation(0, 1.0), evaluation(1, 3.0)))]}
    page = board.board("the command", "the machine", found, ["mnist-wgan-0"])
    heading, _, gan, real = table_of(page)[:4]
    assert heading == ["model", "seeds", "FID", "minutes"]
    # Student's t at one degree of freedom is 12.706; the deviation of 1 and 3 is √2.
    assert gan == ["`gan`", "2", "2.00 ± 12.71", "1.5"]
    assert real == ["*real images*", "", "0.50", ""]
    assert str(PROTOCOL) in page
    assert "the command" in page
    assert "Missing, not made yet or diverged: mnist-wgan-0." in page


def test_models_with_a_likelihood_have_a_table_of_their_own():
    bounds = {"elbo": -10.0, "likelihood": -7.0, "kl": 3.0, "importance_weighted": -9.0}
    found = {"tiny": [entry("vae", (evaluation(0, 1.0, **bounds),))]}
    page = board.board("c", "m", found, [])
    assert "| `vae` | 50 | 7 | -10.00 | -7.00 | 3.00 | -9.00 | Bernoulli |" in page
    assert "| p(x\\|z) |" in page  # a bar that parts no cells


def test_every_number_of_the_scoreboard_is_in_its_json(monkeypatch):
    monkeypatch.setattr(Entry, "options", {"width": 4})
    found = {"tiny": [entry("gan", (evaluation(0, 1.0),))]}
    values = json.loads(board.as_json("c", "m", found))
    (model,) = values["datasets"]["tiny"]
    assert model["options"] == {"width": 4}
    assert model["runs"][0]["measures"]["fid"]["value"] == 1.0
    assert model["runs"][0]["protocol"]["features"] == PROTOCOL.features


def test_an_entry_without_evaluations_has_no_summary():
    assert entry("gan", ()).summary == {}
    assert entries([], {}) == []
