"""Words that stop a reader: they may not come back into the code or the pages."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path
    for room in ("plugin", "ipam", "etcdgw", "packaging")
    for path in (ROOT / room).rglob("*.py")
)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

# What not to write, and what to write instead.
BETTER = {
    r"somebody|someone|anybody|whoever|whomever": "the noun: the container, the user, another program",
    r"ours|theirs": "pynet's, or the noun",
    r"he|him|his": "the noun, unless a person is meant",
    r"mend(s|ed|ing)?": "fix or repair",
    r"doom(s|ed)?": "being deleted",
    r"taught": "told, or the fact",
    r"stragglers?": "idle endpoints",
    r"doubtful": "the reason for the doubt",
    r"let(s|ting)? go of": "release or close",
    r"(takes?|taken|took) away": "remove or delete",
    r"put right": "repair",
    r"told apart": "distinguished",
    r"'s word|word of|wish(es)?": "the request, the protocol",
    r"to be had|had again": "available, requested again",
    r"meddl(e|es|ed|ing)": "change from outside",
}
_AVOIDED = re.compile("|".join(rf"\b({word})\b" for word in BETTER))


def prose(text: str) -> list[tuple[int, str]]:
    """Comments, docstrings and other texts of a module, each with its line."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    found = [(t.start[0], t.string) for t in tokens if t.type == tokenize.COMMENT]
    nodes = ast.walk(ast.parse(text))
    return found + [
        (node.lineno, node.value)
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def avoided(text: str) -> list[str]:
    return [match[0] for match in _AVOIDED.finditer(text)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_in_plain_english(path: Path) -> None:
    """A noun instead of a pronoun, the field's verb instead of a metaphor."""
    found = {line: avoided(text) for line, text in prose(path.read_text())}

    assert {line: words for line, words in found.items() if words} == {}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_are_in_plain_english(path: Path) -> None:
    """The same for people who never see the code."""
    lines = enumerate(path.read_text().splitlines(), 1)
    found = {line: avoided(text) for line, text in lines}

    assert {line: words for line, words in found.items() if words} == {}


def test_an_avoided_word_is_seen() -> None:
    """In a comment, a docstring and a message alike, and as a whole word only."""
    module = '"""Whose?  Nobody of ours."""\nx = f"{1} mend"  # somebody hears, theory\n'

    assert [word for _, text in prose(module) for word in avoided(text)] == [
        "somebody",
        "ours",
        "mend",
    ]
