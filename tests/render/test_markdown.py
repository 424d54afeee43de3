"""Markdown tables."""

from gen_models import render


def test_markdown_table_has_its_heading_first_and_shows_bars_in_cells():
    rows = [["model", "FID"], ["gan|best", "1.2"]]
    expected = "| model | FID |\n| --- | --- |\n| gan\\|best | 1.2 |\n"
    assert render.markdown_table(rows) == expected
