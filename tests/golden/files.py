"""Committed texts, compared or written."""

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DATA: Final = Path(__file__).with_name("data")
WRITE_GOLDEN: Final = "PYNET_WRITE_GOLDEN"
WRITE_DOCS: Final = "PYNET_WRITE_DOCS"


def compare(path: Path, text: str, switch: str) -> None:
    """Insist that the file holds ``text``; with the switch set, make it so."""
    if os.environ.get(switch):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    name = path.relative_to(ROOT)
    assert path.exists(), f"{name} is not there; {switch}=1 writes it"
    assert path.read_text() == text, f"{name} says otherwise; {switch}=1 writes it anew"
