"""docs/reference has every option of every mode, with its default and Docker's name for it."""

import pytest

from plugin.drivers.registry import driver_for, modes
from tests.golden.files import ROOT, WRITE_DOCS, compare
from tests.golden.options_tables import DEFAULTS, places, render

REFERENCE = ROOT / "docs" / "reference"


@pytest.mark.parametrize("mode", modes())
def test_the_tables_are_what_the_mode_has(mode: str) -> None:
    """Word by word."""
    page = REFERENCE / f"{mode}.md"

    compare(page, render(mode, page.read_text()), WRITE_DOCS)


@pytest.mark.parametrize("mode", modes())
def test_the_page_has_its_tables(mode: str) -> None:
    """One of the network's options, and one of a container's where there are any."""
    kinds = ["a network", *(["a container"] if driver_for(mode).endpoint_options else [])]

    assert places((REFERENCE / f"{mode}.md").read_text()) == kinds


def test_words_for_defaults_are_needed() -> None:
    """Whatever has a value is shown with it."""
    valued = {
        (mode, option.name): option.default
        for mode in modes()
        for option in driver_for(mode).options
    }

    assert all(not valued[each] for each in DEFAULTS)
