"""Tables for the pages that commands write."""

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]]) -> str:
    """Cells as a Markdown table, the heading first; ends in a newline."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
