"""What the engine is answered about addresses, beyond what the allocator says."""

import json

import pytest

from ipam.allocator import Allocator
from ipam.errors import UnknownPoolError
from ipam.pool import PoolRequest
from ipam.store.memory import MemoryStore
from plugin.server.ipam_driver import IpamMethods


def test_a_pool_that_is_missed_is_wanted_from_the_next_start() -> None:
    """An engine that asks for an address in it knows a network that was lost."""
    allocator = Allocator(MemoryStore())
    allocator.request_pool(PoolRequest())
    methods = IpamMethods(allocator, requires_mac=False).table()
    body = json.dumps({"PoolID": "pynet-local/10.7.0.0/24"}).encode()

    def start() -> object:
        return methods["IpamDriver.GetCapabilities"](b"{}")["RequiresRequestReplay"]

    before = start()
    with pytest.raises(UnknownPoolError):
        methods["IpamDriver.RequestAddress"](body)

    assert [before, start(), start()] == [False, True, False]
