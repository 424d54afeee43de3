"""Tables in terminals: whole at any width."""

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


@pytest.mark.parametrize(("width", "parts"), [(80, 6), (120, 4), (40, 18), (400, 1)])
def test_the_columns_of_a_table_that_does_not_fit_are_divided(width, parts):
    count, lines = printed(ROWS, width)
    assert count == parts
    assert max(map(len, lines)) <= width
    found = [row for row in cells_of(lines) if any(row[1:])]
    for start, measure in enumerate(ROWS[1:]):  # the cells in their order, none of them broken
        parts = [row[1:] for row in found[start :: len(MEASURES)]]
        assert [cell for part in parts for cell in part] == measure[1:]


@pytest.mark.parametrize("runs", [1, 2])
def test_few_runs_are_one_table_of_80_columns_with_a_row_a_measure(runs):
    titles = [f"{name}, reweighted (classifier)" for name in MEASURES]
    rows = [["", *(f"fashion_mnist-cgan-{i}" for i in range(runs)), "real images"]]
    rows += [[title, *["-100.12 (± 0.35)"] * runs, "0.85"] for title in titles]
    count, lines = printed(rows, 80)
    assert count == 1
    assert max(map(len, lines)) <= 80
    assert [row[1:] for row in cells_of(lines) if row[1]] == [row[1:] for row in rows[1:]]


def test_long_headings_are_broken_and_not_shortened():
    _, lines = printed(ROWS, 40)
    headings = [line[1:-1].split("┃")[1].strip() for line in lines if line[0] == "┃"]
    assert RUNS[16] in "".join(headings)


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
