"""A network of a swarm whose nodes ask DHCP servers of their own LANs, by a server in memory."""

import json
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Interface
from typing import Any, Final

import pytest

from ipam.allocator import Allocator
from ipam.store.memory import MemoryStore
from plugin.errors import RefusedError
from plugin.model.ids import EndpointID, MacAddress, NetworkID
from plugin.model.network import Endpoint
from plugin.server.ipam_driver import IpamMethods
from plugin.service.placeholders import is_placeholder
from tests.fakes.rig import Rig
from tests.unit.service import leasing_pool
from tests.unit.service.leasing_pool import POOL, ask, request

SWARM: Final = replace(leasing_pool.LAN, id=NetworkID("a" * 25))
GLOBAL: Final = {"AddressSpace": "pynet-global", "Options": {"dhcp": "eth0"}}


def call(rig: Rig, method: str, body: dict[str, Any]) -> dict[str, Any]:
    methods = IpamMethods(Allocator(MemoryStore()), rig.pools, requires_mac=False).table()
    return methods[f"IpamDriver.{method}"](json.dumps(body).encode())


class TestManager:
    """It knows no LAN."""

    def test_each_task_gets_a_placeholder(self, rig: Rig) -> None:
        """And a leader that takes over is told the same again."""
        pool = call(rig, "RequestPool", GLOBAL)
        assert pool == {"PoolID": "dhcp-of-nodes/eth0", "Pool": "0.0.0.0/0", "Data": {}}
        gateway = {"RequestAddressType": "com.docker.network.gateway"}
        body = {"PoolID": pool["PoolID"]}

        assert call(rig, "RequestAddress", {**body, "Options": gateway})["Address"] == "0.0.0.0/0"
        given = call(rig, "RequestAddress", body)["Address"]

        address = given.partition("/")[0]
        assert is_placeholder(IPv4Address(address))
        again = call(rig, "RequestAddress", {**body, "Address": address})
        assert again["Address"] == given
        assert call(rig, "ReleaseAddress", {**body, "Address": address}) == {}
        assert call(rig, "ReleasePool", body) == {}
        assert rig.lan.server.heard == []

    def test_a_subnet_is_refused(self, rig: Rig) -> None:
        """Whose LAN would it be?"""
        with pytest.raises(
            RefusedError, match=r"--subnet is 10\.0\.0\.0/24, and in a swarm .* leave"
        ):
            call(rig, "RequestPool", {**GLOBAL, "Pool": "10.0.0.0/24"})


class TestNode:
    """It asks in place of the manager."""

    def node(self, mac: str, ipv6: str = "off") -> Rig:
        rig = Rig()
        rig.host.add_parent("eth0", mac_address=MacAddress(mac))
        request(rig)
        rig.networks.create(replace(SWARM, options={**SWARM.options, "ipv6": ipv6}))
        return rig

    def test_the_nodes_answer_is_the_servers(self) -> None:
        """Whatever the manager chose; what is not a placeholder was chosen by a user."""
        rig = self.node("02:00:00:00:00:01")

        address = ask(rig, wanted=IPv4Address("198.18.3.4"))
        chosen = ask(rig, wanted=IPv4Address("192.168.50.101"))

        assert str(address) == "192.168.50.100/24"
        assert str(chosen) == "192.168.50.101/24"
        endpoint = rig.endpoints.create(
            Endpoint(
                id=EndpointID("web"),
                network_id=SWARM.id,
                mac_address=MacAddress(""),
                ipv4=address,
            )
        )
        rig.endpoints.delete(SWARM.id, endpoint.id)
        rig.pools.release(POOL, address.ip)
        assert ask(rig, wanted=IPv4Address("198.18.9.9")) == address

    def test_nodes_of_one_lan_have_other_mac_addresses(self) -> None:
        """The network has one id on all of them."""
        macs = set()
        for mac in ("02:00:00:00:00:01", "02:00:00:00:00:02"):
            rig = self.node(mac)
            ask(rig, wanted=IPv4Address("198.18.3.4"))
            macs |= {each.mac for each in rig.lan.server.heard}

        assert len(macs) == 2

    def test_nodes_of_one_lan_are_other_clients_of_ipv6(self) -> None:
        """Each asks a server for the tasks that it starts."""
        clients = set()
        for mac in ("02:00:00:00:00:01", "02:00:00:00:00:02"):
            rig = self.node(mac, ipv6="dhcp")
            wanted = Endpoint(
                id=EndpointID("web"),
                network_id=SWARM.id,
                mac_address=MacAddress(""),
                ipv4=ask(rig, wanted=IPv4Address("198.18.3.4")),
            )
            assert rig.endpoints.create(wanted).ipv6 == IPv6Interface("fd50::1000/128")
            clients |= set(rig.lan.router.server.leases)

        assert len(clients) == 2
