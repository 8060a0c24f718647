"""The thread of all clients: what does not end it."""

import sys
from contextlib import closing
from typing import Final

import pytest

from plugin.dhcp.loop import Loop
from plugin.model.ids import IfName
from tests.fakes.dhcp import FakeLan
from tests.unit.dhcp.driven import WISH

ETH0: Final = IfName("eth0")
PATIENCE: Final = 10.0


def test_clients_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is replaced below a plugin fails the call that needs it, and not the thread."""
    monkeypatch.setitem(sys.modules, "plugin.dhcp.parent", None)
    with closing(Loop(FakeLan(), lambda *_: None)) as clients:
        with pytest.raises(ImportError, match=r"plugin\.dhcp\.parent"):
            clients.acquire(ETH0, WISH, seconds=PATIENCE)
        monkeypatch.undo()

        assert clients.acquire(ETH0, WISH, seconds=PATIENCE).address
