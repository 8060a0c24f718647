"""The labs in two languages."""

import pytest

from tests.labs import LABS, Block, blocks, pages


@pytest.mark.parametrize("name", [page.name for page in pages("en")])
def test_both_languages_have_the_same_commands(name: str) -> None:
    """So a run of one is a run of both."""
    in_both = [blocks(LABS / language / name) for language in ("en", "ko")]

    assert in_both[0] == in_both[1] != []


def test_both_languages_have_every_lab() -> None:
    """Eight, with the same names."""
    names = [[page.name for page in pages(language)] for language in ("en", "ko")]

    assert names[0] == names[1]
    assert len(names[0]) == 8


def test_what_is_not_shown_is_missed() -> None:
    """A line with … is any line with that beginning and end."""
    block = Block(where="", commands="", shows=("eth0…/24", "same"))

    assert block.missing("eth0 10.0.0.1/24\nsame\n") == []
    assert block.missing("eth0 10.0.0.1/16\n  not the same\n") == ["eth0…/24", "same"]
