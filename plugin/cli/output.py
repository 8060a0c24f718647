"""Print answers: tables for people, whole lines with tabs for programs, and JSON.

A pipe gets every value whole, one row a line, with tabs between and ``-`` where there is nothing.
Names of networks, processes and files are any text: none of them breaks a line or controls a terminal.
"""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import click

Cell = str | int | Sequence[str]

json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_NOTHING: Final = "-"
_BETWEEN: Final = 2  # columns of a terminal between those of a table


def is_terminal() -> bool:
    """Whether a person reads what is printed."""
    return sys.stdout.isatty()


def plain(text: str) -> str:
    """The text on one line, with ``?`` for what would control a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text)


def json_text(value: Any, indent: int | None = None) -> str:
    """A value as programs read it, which a terminal shows as it is, too."""
    lines = json.dumps(value, indent=indent, ensure_ascii=False).split("\n")
    return "\n".join(line if line.isprintable() else _escaped(line) for line in lines)


def show_json(value: Any) -> None:
    """Print a value as programs read it."""
    click.echo(json_text(value, indent=2))


def show_rows(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, spare: Sequence[Sequence[str]] = ()
) -> None:
    """Print a table; a cell of several texts is several lines, or one with commas in a pipe.

    A terminal that is too narrow goes without ``spare`` columns, of which the first few go first.
    """
    if is_terminal():
        _draw(columns, rows, spare)
        return
    click.echo("\t".join(columns))
    for row in rows:
        click.echo("\t".join(_field(cell) for cell in row))


def show_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Print names with their texts, one a line; on a terminal a long text goes on below itself."""
    listed = list(fields)
    width = max((len(name) for name, _ in listed), default=0) + 2
    for name, text in listed:
        if not is_terminal():
            click.echo(f"{name}\t{plain(text)}")
            continue
        for line in wrapped(f"  {name:{width}}", plain(text)):
            click.echo(line)


def _escaped(line: str) -> str:
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def wrapped(head: str, text: str) -> Iterator[str]:
    """Lines as wide as the terminal: behind the head, and then below the text."""
    columns = max(shutil.get_terminal_size().columns, len(head) + 20)
    yield from textwrap.wrap(
        text,
        width=columns,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _field(cell: Cell) -> str:
    text = str(cell) if isinstance(cell, str | int) else ",".join(cell)
    return plain(text) or _NOTHING


def fitting(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    spare: Sequence[Sequence[str]],
) -> list[int]:
    """The numbers of the columns that are drawn: without those that no row has anything in, and
    without as many ``spare`` ones as it takes to fit."""
    from rich.cells import cell_len  # noqa: PLC0415

    widths = [
        max(cell_len(line) for text in texts for line in text.split("\n"))
        for texts in zip(columns, *rows, strict=True)
    ]
    # What no row has takes no place: 80 characters hold few columns.
    kept = [n for n, _ in enumerate(columns) if not rows or any(row[n] for row in rows)]
    for names in spare:
        if sum(widths[n] for n in kept) + _BETWEEN * (len(kept) - 1) <= width:
            break
        kept = [n for n in kept if columns[n] not in names]
    return kept


def say(text: str, *, err: bool = False) -> None:
    """Print a sentence; a terminal gets it wrapped between words."""
    for line in wrapped("", plain(text)) if is_terminal() else (plain(text),):
        click.echo(line, err=err)


def _draw(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], spare: Sequence[Sequence[str]]
) -> None:
    from rich.console import Console  # noqa: PLC0415 - a tenth of a second, for people alone
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    drawn = [[_lines(cell) for cell in row] for row in rows]
    console = Console(highlight=False)
    kept = fitting(columns, drawn, console.width, spare)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number in kept:
        table.add_column(columns[number], overflow="fold")
    for row in drawn:
        table.add_row(*(Text(row[number]) for number in kept))
    console.print(table)


def _lines(cell: Cell) -> str:
    return plain(str(cell)) if isinstance(cell, str | int) else "\n".join(map(plain, cell))
