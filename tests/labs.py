"""The labs of docs/labs as data: blocks of commands, each with what it should show."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LABS: Final = Path(__file__).parents[1] / "docs/labs"
_BLOCK: Final = re.compile(r"^```(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Commands of a page, where they run, and lines that they print; … is anything."""

    where: str
    commands: str
    shows: tuple[str, ...]

    def missing(self, said: str) -> list[str]:
        """Return the lines that were not shown."""
        lines = said.splitlines()
        return [each for each in self.shows if not any(_matches(each, line) for line in lines)]


def pages(language: str) -> list[Path]:
    """The labs in their order, without the list of them."""
    return sorted((LABS / language).glob("[0-9]*.md"))


def blocks(page: Path) -> list[Block]:
    """The commands of a page, in their order; a picture is none."""
    found: list[Block] = []
    for kind, text in _BLOCK.findall(page.read_text()):
        if kind.startswith("sh"):
            found.append(Block(where=kind.removeprefix("sh").strip(), commands=text, shows=()))
        elif kind == "text":
            before = found.pop()
            shows = tuple(line for line in text.splitlines() if line)
            found.append(Block(where=before.where, commands=before.commands, shows=shows))
    return found


def pictures(page: Path) -> list[str]:
    """The drawings of a page, which have no language."""
    return [text for kind, text in _BLOCK.findall(page.read_text()) if not kind]


def _matches(wanted: str, line: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in wanted.split("…"))
    return re.fullmatch(pattern, line.strip()) is not None
