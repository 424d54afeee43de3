"""Tables for the pages that commands write."""

from collections.abc import Sequence


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Cells as a Markdown table, the heading first; ends in a newline. A "|" in a cell is shown."""
    heading, *others = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    lines = [heading, ["---"] * len(heading), *others]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
