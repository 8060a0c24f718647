"""Calls in any order leave nothing behind, and every held port is in a record."""

from dataclasses import replace
from ipaddress import ip_address, ip_interface
from typing import Final

import pytest

from plugin.model.ids import MacAddress
from plugin.model.network import Network
from tests.fakes.rig import Rig
from tests.fakes.values import a_binding, a_network, an_endpoint
from tests.property.plugin.orders import Case, finds

DUAL: Final = a_network("dual", "10.1.0.0/24", "fd00:1::/64")
FOUR, SIX = a_network("four", "10.2.0.0/24"), a_network("six", "fd00:6::/64")
PORTS: Final = (a_binding(80, 8080), a_binding(81, 0))
ANY: Final = (a_binding(80, 0),)
ROUTED: Final = {"gateway_mode_ipv4": "routed", "gateway_mode_ipv6": "routed"}
STRICT: Final = {
    "isolation": "strict",
    "icc": "false",
    "host_services": "53/udp",
    "rate_to": "9mbit",
}


def _parent(rig: Rig) -> None:
    rig.host.add_parent("eth0", addresses=(ip_interface("10.9.0.1/24"),))


def _cluster(rig: Rig) -> None:
    _parent(rig)
    rig.cluster.own = ip_address("10.9.0.1")
    rig.cluster.hosts = frozenset({ip_address("10.9.0.1"), ip_address("10.9.0.2")})


def _bridge(**options: str) -> Network:
    return replace(DUAL, options=options)


def _on_parent(mode: str, **options: str) -> Network:
    return a_network("lan", "10.9.0.0/24", mode=mode, options={"mode": mode, **options})


def _alone(network: Network, **changes: object) -> Case:
    given = {"bindings": PORTS, **changes}
    return Case(networks=(network,), endpoints=(an_endpoint(network, 5),), **given)  # type: ignore[arg-type]


def _two(network: Network, **changes: object) -> Case:
    endpoints = an_endpoint(network, 5), an_endpoint(network, 6)
    given = {"bindings": ANY, **changes}
    return Case(networks=(network,), endpoints=endpoints, **given)  # type: ignore[arg-type]


ACCESS: Final = _on_parent("macvlan", parent="eth0", host_access="true")
TAGGED: Final = _on_parent("macvlan", parent="eth0.100")
OTHER: Final = replace(TAGGED, id=a_network("other").id, pools=a_network("", "10.10.0.0/24").pools)
OVERLAY: Final = a_network("over", "10.13.0.0/24", mode="overlay", options={"mode": "overlay"})

ONE_ENDPOINT: Final = {
    "bridge": _alone(DUAL),
    "routed": _alone(_bridge(**ROUTED)),
    "half routed": _alone(_bridge(gateway_mode_ipv6="routed")),
    "internal": _alone(replace(DUAL, internal=True)),
    "strict": _alone(_bridge(**STRICT)),
    "macvlan": _alone(ACCESS, prepare=_parent),
    "overlay": _alone(OVERLAY, prepare=_cluster),
}
IN_EVERY_RUN: Final = ("bridge", "half routed", "macvlan")
TWO_ENDPOINTS: Final = {
    "bridge": _two(DUAL),
    "strict": _two(_bridge(**STRICT)),
    "macvlan": _two(ACCESS, prepare=_parent),
    "overlay": _two(OVERLAY, prepare=_cluster),
    "two gateways": Case(
        networks=(FOUR, SIX), endpoints=(an_endpoint(FOUR), an_endpoint(SIX)), bindings=ANY
    ),
    "one VLAN": Case(
        networks=(TAGGED, OTHER),
        endpoints=(an_endpoint(TAGGED), an_endpoint(OTHER)),
        prepare=_parent,
    ),
    "one address": Case(
        networks=(DUAL,),
        endpoints=(
            an_endpoint(DUAL),
            replace(an_endpoint(DUAL, 2, "next"), mac_address=MacAddress("02:00:00:00:00:99")),
        ),
        bindings=PORTS,
    ),
}


@pytest.mark.parametrize(
    "name",
    [
        each if each in IN_EVERY_RUN else pytest.param(each, marks=pytest.mark.nightly)
        for each in ONE_ENDPOINT
    ],
)
def test_of_one_endpoint(name: str) -> None:
    """All of them."""
    assert list(finds(ONE_ENDPOINT[name])) == []


@pytest.mark.nightly
@pytest.mark.parametrize("name", TWO_ENDPOINTS)
def test_of_two_endpoints(name: str) -> None:
    """Six calls at most: what two do to each other takes no more."""
    assert list(finds(TWO_ENDPOINTS[name], longest=6)) == []
