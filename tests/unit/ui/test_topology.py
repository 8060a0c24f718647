"""What the page draws."""

from dataclasses import replace
from typing import Any

import pytest

from plugin.errors import PynetError
from plugin.model.ids import port_name, short
from plugin.model.ports import HostPort
from plugin.operator.doctor.host import UnseenError
from plugin.ui.nodes import Column, Node, State
from plugin.ui.topology import Topology, topology
from tests.fakes.values import a_network, an_endpoint
from tests.unit.admin.behind import BLUE, WEB, Life
from tests.unit.ui.conftest import BRIDGE, ENGINE, Looked

NETWORK = f"network {BLUE.id}"
CONTAINER = "container c0ffee"
LINK = f"link {BRIDGE['ifname']}"


def looked(life: Life, *links: dict[str, Any], engine: Any = ENGINE) -> Topology:
    return topology(Looked(life, engine, *(links or (BRIDGE,))), "here")


def node(found: Topology, identity: str) -> Node:
    return next(each for each in found.nodes if each.id == identity)


def wrong(life: Life, kind: str, which: str, fault: str = "missing", network: str = "") -> None:
    row = {"network": network or short(BLUE.id), "kind": kind, "which": which, "fault": fault}
    life.maintenance().wrong = [row]


def test_a_host_that_is_well(life: Life) -> None:
    """Host, bridge, network and container, each beside the one that it is on."""
    found = looked(life)

    assert [(each.column, each.label) for each in found.nodes] == [
        (Column.HOST, "here"),
        (Column.NETWORK, "shop"),
        (Column.LINK, BRIDGE["ifname"]),
        (Column.CONTAINER, "site"),
    ]
    assert [(each.start, each.end) for each in found.edges] == [
        ("host", LINK),
        (LINK, NETWORK),
        (NETWORK, CONTAINER),
    ]
    assert {each.state for each in (*found.nodes, *found.edges)} == {State.OK}
    assert node(found, LINK).lines == ["bridge", "10.1.0.1/24"]
    assert node(found, CONTAINER).ports == [{"text": "8080→80/tcp", "served": True}]
    assert node(found, CONTAINER).explain == [WEB.id]
    assert (found.status, found.degraded, found.drops) == ("ok", [], [])
    assert [each["prefix"] for each in found.pools] == ["10.1.0.0/24"]


def test_without_an_engine(life: Life) -> None:
    """There are no names, and all else is shown."""
    found = looked(life, engine={})

    assert node(found, NETWORK).label == short(BLUE.id)
    assert node(found, f"container {WEB.id}").label == short(WEB.id)


@pytest.mark.parametrize(
    ("kind", "which", "drifted"),
    [
        ("Bridge", str(BRIDGE["ifname"]), {LINK, NETWORK}),
        ("Veth", port_name(WEB.id), {NETWORK, CONTAINER}),
        ("endpoint", short(WEB.id), {NETWORK, CONTAINER}),
        ("Sysctl", "net/ipv4/ip_forward", {NETWORK}),
    ],
)
def test_what_differs_is_marked_where_it_is(
    life: Life, kind: str, which: str, drifted: set[str]
) -> None:
    """The network, and the part that it is."""
    wrong(life, kind, which)
    found = looked(life)

    assert {each.id for each in found.nodes if each.state is State.DRIFT} == drifted
    assert all(node(found, each).faults == [f"{kind} {which}: missing"] for each in drifted)
    assert found.differences[0]["name"] == "shop"


def test_what_belongs_to_no_network_is_the_hosts(life: Life) -> None:
    """Such as a bridge that is left over."""
    wrong(life, "Bridge", "pnb-1", "left over", " ")
    life.maintenance().wrong[0]["network"] = ""
    found = looked(life)

    assert node(found, "host").faults == ["Bridge pnb-1: left over"]
    assert found.differences[0]["name"] == ""


def test_a_link_that_is_gone_or_down(life: Life) -> None:
    """Is seen before pynet has looked."""
    gone = looked(life, {"ifname": "lo"})
    down = looked(life, {**BRIDGE, "flags": [], "operstate": "DOWN"})
    unseen = topology(_Blind(life, ENGINE), "here")

    assert node(gone, LINK).faults == [f"bridge {BRIDGE['ifname']} is missing"]
    assert node(down, LINK).faults == [f"bridge {BRIDGE['ifname']} is down"]
    assert node(unseen, LINK).state is State.OK


class _Blind(Looked):
    @property
    def links(self) -> dict[str, dict[str, Any]]:  # type: ignore[override]
        raise UnseenError("ip is not there")

    @links.setter
    def links(self, _: object) -> None: ...


def test_a_port_that_nothing_serves(life: Life) -> None:
    """Both families are one pill, which is red if either is away."""
    port = life.rig.store.endpoints(BLUE.id)[0].published[0]
    assert port.host_ip
    held = HostPort(protocol=port.protocol, address=port.host_ip, port=port.host_port)
    life.maintenance().ports = {held}
    found = looked(life)

    assert node(found, CONTAINER).ports == [{"text": "8080→80/tcp", "served": False}]
    assert node(found, CONTAINER).state is State.DRIFT


def test_frames_that_a_guard_dropped(life: Life) -> None:
    """A number on the line to the container."""
    life.rig.firewall.counts = {port_name(WEB.id): 7}
    found = looked(life)

    assert [each.dropped for each in found.edges if each.end == CONTAINER] == [7]
    assert ("dropped", "7 frames of late (pynet drops)") in node(found, CONTAINER).facts


def test_a_container_on_two_networks_is_one(life: Life) -> None:
    """With both addresses, and a line to each."""
    green = a_network("green", "10.2.0.0/24")
    other = an_endpoint(green)
    life.rig.networks.create(green)
    life.rig.run(green, other)
    attached = {"shop": {"EndpointID": WEB.id}, "green": {"EndpointID": other.id}}
    both = [{**ENGINE["/containers/json?all=1"][0], "NetworkSettings": {"Networks": attached}}]
    found = looked(life, engine={**ENGINE, "/containers/json?all=1": both})

    assert len([each for each in found.edges if each.end == CONTAINER]) == 2
    assert sorted(node(found, CONTAINER).lines) == ["10.1.0.2, fd00:1::2", "10.2.0.2"]


@pytest.mark.parametrize(
    ("options", "link"),
    [
        ({"parent": "eth0"}, "eth0"),
        ({"parent": "eth0", "vlan": "7"}, "eth0.7"),
        ({}, "pnd-"),
    ],
)
def test_what_stands_on_a_parent(life: Life, options: dict[str, str], link: str) -> None:
    """The parent, its VLAN, or the one that pynet makes."""
    lan = replace(a_network("lan", "10.3.0.0/24"), mode="macvlan", options=options)
    life.rig.store.save_network(lan)
    found = looked(life)
    (edge,) = (each for each in found.edges if each.end == f"network {lan.id}")

    assert edge.start.startswith(f"link {link}")
    assert node(found, edge.start).lines[0] == "parent"


def test_a_network_without_links(life: Life) -> None:
    """Is on nothing of the host."""
    alone = replace(a_network("alone", "10.4.0.0/24"), mode="null")
    life.rig.store.save_network(alone)

    assert [each for each in looked(life).edges if each.end == f"network {alone.id}"] == []


def test_ids_in_sentences_have_their_names(life: Life) -> None:
    """As in every command."""
    life.health.degrade("parent", f"networks {short(BLUE.id)} need it", "set it up")

    assert looked(life).degraded[0]["why"] == f"networks {short(BLUE.id)} (shop) need it"


def test_no_plugin_is_no_picture() -> None:
    """The reason is what the page shows."""
    with pytest.raises(PynetError, match="still starting"):
        topology(Looked(Life(started=False), ENGINE), "here")
