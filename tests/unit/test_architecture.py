"""The architecture page names every room of the program, and nothing that is not there."""

import configparser
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "design" / "architecture.md"
TEXT: Final = PAGE.read_text()
PROGRAMS: Final = ("plugin", "ipam", "etcdgw")
_QUOTED: Final = re.compile(r"`([^`\n]+)`")
_ROOM: Final = re.compile(r"^\*\*`([a-z_/]+/)`\*\*")
_PATH: Final = re.compile(r"[\w<>][\w./<>-]*(?:\.py|/)|\w[\w-]*/[\w./<>-]+")
_DOTTED: Final = re.compile(r"[a-z_]+\.(?!py$|cfg$|md$)[\w.]+")


def packages() -> list[str]:
    """Every folder with modules."""
    found = {path.parent for program in PROGRAMS for path in (ROOT / program).rglob("*.py")}
    return sorted(str(path.relative_to(ROOT)) for path in found - {ROOT / "plugin"})


def top_modules() -> list[str]:
    """Modules beside the packages; those whose names start with __ say nothing of a place."""
    found = [path for program in PROGRAMS for path in (ROOT / program).glob("*.py")]
    return sorted(str(path.relative_to(ROOT)) for path in found if path.name[0] != "_")


def quoted() -> Iterator[tuple[Path, str]]:
    """Each name in backticks, and the room that its paragraph is about."""
    for paragraph in re.split(r"\n\n|\n(?=\|)", TEXT):
        room = _ROOM.match(paragraph)
        for name in _QUOTED.findall(paragraph):
            yield ROOT / (room.group(1) if room else ""), name


def places(room: Path, name: str) -> list[Path]:
    """The files and folders that a name on the page may mean, <mode> being any."""
    pattern = re.sub(r"<\w+>", "*", name.rstrip("/"))
    bases = dict.fromkeys((room, ROOT, *(ROOT / program for program in PROGRAMS)))
    return [path for base in bases for path in base.glob(pattern)]


PATHS: Final = sorted({each for each in quoted() if _PATH.fullmatch(each[1])})


def is_defined(name: str) -> bool:
    """Whether a module beside the packages gives a value to the name behind its dot."""
    module, _, attribute = name.partition(".")
    found = [ROOT / program / f"{module}.py" for program in PROGRAMS]
    return any(f"\n{attribute}:" in path.read_text() for path in found if path.is_file())


def test_every_place_of_the_program_is_named() -> None:
    """Who looks for the place of a change finds it on the page."""
    named = {place for room, name in PATHS for place in places(room, name)}

    assert [each for each in (*packages(), *top_modules()) if ROOT / each not in named] == []


def test_every_path_on_the_page_exists() -> None:
    """A file that was moved is looked for where it is now."""
    assert [(room.name, name) for room, name in PATHS if not places(room, name)] == []


def test_every_name_in_a_module_exists() -> None:
    """``settings.SETTINGS`` stands in the module that the page says, and so on."""
    dotted = sorted({name for _, name in quoted() if _DOTTED.fullmatch(name)})

    assert [name for name in dotted if not is_defined(name)] == []


def test_the_layers_are_those_of_the_contract() -> None:
    """import-linter checks setup.cfg; people read the page."""
    contract = configparser.ConfigParser()
    contract.read(ROOT / "setup.cfg")
    layers = contract["importlinter:contract:layers"]["layers"].split("\n")
    drawn = [name for _, name in quoted() if " > " in name]

    assert drawn == [" > ".join(layer for layer in layers if layer)]
