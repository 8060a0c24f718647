"""Services over a fake host."""

import pytest

from tests.fakes.rig import Rig


@pytest.fixture
def rig() -> Rig:
    """A plugin that has just started on a fresh host."""
    return Rig()


@pytest.fixture
def alone(rig: Rig) -> frozenset[object]:
    """What the host holds before the test does anything."""
    return rig.held()
