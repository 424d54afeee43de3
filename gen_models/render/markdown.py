"""Markdown tables for the pages that commands write."""

from collections.abc import Sequence


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Markdown table of cells, heading first, ending in a newline. A "|" in a cell is escaped."""
    heading, *others = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    lines = [heading, ["---"] * len(heading), *others]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
