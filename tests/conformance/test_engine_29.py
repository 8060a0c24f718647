"""What engine 29 sends otherwise, written down from its source: no recording has it yet."""

from typing import Any

import pytest

from tests.conformance.plugin import Plugin

LABEL = "com.docker.network."
NETWORK = "n" * 64
SPACE = "pynet-local"


@pytest.fixture
def plugin() -> Plugin:
    """On a host where pynet has never been."""
    return Plugin()


def request_pool(plugin: Plugin, **wishes: Any) -> dict[str, Any]:
    return plugin.call(
        "IpamDriver.RequestPool",
        {"AddressSpace": SPACE, "Pool": "", "SubPool": "", "Options": {}, "V6": False, **wishes},
    )


class TestPools:
    @pytest.mark.parametrize(("asked", "length"), [("0.0.0.0/28", 28), ("::/64", 64)])
    def test_any_pool_of_a_size(self, plugin: Plugin, asked: str, length: int) -> None:
        """``docker network create --subnet 0.0.0.0/28``."""
        one = request_pool(plugin, Pool=asked, V6=":" in asked)
        two = request_pool(plugin, Pool=asked, V6=":" in asked)

        assert one["Pool"].endswith(f"/{length}")
        assert one["Pool"] != two["Pool"]

    def test_the_containers_name_comes_with_the_request(self, plugin: Plugin) -> None:
        """In the options of an address."""
        pool = request_pool(plugin, Pool="10.7.0.0/24")
        answer = plugin.call(
            "IpamDriver.RequestAddress",
            {
                "PoolID": pool["PoolID"],
                "Address": "",
                "Options": {LABEL + "endpoint.name": "web"},
            },
        )

        assert answer["Address"].startswith("10.7.0.")


class TestNetworks:
    def test_auxiliary_addresses_may_be_an_empty_map(self, plugin: Plugin) -> None:
        """Where others send none."""
        plugin.call(
            "NetworkDriver.CreateNetwork",
            {
                "NetworkID": NETWORK,
                "Options": {
                    LABEL + "enable_ipv4": True,
                    LABEL + "enable_ipv6": False,
                    LABEL + "generic": {},
                },
                "IPv4Data": [
                    {
                        "AddressSpace": SPACE,
                        "Pool": "10.7.0.0/24",
                        "Gateway": "10.7.0.1/24",
                        "AuxAddresses": {},
                    }
                ],
                "IPv6Data": [],
            },
        )

        assert plugin.rig.held() == plugin.rig.wanted() != frozenset()

    def test_ports_come_in_any_order_and_without_the_proxys_label(self, plugin: Plugin) -> None:
        """And an internal network may be asked to publish."""
        for number, internal in enumerate((False, True)):
            ids = {"NetworkID": f"{number}" * 64, "EndpointID": f"{number}" * 64}
            plugin.call(
                "NetworkDriver.CreateNetwork",
                {
                    "NetworkID": ids["NetworkID"],
                    "Options": {LABEL + "internal": internal},
                    "IPv4Data": [{"Pool": f"10.{number}.0.0/24", "Gateway": f"10.{number}.0.1/24"}],
                },
            )
            plugin.call(
                "NetworkDriver.CreateEndpoint",
                {**ids, "Interface": {"Address": f"10.{number}.0.2/24"}, "Options": {}},
            )
            joined = plugin.call("NetworkDriver.Join", {**ids, "SandboxKey": "/x", "Options": {}})
            ports = [
                {"Proto": 17, "IP": "", "Port": 53, "HostIP": "", "HostPort": 0, "HostPortEnd": 0},
                {"Proto": 6, "Port": 80, "HostIP": "", "HostPort": 8080, "HostPortEnd": 8080},
            ]
            plugin.call(
                "NetworkDriver.ProgramExternalConnectivity",
                {**ids, "Options": {LABEL + "portmap": ports}},
            )

            assert bool(joined["Gateway"]) is not internal
            # Two ports on any address: an IPv4 network's container is proxied to from [::].
            assert len(plugin.rig.kernel.ports) == 4
            assert len(plugin.rig.kernel.proxied) == 2

    def test_a_name_for_the_link_in_the_sandbox(self, plugin: Plugin) -> None:
        """From 29.8 the engine asks for it in the answer to Join, whose options are others."""
        ids = {"NetworkID": NETWORK, "EndpointID": "e" * 64}
        plugin.call(
            "NetworkDriver.CreateNetwork",
            {"NetworkID": NETWORK, "IPv4Data": [{"Pool": "10.7.0.0/24", "Gateway": "10.7.0.1/24"}]},
        )
        plugin.call(
            "NetworkDriver.CreateEndpoint",
            {
                **ids,
                "Interface": {"Address": "10.7.0.2/24"},
                "Options": {LABEL + "endpoint.ifname": "wan0"},
            },
        )
        plugin.restart()
        joined = plugin.call("NetworkDriver.Join", {**ids, "SandboxKey": "/x", "Options": {}})

        assert joined["InterfaceName"]["DstName"] == "wan0"

    def test_a_live_restored_endpoint_is_never_revoked(self, plugin: Plugin) -> None:
        """Leave and DeleteEndpoint must be enough."""
        ids = {"NetworkID": NETWORK, "EndpointID": "e" * 64}
        plugin.call(
            "NetworkDriver.CreateNetwork",
            {"NetworkID": NETWORK, "IPv4Data": [{"Pool": "10.7.0.0/24", "Gateway": "10.7.0.1/24"}]},
        )
        alone = plugin.rig.held()
        plugin.call(
            "NetworkDriver.CreateEndpoint", {**ids, "Interface": {"Address": "10.7.0.2/24"}}
        )
        plugin.call("NetworkDriver.Join", {**ids, "SandboxKey": "/x"})
        port = {"Proto": 6, "Port": 80, "HostPort": 8080, "HostPortEnd": 8080}
        plugin.call(
            "NetworkDriver.ProgramExternalConnectivity",
            {**ids, "Options": {LABEL + "portmap": [port]}},
        )
        plugin.restart()
        plugin.call("NetworkDriver.Leave", ids)
        plugin.call("NetworkDriver.DeleteEndpoint", ids)

        assert plugin.rig.held() == alone
