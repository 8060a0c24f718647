"""The table of what was seen where names tests, and each is where its column says."""

import ast
import re
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[1]
PAGE: Final = TESTS.parent / "docs/design/testing.md"
COLUMNS: Final = {"engines": "e2e", "this kernel": "kernel", "Debian's kernel": "vm"}
MARK: Final = "pytest.mark.kernels"
NAME: Final = re.compile(r"`(test_\w+)\.(test_\w+)`")


def rows() -> list[dict[str, str]]:
    """The rows of the table, by the heads of its columns."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head = next(number for number, row in enumerate(cells) if set(COLUMNS) <= set(row))
    return [dict(zip(cells[head], row, strict=True)) for row in cells[head + 2 :]]


def runs_in(folder: str, module: str, test: str) -> bool:
    """Whether there is such a test, and a run of that folder includes it."""
    paths = [TESTS / folder / f"{module}.py"]
    if folder == "e2e":  # and on engines in the virtual machine
        paths.append(TESTS / "e2e/vm" / f"{module}.py")
    if folder == "vm":  # those of `kernel` that are about what kernels do differently run there too
        paths.append(TESTS / "kernel" / f"{module}.py")
    return any(path.exists() and _has(path, test, folder) for path in paths)


def _has(path: Path, test: str, folder: str) -> bool:
    text = path.read_text()
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    marks = [
        ast.unparse(mark) for node in nodes if node.name == test for mark in node.decorator_list
    ]
    there = folder in path.parts or f"pytestmark = {MARK}" in text or MARK in marks
    return there and any(node.name == test for node in nodes)


@pytest.mark.parametrize(("column", "folder"), COLUMNS.items())
def test_what_was_seen_can_be_seen_again(column: str, folder: str) -> None:
    """On each kind of host."""
    named = [NAME.findall(row[column]) for row in rows()]
    missing = [each for found in named for each in found if not runs_in(folder, *each)]

    assert sum(map(len, named)) > 0
    assert missing == []


def test_every_cell_has_tests_or_says_why_not() -> None:
    """Of an empty cell it would not be known whether it was ever tried."""
    empty = [row for row in rows() for column in COLUMNS if not row[column]]

    assert empty == []
