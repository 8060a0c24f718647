"""Words that stop a reader: they may not come back into the code, its tests or the pages."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("plugin", "ipam", "etcdgw", "packaging", "tests")
# This module has to name the words.
MODULES = sorted(
    {path for room in ROOMS for path in (ROOT / room).rglob("*.py")} - {Path(__file__)}
)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SCRIPTS = [
    *(ROOT / name for name in ("Makefile", "setup.cfg", "config.json", ".ci/run", "tests/vm/init")),
    *(ROOT / "packaging" / name for name in ("packages", "pynet", "stage")),
    *sorted((ROOT / "packaging/systemd").iterdir()),
    *sorted((ROOT / "packaging/debian").iterdir()),
]

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
# Names may say whose a thing is, and what is asked for.
IN_NAMES = BETTER.keys() - {"ours|theirs", "he|him|his", "'s word|word of|wish(es)?"}
_AVOIDED = re.compile("|".join(rf"\b({word})\b" for word in BETTER), re.IGNORECASE)
_AVOIDED_IN_NAMES = re.compile("|".join(rf"\b({word})s?\b" for word in IN_NAMES), re.IGNORECASE)


def prose(text: str) -> list[tuple[int, str]]:
    """Comments, docstrings and other texts of a module, each with its line; no name alone."""
    if not _AVOIDED.search(text):
        return []  # in most modules; searching takes a hundredth of the time of parsing
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    found = [(t.start[0], t.string) for t in tokens if t.type == tokenize.COMMENT]
    nodes = ast.walk(ast.parse(text))
    return found + [
        (node.lineno, node.value)
        for node in nodes
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and not node.value.isidentifier()
    ]


def named(text: str) -> list[str]:
    """Names in a module, as words."""
    return [name.replace("_", " ") for name in re.findall(r"\w+", text)]


def avoided(text: str) -> list[str]:
    found = [match[0] for match in _AVOIDED.finditer(text)]
    return [word for word in found if not word[1:].isupper()]  # as in ``grep -hE``


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_in_plain_english(path: Path) -> None:
    """A noun instead of a pronoun, the field's verb instead of a metaphor."""
    module = path.read_text()
    found = {line: avoided(text) for line, text in prose(module)}
    names = [name for name in named(module) if _AVOIDED_IN_NAMES.search(name)]

    assert {line: words for line, words in found.items() if words} == {}
    assert names == []


@pytest.mark.parametrize("path", [*PAGES, *SCRIPTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_are_in_plain_english(path: Path) -> None:
    """The same for people who never see the code."""
    lines = enumerate(path.read_text().splitlines(), 1)
    found = {line: avoided(text) for line, text in lines}

    assert {line: words for line, words in found.items() if words} == {}


def test_an_avoided_word_is_seen() -> None:
    """In a comment, a docstring and a message alike, and as a whole word only."""
    module = '"""Whose?  Nobody of ours."""\nx = f"{1} mend", "ours"  # Somebody hears, theory\n'

    assert [word for _, text in prose(module) for word in avoided(text)] == [
        "Somebody",
        "ours",
        "mend",
    ]


def test_an_avoided_name_is_seen() -> None:
    """In whichever part of a name."""
    module = "def somebodys_link(ours: int, tail_mends: int, amend: int) -> None: ...\n"

    assert [name for name in named(module) if _AVOIDED_IN_NAMES.search(name)] == [
        "somebodys link",
        "tail mends",
    ]
