"""Entries, the scoreboard's page and its ledger."""

import pytest

from gen_models.comparison.entries import Entry, entries
from gen_models.evaluation.protocol import Protocol
from gen_models.evaluation.record import Evaluation
from gen_models.scoreboard import results
from gen_models.scoreboard.results import Cell, Result

PROTOCOL = Protocol("net-0a1b2c3d", "tiny", "test", 100)


def row(value, floor=0.5):
    return {"value": value, "error": 0.1, "floor": floor, "floor_error": None}


def evaluation(seed, fid, model="gan", **likelihood):
    bounds = {name: {"value": value, "error": 1.0} for name, value in likelihood.items()}
    if bounds:
        bounds |= {"images": 50, "draws": 7, "observation": "Bernoulli"}
    subject = {"name": f"run-{seed}", "dataset": "tiny", "model": model, "seed": seed, "step": 9}
    return Evaluation(subject, PROTOCOL, {"fid": row(fid)}, bounds, {})


def results(*evaluations, seconds=90.0, machine="the machine"):
    """As a ledger holds them, by their cells."""
    return {
        Cell("tiny", e.subject["model"], e.subject["seed"], 9): Result(
            {"width": 4}, e, seconds, machine, "abc123"
        )
        for e in evaluations
    }


def table_of(page):
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_scoreboard_has_a_row_a_model_with_its_interval_over_seeds_and_the_floor():
    page = board.board(9, results(evaluation(1, 3.0), evaluation(0, 1.0)), ["wgan-0"])
    heading, _, gan, real = table_of(page)[:4]
    assert heading == ["model", "seeds", "FID", "minutes"]
    # Student's t at one degree of freedom is 12.706; the deviation of 1 and 3 is √2.
    assert gan == ["`gan`", "2", "2.00 ± 12.71", "1.5 (1)"]
    assert real == ["*real images*", "", "0.50", ""]
    assert str(PROTOCOL) in page
    assert ", 9 steps a run." in page
    assert "Missing, not made yet or diverged: wgan-0." in page


def test_the_best_model_is_the_first_in_the_table_and_among_the_pictures():
    page = board.board(9, results(evaluation(0, 2.0), evaluation(0, 1.0, "vae")), [])
    assert [line[0] for line in table_of(page)[2:4]] == ["`vae`", "`gan`"]
    assert page.index("scoreboard/tiny-vae.png") < page.index("scoreboard/tiny-gan.png")


def test_minutes_name_the_machine_that_took_them():
    found = results(evaluation(0, 1.0), machine="A, slow")
    found |= results(evaluation(0, 2.0, "vae"), machine="B, fast", seconds=60.0)
    page = board.board(9, found, [])
    assert [line[-1] for line in table_of(page)[2:4]] == ["1.5 (1)", "1.0 (2)"]
    assert "- (1) A, slow, code abc123\n- (2) B, fast, code abc123\n" in page


def test_minutes_and_samples_are_those_of_seed_0_or_not_there():
    page = board.board(9, results(evaluation(1, 3.0)), [])
    assert table_of(page)[2] == ["`gan`", "1", "3.00 ± 0.20", "–"]
    assert ".png" not in page


def test_models_with_a_likelihood_have_a_table_of_their_own():
    bounds = {"elbo": -10.0, "likelihood": -7.0, "kl": 3.0, "importance_weighted": -9.0}
    page = board.board(9, results(evaluation(0, 1.0, "vae", **bounds)), [])
    assert "| `vae` | 50 | 7 | -10.00 | -7.00 | 3.00 | -9.00 | Bernoulli |" in page
    assert "| p(x\\|z) |" in page  # a bar that parts no cells


def test_a_ledger_gives_back_every_result_and_starts_empty(tmp_path):
    path = tmp_path / "scoreboard.json"
    assert ledger.read(path) == {}
    found = results(evaluation(0, 1.0), evaluation(1, 3.0))
    ledger.write(path, found)
    assert ledger.read(path) == found
    text = path.read_text()
    ledger.write(path, dict(reversed(found.items())))
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("gen_models.scoreboard", "another"),
        ('"seconds": 90.0', '"seconds": "long"'),
        ('"seconds": 90.0', '"seconds": NaN'),
        ('"seconds"', '"second"'),
        ('"machine": "the machine"', '"machine": null'),
        ('"options": {\n    "width": 4\n   }', '"options": 3'),
        ('"seed": 0', '"seeds": 0'),
        ('"seed": 0', '"seed": null'),
        ('"fid": {', '"kid": {'),
        ("]", ""),
        ("gen_models.evaluation", "another"),
    ],
)
def test_a_damaged_ledger_is_refused_with_what_to_do(tmp_path, old, new):
    path = tmp_path / "scoreboard.json"
    ledger.write(path, results(evaluation(0, 1.0)))
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ledger.LedgerError, match=r"is no scoreboard: .*restore it"):
        ledger.read(path)


def test_an_entry_without_evaluations_has_no_summary():
    assert Entry("gan", (), ()).summary == {}
    assert entries([], {}) == []
