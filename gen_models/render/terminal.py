"""Tables for terminals of any width."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

Column = Sequence[str]  # cells, heading first

PADDING = 3  # a column's spaces and the line beside it
NARROW = 16  # characters to which the first column gives way to others, and longer words are broken
LEAST = 6  # characters of the first column on a console that is too narrow for any other


def terminal_tables(rows: Sequence[Sequence[str]], width: int) -> list[Table]:
    """A table of cells, its heading first, as tables of at most `width` characters.

    If it does not fit, its headings and the cells of its first column are broken into lines. If it
    still does not fit, its other columns are divided among several tables, each with the first.
    """
    first, *others = zip(*rows, strict=True)
    room = width - PADDING - min(NARROW, _widest(first))
    return [_table(first, part, width) for part in _parts(others, room)]


def _widest(cells: Sequence[str]) -> int:
    """Width of the widest cell."""
    return max(map(cell_len, cells))


def _total(widths: Sequence[int]) -> int:
    """Width of columns in a table, with its right border."""
    return 1 + sum(width + PADDING for width in widths)


def _least(column: Column) -> int:
    """Width of a column whose heading is broken between its words, and within long ones."""
    heading, *cells = column
    return max(_widest(cells), min(NARROW, _widest(heading.split() or [""])))


def _parts(columns: Sequence[Column], room: int) -> Iterator[list[Column]]:
    """The columns in groups, each of as many as fit into `room` with broken headings."""
    part: list[Column] = []
    for column in columns:
        if part and _total([_least(other) for other in (*part, column)]) > room:
            yield part
            part = []
        part.append(column)
    yield part


def _table(first: Column, others: Sequence[Column], width: int) -> Table:
    """Table of columns, with broken headings where whole ones do not fit. The first column has the
    room that the others leave."""
    widths = [_widest(column) for column in others]
    if _widest(first) + PADDING + _total(widths) > width:
        widths = [_least(column) for column in others]
    table, name, *cells = Table(), *first
    rest = max(LEAST, width - PADDING - _total(widths))
    table.add_column(Text(name), max_width=rest, overflow="fold")
    for (title, *_), most in zip(others, widths, strict=True):
        table.add_column(Text(title), justify="right", max_width=most, overflow="fold")
    for row in zip(cells, *(column[1:] for column in others), strict=True):
        table.add_row(*map(Text, row))
    return table
