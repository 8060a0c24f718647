"""Which modes there are."""

import pytest

from plugin.drivers.registry import DEFAULT_MODE, driver_for, modes
from plugin.errors import InvalidOptionError


def test_each_mode_has_its_driver() -> None:
    """The default among them."""
    assert DEFAULT_MODE == "bridge"
    assert DEFAULT_MODE in modes()
    assert [driver_for(mode).mode for mode in modes()] == list(modes())


def test_an_unknown_mode_is_refused_with_those_there_are() -> None:
    """``-o mode=brigde``."""
    with pytest.raises(
        InvalidOptionError, match=r"option mode is 'brigde', expected one of bridge"
    ):
        driver_for("brigde")
