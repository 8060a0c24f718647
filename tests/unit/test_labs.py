"""The labs in two languages."""

import re
from ipaddress import IPv4Address, IPv4Network
from typing import Final

import pytest

from tests.labs import LABS, Block, blocks, pages, pictures

ADDRESS: Final = re.compile(r"\d+\.\d+\.\d+\.(?:\d+|…)")
SUBNET: Final = re.compile(r"\d+\.\d+\.\d+\.0/\d+")


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


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", [page.name for page in pages("en")])
def test_a_picture_shows_what_the_lab_has(name: str, language: str) -> None:
    """Each lab has one, whose addresses are those of the commands or in a subnet of them."""
    (picture,) = pictures(LABS / language / name)
    text = (LABS / language / name).read_text().replace(picture, "")
    subnets = [IPv4Network(each) for each in SUBNET.findall(text)]
    unknown = [
        address
        for address in ADDRESS.findall(picture)
        if address not in text
        and not any(IPv4Address(address.replace("…", "9")) in each for each in subnets)
    ]

    assert unknown == []


@pytest.mark.parametrize("name", [page.name for page in pages("en")])
def test_both_languages_have_the_same_picture(name: str) -> None:
    """But for words: its addresses and how it is drawn."""
    english, korean = (pictures(LABS / language / name)[0] for language in ("en", "ko"))

    assert ADDRESS.findall(english) == ADDRESS.findall(korean)
    assert re.findall(r"[─-╿►◄]", english) == re.findall(r"[─-╿►◄]", korean)


def test_what_is_not_shown_is_missed() -> None:
    """A line with … is any line with that beginning and end."""
    block = Block(where="", commands="", shows=("eth0…/24", "same"))

    assert block.missing("eth0 10.0.0.1/24\nsame\n") == []
    assert block.missing("eth0 10.0.0.1/16\n  not the same\n") == ["eth0…/24", "same"]
