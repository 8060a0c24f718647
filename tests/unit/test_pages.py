"""What people read leads where it says, and gives no figure without its source."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
_LINK: Final = re.compile(r"\]\((?!\w+:)([^()#\s]*)(?:#([^()\s]+))?\)")
_FENCE: Final = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_FIGURE: Final = re.compile(r"[\d.]+ ms")


def prose(page: Path) -> str:
    """The page without its examples."""
    return _FENCE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """What a link may name on the page: its headings, in the way GitHub writes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def links() -> Iterator[tuple[Path, Path, str]]:
    """Every link to another page: where it stands, where it leads, and to which heading."""
    for page in PAGES:
        for target, anchor in _LINK.findall(prose(page)):
            yield page, (page.parent / target).resolve() if target else page, anchor


def test_every_link_leads_somewhere() -> None:
    """To a file that is there, and to a heading that it has."""
    broken = [
        f"{page.name}: {target.name}#{anchor}"
        for page, target, anchor in links()
        if not target.exists() or (anchor and anchor not in anchors(target))
    ]

    assert broken == []


def test_every_page_is_listed() -> None:
    """A reader who opens the list of pages finds all of them, or the list of their folder."""
    found = list(links())
    listed = {target for page, target, _ in found if page == DOCS / "index.md"}
    lists = {each for each in listed if each.name == "README.md"}
    listed |= {target for page, target, _ in found if page in lists}

    assert [page.name for page in PAGES[1:] if page not in {*listed, DOCS / "index.md"}] == []


def test_the_readme_measures_nothing_itself() -> None:
    """Its figures are those of the last benchmark."""
    measured = (DOCS / "benchmarks.md").read_text()

    assert [each for each in _FIGURE.findall(prose(PAGES[0])) if each not in measured] == []


def test_the_glossary_has_every_room() -> None:
    """A newcomer reads there who comes in by which door."""
    glossary = (DOCS / "glossary.md").read_text()
    rooms = [f"plugin/{path.parent.name}" for path in (ROOT / "plugin").glob("*/__init__.py")]

    assert [room for room in (*sorted(rooms), "ipam") if f"`{room}`" not in glossary] == []
