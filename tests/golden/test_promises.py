"""What docs/firewall.md promises is what is attacked, and neither has more than the other."""

import ast
import re
from pathlib import Path
from typing import Final

import pytest

from tests.kernel.promises import ELSEWHERE, PROMISES

TESTS: Final = Path(__file__).parents[1]
PAGE: Final = TESTS.parent / "docs/firewall.md"
SECTION: Final = re.compile(r"^## What pynet promises$(.*?)^## ", re.MULTILINE | re.DOTALL)
NAME: Final = re.compile(r"^\| `([\w-]+)` \|", re.MULTILINE)


def has(place: str) -> bool:
    """Whether there is such a test."""
    *path, name = place.split("/")
    module = (TESTS / "/".join(path)).with_suffix(".py")
    tree = ast.parse(module.read_text() if module.exists() else "")
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in ast.walk(tree))


def test_every_promise_of_the_page_is_attacked() -> None:
    """And every attack has its promise there, which people can hold us to."""
    (section,) = SECTION.findall(PAGE.read_text())
    names = NAME.findall(section)

    assert sorted(names) == sorted(PROMISES)


@pytest.mark.parametrize("promise", ELSEWHERE)
def test_what_is_checked_elsewhere_is_there(promise: str) -> None:
    """A test that was renamed is not one that was lost."""
    assert [place for place in ELSEWHERE[promise] if not has(place)] == []
