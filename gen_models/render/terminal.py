"""Tables for terminals and logs, of any width."""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

Column = Sequence[str]  # cells, heading first


def terminal_tables(rows: Sequence[Sequence[str]], width: int) -> list[Table]:
    """A table of cells, its heading first, as tables of at most `width` characters.

    If it does not fit, it is transposed and its columns are divided among several tables. Each has
    the first column, the only one whose cells may be broken into lines as long as there is room for
    a column beside it.
    """
    columns = list(zip(*rows, strict=True))
    if _width(columns) <= width:
        return [_table(columns, None)]
    first, *others = [[cell.strip() for cell in row] for row in rows]
    widest = max(_width([column]) for column in others)
    names = max(MIN_NAME, min(width // 2, width - widest - PADDING))
    return [_table(part, names) for part in _parts(first, others, width, names)]


PADDING = 3  # a column's spaces and the line beside it
MIN_NAME = 6  # least width of the first column, in characters


def _width(columns: Sequence[Column]) -> int:
    """Width of a table of columns whose cells are not broken."""
    return 1 + sum(max(map(cell_len, column)) + PADDING for column in columns)


def _parts(
    first: Column, others: Sequence[Column], width: int, names: int
) -> Iterator[list[Column]]:
    """Parts of a table: `first`, `names` wide or less, and as many of the others as fit."""
    room = width - min(_width([first]), names + PADDING + 1)
    part: list[Column] = []
    for column in others:
        if part and _width([*part, column]) - 1 > room:
            yield [first, *part]
            part = []
        part.append(column)
    yield [first, *part]


def _table(columns: Sequence[Column], names: int | None) -> Table:
    """Table of columns, the first `names` wide or less."""
    (name, *cells), *others = columns
    table = Table()
    table.add_column(Text(name), max_width=names, overflow="fold")
    for title, *_ in others:
        table.add_column(Text(title), justify="right", overflow="fold")
    for row in zip(cells, *(column[1:] for column in others), strict=True):
        table.add_row(*map(Text, row))
    return table
