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


class TestWhoAsks:
    """For the capabilities: an engine that started, or one that its swarm has elected."""

    def test_one_that_runs_was_elected(self) -> None:
        """Containers of its host keep what they have, so nothing local may be asked for anew."""
        engine, started = {"boot/1", "boot/2"}, []
        allocator = Allocator(MemoryStore())
        methods = IpamMethods(
            allocator,
            requires_mac=False,
            engine_sockets=lambda: frozenset(engine),
            engine_started=lambda: started.append(set(engine)),
        ).table()

        for sockets in ({"boot/1"}, {"boot/1", "boot/2"}, {"boot/2"}, {"boot/3"}, {"boot/3"}):
            engine.clear()
            engine |= sockets
            methods["IpamDriver.GetCapabilities"](b"{}")

        assert started == [{"boot/1"}, {"boot/3"}]

    def test_where_nobody_can_tell_all_have_started(self) -> None:
        started: list[None] = []
        methods = IpamMethods(
            Allocator(MemoryStore()),
            requires_mac=False,
            engine_started=lambda: started.append(None),
        ).table()

        for _ in range(2):
            methods["IpamDriver.GetCapabilities"](b"{}")

        assert len(started) == 2
