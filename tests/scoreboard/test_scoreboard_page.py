"""The scoreboard's page: a table a data set, its machines, the bounds, the pictures."""

from made_results import PROTOCOL, evaluation, results_of

from gen_models.evaluation.measure import Score
from gen_models.scoreboard.page import page
from gen_models.scoreboard.results import Cell


def tables_of(text):
    """The tables of the page, cell by cell."""
    tables = [[]]
    for line in text.splitlines():
        if line.startswith("| "):
            tables[-1].append([cell.strip() for cell in line.strip("|").split(" | ")])
        elif tables[-1]:
            tables.append([])
    return tables


def test_a_table_has_a_row_a_model_with_its_interval_over_seeds_and_the_floor():
    text = page(9, results_of(evaluation(1, 3.0), evaluation(0, 1.0)), {})
    (heading, _, gan, real), classifier, rest, *_ = tables_of(text)
    assert heading == ["rank", "model", "seeds", "FID"]
    # Student's t at one degree of freedom is 12.706; the deviation of 1 and 3 is √2.
    assert gan == ["1", "`gan`", "2", "2.00 ± 12.71"]
    assert real == ["", "*real images*", "", "0.50"]
    assert classifier[2] == ["1", "`gan`", "2", "0.20 ± 1.27"]
    assert rest[0] == ["model", "class gap", "minutes"]
    assert rest[2:] == [["`gan`", "2.000 ± 12.706", "1.5 (1)"], ["*real images*", "0.500", ""]]
    assert str(PROTOCOL) in text
    assert ", 9 steps a run." in text


def test_missing_runs_are_listed_by_data_set_and_seed_apart_from_those_that_diverged():
    preset = Cell("tiny", "gan", 0, 9, "papers.py:gan")
    unmade = [Cell("tiny", "wgan", 0, 9), preset, Cell("tiny", "wgan", 1, 9)]
    missing = dict.fromkeys(unmade) | {Cell("tiny", "began", 0, 9): 7}
    text = page(9, results_of(evaluation(0, 1.0)), missing)
    lists = "- tiny, seed 0: `wgan`, `papers.py:gan`\n- tiny, seed 1: `wgan`\n"
    assert f"\nNot made yet:\n\n{lists}\nDiverged: tiny-began-0 after step 7.\n" in text


def test_the_best_model_is_the_first_in_the_table_and_among_the_pictures():
    text = page(9, results_of(evaluation(0, 2.0), evaluation(0, 1.0, "vae")), {})
    assert [line[:2] for line in tables_of(text)[0][2:4]] == [["1", "`vae`"], ["2", "`gan`"]]
    assert text.index("scoreboard/tiny-vae.png") < text.index("scoreboard/tiny-gan.png")


def test_models_that_the_spaces_order_differently_share_a_rank():
    better, worse = evaluation(0, 1.0), evaluation(0, 2.0, "vae")
    worse.measures["fid_classifier"] = Score(0.01, 0.1, 0.5, None)
    first, second, *_ = tables_of(page(9, results_of(better, worse), {}))
    assert [line[:2] for line in first[2:4]] == [["1–2", "`gan`"], ["1–2", "`vae`"]]
    assert [line[:2] for line in second[2:4]] == [["1–2", "`vae`"], ["1–2", "`gan`"]]


def test_another_programs_images_are_a_row_under_its_name_without_minutes():
    peer = evaluation(0, 0.5)
    peer.subject["name"] = "somebody's GAN"
    first, _, rest, *_ = tables_of(page(9, results_of(evaluation(0, 1.0)), {}, [peer]))
    assert first[2][:3] == ["1", "*somebody's GAN*", "1"]
    assert rest[2][-1] == "–"


def test_minutes_name_the_machine_that_took_them():
    board = results_of(evaluation(0, 1.0), machine="A, slow")
    board |= results_of(evaluation(0, 2.0, "vae"), machine="B, fast", seconds=60.0)
    text = page(9, board, {})
    assert [line[-1] for line in tables_of(text)[2][2:4]] == ["1.5 (1)", "1.0 (2)"]
    assert "- (1) A, slow, code abc123\n- (2) B, fast, code abc123\n" in text


def test_minutes_and_samples_are_those_of_seed_0_or_not_there():
    text = page(9, results_of(evaluation(1, 3.0)), {})
    first, _, rest, *_ = tables_of(text)
    assert first[2] == ["1", "`gan`", "1", "3.00 (± 0.20)"] and rest[2][-1] == "–"
    assert ".png" not in text


def test_models_with_a_likelihood_have_a_table_of_their_own():
    bounds = {
        "elbo": -10.0,
        "likelihood": -7.0,
        "ceiling": -5.0,
        "kl": 3.0,
        "importance_weighted": -9.0,
    }
    text = page(9, results_of(evaluation(0, 1.0, "vae", **bounds)), {})
    row = ["-10.00", "-7.00", "-5.00", "3.00", "-9.00"]
    cells = " | ".join(f"{value} (± 1.96)" for value in row)
    assert f"| `vae` | log p(x) | 50 | 7 | {cells} | Bernoulli |" in text
    assert "| p(x\\|z) |" in text  # a bar that parts no cells
