"""A public docstring tells a caller of the errors that the function raises itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.test_house import MODULES, names

_TELLS = re.compile(r"\b(raise|refuse)|Error\b", re.IGNORECASE)


def functions(tree: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef]:
    """Public ones, and public methods of public classes; a command's docstring is its help."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if isinstance(node, ast.ClassDef):
                yield from functions(node)
            elif not any("command" in ast.unparse(each) for each in node.decorator_list):
                yield node


def raises(node: ast.AST) -> bool:
    """Whether an error is made here; functions inside are other functions."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        return ast.unparse(node.exc.func).endswith("Error")
    inner = (ast.FunctionDef, ast.Lambda, ast.ClassDef)
    return any(raises(each) for each in ast.iter_child_nodes(node) if not isinstance(each, inner))


def silent(text: str) -> list[str]:
    """Functions that have a docstring and raise errors that it does not tell of.

    A method without a docstring is what its contract says, where errors are.
    """
    documented = [(each, ast.get_docstring(each)) for each in functions(ast.parse(text))]
    return [
        each.name for each, doc in documented if doc and not _TELLS.search(doc) and raises(each)
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: names([path])[0])
def test_errors_are_told_of(path: Path) -> None:
    """In whichever words: Raises, refuse, or the error's name."""
    assert silent(path.read_text()) == []


def test_one_that_is_silent_is_seen() -> None:
    """Also in a class, and not for what a function inside raises."""
    module = '''
class Store:
    def open(self):
        """Open it."""
        if True:
            raise StoreError("no")
    def _shut(self):
        """Shut it."""
        raise StoreError("no")
def later():
    """Answer a function."""
    def inner():
        raise ValueError("no")
    return inner
def check():
    """Check it.  Raises ValueError."""
    raise ValueError("no")
@click.command()
def show():
    """Show it."""
    raise click.UsageError("no")
'''
    assert silent(module) == ["open"]
