"""The troubleshooting page names checks and commands that there are, and words that pynet says."""

import re
from pathlib import Path
from typing import Final

import pytest

from plugin.cli.commands import COMMANDS
from plugin.operator.doctor.checks import CHECKS

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "troubleshooting.md").read_text()
SOURCE: Final = " ".join(
    re.sub(r'["\s]*\n\s*f?"|[\s]+', " ", path.read_text())
    for room in ("plugin", "ipam")
    for path in sorted((ROOT / room).rglob("*.py"))
)
WORDS: Final = (
    "port is already allocated",
    "pynet is not ready: ",
    "overlaps with other one on this address space",
    "is not known to pynet; remove and create it again",
    "no available addresses on this pool",
    "no pynet answers at ",
    "the pynet that runs is of version ",
    "is not pynet's admin socket",
    "run the command as root",
)


def test_the_checks_are_there() -> None:
    """By their numbers."""
    named = set(re.findall(r"\bD\d\d\b", PAGE))

    assert named - {each.id for each in CHECKS} == set()


def test_the_commands_are_there() -> None:
    """By their names."""
    named = set(re.findall(r"`pynet ((?!is)\w+)", PAGE)) | set(
        re.findall(r"^pynet (\w+)", PAGE, re.MULTILINE)
    )

    assert named - COMMANDS.keys() == set()


@pytest.mark.parametrize("words", WORDS)
def test_the_words_are_said(words: str) -> None:
    """A reader finds what Docker printed."""
    assert words.removesuffix(": ").strip() in PAGE
    assert words.strip() in SOURCE
