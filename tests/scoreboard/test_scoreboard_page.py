"""The scoreboard's page: a table a data set, its machines, the bounds, the pictures."""

from made_results import PROTOCOL, evaluation, results_of

from gen_models.scoreboard.page import page


def table_of(text):
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_table_has_a_row_a_model_with_its_interval_over_seeds_and_the_floor():
    text = page(
        9, results_of(evaluation(1, 3.0), evaluation(0, 1.0)), {"wgan-0": None, "began-0": 70}
    )
    heading, _, gan, real = table_of(text)[:4]
    assert heading == ["model", "seeds", "FID", "minutes"]
    # Student's t at one degree of freedom is 12.706; the deviation of 1 and 3 is √2.
    assert gan == ["`gan`", "2", "2.00 ± 12.71", "1.5 (1)"]
    assert real == ["*real images*", "", "0.50", ""]
    assert str(PROTOCOL) in text
    assert ", 9 steps a run." in text
    assert "\nNot made yet: wgan-0.\n\nDiverged: began-0 after step 70.\n" in text


def test_the_best_model_is_the_first_in_the_table_and_among_the_pictures():
    text = page(9, results_of(evaluation(0, 2.0), evaluation(0, 1.0, "vae")), {})
    assert [line[0] for line in table_of(text)[2:4]] == ["`vae`", "`gan`"]
    assert text.index("scoreboard/tiny-vae.png") < text.index("scoreboard/tiny-gan.png")


def test_minutes_name_the_machine_that_took_them():
    found = results_of(evaluation(0, 1.0), machine="A, slow")
    found |= results_of(evaluation(0, 2.0, "vae"), machine="B, fast", seconds=60.0)
    text = page(9, found, {})
    assert [line[-1] for line in table_of(text)[2:4]] == ["1.5 (1)", "1.0 (2)"]
    assert "- (1) A, slow, code abc123\n- (2) B, fast, code abc123\n" in text


def test_minutes_and_samples_are_those_of_seed_0_or_not_there():
    text = page(9, results_of(evaluation(1, 3.0)), {})
    assert table_of(text)[2] == ["`gan`", "1", "3.00 ± 0.20", "–"]
    assert ".png" not in text


def test_models_with_a_likelihood_have_a_table_of_their_own():
    bounds = {"elbo": -10.0, "likelihood": -7.0, "kl": 3.0, "importance_weighted": -9.0}
    text = page(9, results_of(evaluation(0, 1.0, "vae", **bounds)), {})
    assert "| `vae` | 50 | 7 | -10.00 | -7.00 | 3.00 | -9.00 | Bernoulli |" in text
    assert "| p(x\\|z) |" in text  # a bar that parts no cells
