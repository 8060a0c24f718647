"""What the engine is answered about addresses, beyond what the allocator says."""

import json
import re
from typing import Final

import pytest

from ipam.allocator import Allocator
from ipam.errors import UnknownPoolError
from ipam.pool import PoolRequest
from ipam.store.memory import MemoryStore
from plugin.errors import RefusedError
from plugin.server.ipam_driver import IpamMethods
from tests.fakes.rig import Rig


def test_a_pool_that_is_missed_is_wanted_from_the_next_start() -> None:
    """An engine that asks for an address in it knows a network that was lost."""
    allocator = Allocator(MemoryStore())
    allocator.request_pool(PoolRequest())
    methods = IpamMethods(allocator, Rig().pools, requires_mac=False).table()
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
            Rig().pools,
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
            Rig().pools,
            requires_mac=False,
            engine_started=lambda: started.append(None),
        ).table()

        for _ in range(2):
            methods["IpamDriver.GetCapabilities"](b"{}")

        assert len(started) == 2


class TestPoolsOfADhcpServer:
    """What the engine asks of them does not reach the allocator."""

    ASKED: Final = {"AddressSpace": "pynet-local", "Options": {"dhcp": "eth0"}}

    def test_a_pool_is_a_function_of_its_request(self) -> None:
        """So that an engine that has one may ask for it again, after whatever was lost."""
        for prefix, answer in (
            ("", {"PoolID": "dhcp/eth0", "Pool": "0.0.0.0/0", "Data": {}}),
            ("0.0.0.0/0", {"PoolID": "dhcp/eth0", "Pool": "0.0.0.0/0", "Data": {}}),
            (
                "192.168.50.0/24",
                {
                    "PoolID": "dhcp/eth0/192.168.50.0/24",
                    "Pool": "192.168.50.0/24",
                    "Data": {},
                },
            ),
        ):
            for _ in range(2):
                assert _call("RequestPool", {**self.ASKED, "Pool": prefix}) == answer

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            ({"Options": {"dhcp": "eth0", "range": "10.0.0.1"}}, "leave out range"),
            ({"Options": {"dhcp": "a/b"}}, "option dhcp is 'a/b', expected a link name"),
            ({"V6": True}, "without --ipv6"),
            ({"Pool": "10.0.0.0/24", "SubPool": "10.0.0.0/25"}, "--ip-range is 10.0.0.0/25"),
        ],
    )
    def test_refused(self, asked: dict[str, object], said: str) -> None:
        """What its server alone decides, and what it cannot give."""
        with pytest.raises(RefusedError, match=re.escape(said)):
            _call("RequestPool", {**self.ASKED, **asked})

    def test_no_gateway_is_known_and_what_is_given_back_twice_is_no_failure(self) -> None:
        """Older engines ask for one, and an ended network is released address by address."""
        gateway = {"RequestAddressType": "com.docker.network.gateway"}
        pool = {"PoolID": "dhcp/eth0"}

        answer = _call("RequestAddress", {**pool, "Options": gateway})

        assert answer == {"Address": "0.0.0.0/0", "Data": {}}
        assert _call("ReleaseAddress", {**pool, "Address": "0.0.0.0"}) == {}
        assert _call("ReleasePool", pool) == {}


def _call(method: str, body: dict[str, object]) -> dict[str, object]:
    methods = IpamMethods(Allocator(MemoryStore()), Rig().pools, requires_mac=False).table()
    return methods[f"IpamDriver.{method}"](json.dumps(body).encode())
