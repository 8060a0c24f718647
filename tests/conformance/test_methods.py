"""The methods of both protocols, all of them, and what each makes of nonsense."""

from typing import Any, ClassVar

import pytest

from plugin.server import envelope
from tests.conformance.plugin import Json, Plugin
from tests.fakes.rig import Rig

LABEL = "com.docker.network."
NETWORK_METHODS = (
    "GetCapabilities",
    "GwAllocCheck",
    "AllocateNetwork",
    "FreeNetwork",
    "CreateNetwork",
    "DeleteNetwork",
    "CreateEndpoint",
    "EndpointOperInfo",
    "DeleteEndpoint",
    "Join",
    "Leave",
    "DiscoverNew",
    "DiscoverDelete",
    "ProgramExternalConnectivity",
    "RevokeExternalConnectivity",
)
IPAM_METHODS = (
    "GetCapabilities",
    "GetDefaultAddressSpaces",
    "RequestPool",
    "ReleasePool",
    "RequestAddress",
    "ReleaseAddress",
)
METHODS = (
    "Plugin.Activate",
    *(f"NetworkDriver.{name}" for name in NETWORK_METHODS),
    *(f"IpamDriver.{name}" for name in IPAM_METHODS),
)
WITH_BODY = [name for name in METHODS if "GetCap" not in name and "GetDef" not in name][1:]
IDS = {"NetworkID": "n" * 64, "EndpointID": "e" * 64, "SandboxKey": "/x"}


@pytest.fixture
def plugin() -> Plugin:
    """On a host where pynet has never been."""
    return Plugin()


def test_all_of_them_are_there(plugin: Plugin) -> None:
    """And no others."""
    assert plugin.methods == set(METHODS) == envelope.METHODS


@pytest.mark.parametrize("method", WITH_BODY)
@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b'{"a":'])
def test_nonsense_is_refused_and_changes_nothing(plugin: Plugin, method: str, body: bytes) -> None:
    """400, JSON, both keys, and a path."""
    answer = plugin.client.post(f"/{method}", data=body)

    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["Err"] == answer.json["Error"]
    assert answer.json["Err"].startswith("$")
    assert "Traceback" not in answer.json["Err"]
    assert plugin.rig.faults.points == Rig().faults.points == []


@pytest.mark.parametrize("method", [m for m in WITH_BODY if m.startswith("NetworkDriver")][1:])
def test_wrong_types_are_refused_with_their_path(plugin: Plugin, method: str) -> None:
    """Go would not send them; others might."""
    key = "DiscoveryType" if "Discover" in method else "NetworkID"
    status, answer = plugin.ask(method, {**IDS, key: []})

    assert status == 400
    assert answer["Err"].startswith(f"$.{key}: Expected `")


@pytest.mark.parametrize(
    "method",
    ["Leave", "DeleteEndpoint", "DeleteNetwork", "RevokeExternalConnectivity", "FreeNetwork"],
)
def test_unknown_ids_are_no_failure_of_what_is_taken_back(plugin: Plugin, method: str) -> None:
    """The engine repeats itself, and forgets."""
    plugin.call(f"NetworkDriver.{method}", IDS)


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("ReleasePool", {"PoolID": "no such pool"}),
        ("ReleaseAddress", {"PoolID": "no such pool", "Address": "10.0.0.1"}),
    ],
)
def test_unknown_pools_are_no_failure_of_what_is_taken_back(
    plugin: Plugin, method: str, body: dict[str, str]
) -> None:
    """An address side that was lost must not keep networks from being removed."""
    plugin.call(f"IpamDriver.{method}", body)


@pytest.mark.parametrize(
    "method", ["CreateEndpoint", "Join", "ProgramExternalConnectivity", "EndpointOperInfo"]
)
def test_unknown_ids_are_refused_where_something_is_asked_for(plugin: Plugin, method: str) -> None:
    """Never with 404: that would be taken for success in two methods."""
    status, answer = plugin.ask(f"NetworkDriver.{method}", IDS)

    assert status == 200
    assert "is not known" in answer["Err"]


class TestSwarm:
    OPTIONS: ClassVar[dict[str, str]] = {
        "mode": "bridge",
        "nodes": "apart",
        LABEL + "driver.mtu": "1400",
        LABEL + "advertise_addr_ms": "200",
    }

    def allocate(self, plugin: Plugin, options: dict[str, Any] | None) -> tuple[int, Json]:
        """As a manager asks, whose options are not within others as those of a node are."""
        return plugin.ask(
            "NetworkDriver.AllocateNetwork",
            {
                "NetworkID": "n" * 64,
                "Options": options,
                "IPv4Data": [{"Pool": "10.7.0.0/24", "Gateway": "10.7.0.1/24"}],
                "IPv6Data": None,
            },
        )

    def test_a_manager_gives_the_options_back(self, plugin: Plugin) -> None:
        """They become those of every node, which asks with the same some time."""
        own = {LABEL + "advertise_addr_ms": "200", "pynet.allocated": "true"}
        given = {"mode": "bridge", "mtu": "1400", **own}

        assert self.allocate(plugin, self.OPTIONS) == (200, {"Options": given})
        assert self.allocate(plugin, {**self.OPTIONS, **given}) == (200, {"Options": given})
        assert plugin.rig.store.networks() == ()

    def test_the_default_connects_all_nodes(self, plugin: Plugin) -> None:
        """By a number that the next leader is told, too."""
        answer = self.allocate(plugin, None)

        assert sorted(answer[1]["Options"]) == ["mode", "pynet.allocated", "vni"]
        assert self.allocate(plugin, answer[1]["Options"]) == answer

    @pytest.mark.parametrize("name", ["gateway_mode_ipv4=isolated", "gateway_container=10.7.0.9"])
    def test_a_manager_is_not_told_what_is_internal(self, plugin: Plugin, name: str) -> None:
        """So it takes what is fine either with or without it."""
        option, _, value = name.partition("=")

        given = {"mode": "bridge", option: value}
        answer = {**given, "pynet.allocated": "true"}

        assert self.allocate(plugin, {**given, "nodes": "apart"}) == (200, {"Options": answer})

    def test_a_manager_refuses_as_a_node_would(self, plugin: Plugin) -> None:
        """Before the network is everywhere."""
        assert "expected a number of bytes" in self.allocate(plugin, {"mtu": "1"})[1]["Err"]
        assert "did you mean mtu" in self.allocate(plugin, {"mtuu": "1400"})[1]["Err"]

    def test_nodes_come_and_go(self, plugin: Plugin) -> None:
        """This host first."""

        def tell(method: str, last: int, *, own: bool = False) -> None:
            data = {"Address": f"10.98.0.{last}", "BindAddress": "", "Self": own}
            plugin.call(f"NetworkDriver.{method}", {"DiscoveryType": 1, "DiscoveryData": data})

        tell("DiscoverNew", 1, own=True)
        tell("DiscoverNew", 2)
        tell("DiscoverNew", 3)
        tell("DiscoverDelete", 2)
        tell("DiscoverDelete", 1, own=True)

        assert str(plugin.rig.cluster.own) == "10.98.0.1"
        assert [str(each) for each in plugin.rig.cluster.hosts] == ["10.98.0.3"]
