"""Tables in terminals and logs: whole at any width."""

import io

import pytest
from rich.console import Console

from gen_models import render

MEASURES = ("FID", "precision", "  E log p(x|z)", "label accuracy")
RUNS = [f"fashion_mnist-wgan_gp-{seed}-bb98{seed:02}" for seed in range(17)]
ROWS = [["", *RUNS, "real images"]]
ROWS += [
    [name, *(f"{1000 * i + j}.00 ± 0.25" for j in range(18))] for i, name in enumerate(MEASURES)
]


def printed(rows, width):
    """Lines of the tables of some rows on a console of that width."""
    console = Console(file=io.StringIO(), width=width)
    tables = render.terminal_tables(rows, console.width)
    for table in tables:
        console.print(table)
    return len(tables), console.file.getvalue().splitlines()


def cells_of(lines):
    """The cells of lines with the characters between columns."""
    return [[cell.strip() for cell in line[1:-1].split("│")] for line in lines if line[0] == "│"]


@pytest.mark.parametrize(("width", "parts"), [(80, 2), (120, 1), (40, 4)])
def test_a_table_that_does_not_fit_is_turned_and_divided(width, parts):
    count, lines = printed(ROWS, width)
    assert count == parts
    assert max(map(len, lines)) <= width
    numbers = [cell for row in cells_of(lines) for cell in row[1:] if cell]
    assert sorted(numbers) == sorted(cell for row in ROWS[1:] for cell in row[1:])  # none broken
    text = "\n".join(lines)
    assert all(text.count(measure.strip()) == 1 for measure in MEASURES)


def test_a_turned_table_has_a_row_a_run():
    _, lines = printed(ROWS, 120)
    assert [row[0] for row in cells_of(lines)] == [*RUNS, "real images"]
    assert cells_of(lines)[2] == [RUNS[2], *(row[3] for row in ROWS[1:])]


def test_long_names_are_folded_and_not_shortened():
    _, lines = printed(ROWS, 40)
    names = "".join(row[0] for row in cells_of(lines))
    assert names.count(RUNS[16]) == 4


def test_a_table_that_fits_has_a_row_a_measure():
    few = [row[:2] + row[-1:] for row in ROWS]
    count, lines = printed(few, 80)
    assert count == 1
    assert cells_of(lines) == [[cell.strip() for cell in row] for row in few[1:]]


def test_brackets_in_a_name_stay():
    _, lines = printed([["", "run[bold]"], ["FID", "1.00"]], 80)
    assert "run[bold]" in "\n".join(lines)


def test_a_console_too_narrow_for_a_cell_breaks_it_and_loses_nothing():
    rows = [["", "generative_model"], ["FID", "123456.25 ± 0.5"]]
    _, lines = printed(rows, 20)
    assert max(map(len, lines)) <= 20
    assert "".join(row[1] for row in cells_of(lines)).replace(" ", "") == "123456.25±0.5"
