"""Rules of the house that imports cannot say."""

import ast
from pathlib import Path

import pytest

from plugin.drivers.registry import modes
from plugin.settings import SETTINGS

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
MODULES = sorted(
    path for room in ("plugin", "ipam", "etcdgw") for path in (ROOT / room).rglob("*.py")
)
LONGEST = 300
MADE_BY_NFT = ROOT / "plugin" / "firewall" / "compiled.py"


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def texts(path: Path) -> list[str]:
    """Every string of a module; comments are none."""
    nodes = ast.walk(ast.parse(path.read_text()))
    constants = (node.value for node in nodes if isinstance(node, ast.Constant))
    return [value for value in constants if isinstance(value, str)]


def calls_print(path: Path) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        for node in ast.walk(ast.parse(path.read_text()))
    )


def test_dockers_labels_are_known_in_one_place() -> None:
    """No driver ever sees two names for one thing."""
    knowing = [path for path in MODULES if any("com.docker." in text for text in texts(path))]

    assert names(knowing) == ["plugin/wire/labels.py"]


def test_no_module_is_too_long_to_read() -> None:
    """Long before that it should have been split along its nouns."""
    written = [path for path in MODULES if path != MADE_BY_NFT]

    assert names([p for p in written if len(p.read_text().splitlines()) > LONGEST]) == []


def test_only_the_command_line_prints() -> None:
    """Everything else has a log."""
    printing = [path for path in MODULES if calls_print(path)]

    assert [name for name in names(printing) if not name.startswith("plugin/cli/")] == []


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS])
def test_every_setting_is_in_the_reference(name: str) -> None:
    """Where people look for it."""
    assert f"`{name}`" in (REFERENCE / "settings.md").read_text()


@pytest.mark.parametrize("mode", modes())
def test_every_mode_has_its_page(mode: str) -> None:
    """Of its own name."""
    assert (REFERENCE / f"{mode}.md").is_file()
