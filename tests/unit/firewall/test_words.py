"""How a firewall keeps facts is its own affair: no other package uses terms of nftables."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import plugin

ROOT = Path(plugin.__file__).parent
NFT = re.compile(r"\bpn_|@th,")  # a set or map, a piece of a header
QUOTE = re.compile('^"$')  # around a name
PEOPLES = ("cli", "operator")  # they quote for people, and read what people have quoted


def _texts(path: Path) -> Iterator[str]:
    """Strings, and the pieces of f-strings between their values."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_names_and_quoting_of_nft_are_in_the_firewall_alone() -> None:
    """A second backend is one file: it shares no set, key or quote with the first."""
    found = {
        f"{path.relative_to(ROOT)}: {text}"
        for path in ROOT.rglob("*.py")
        if path.relative_to(ROOT).parts[0] != "firewall"
        for text in _texts(path)
        if NFT.search(text)
        or (QUOTE.search(text) and path.relative_to(ROOT).parts[0] not in PEOPLES)
    }

    assert found == set()
