"""Ports that the host publishes for containers on a parent, by the shim."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from plugin.drivers.registry import bind
from plugin.errors import RefusedError
from plugin.model.ids import shim_name
from plugin.model.nat import HostSeenAs, Published
from plugin.model.network import Endpoint, Network, PortTarget, Protocol, PublishedPort
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.sysctls import RouteLocalnet, Sysctl
from plugin.model.traffic import Barred, BarredPort
from tests.fakes.values import a_binding, an_endpoint
from tests.unit.drivers.host_lan import DUAL, HOST4, a_lan


def published(network: Network, endpoint: Endpoint, host_ip: str | None = None) -> Endpoint:
    """With ``-p 8080:80``."""
    targets = bind(network).port_targets(endpoint, a_binding(host_ip=host_ip))
    ports = tuple(
        PublishedPort(
            protocol=a_binding().protocol,
            host_ip=target.host_ip,
            host_port=8080,
            container_ip=target.container_ip,
            container_port=80,
        )
        for target in targets
    )
    return replace(endpoint, published=ports)


class TestPorts:
    def test_ipv4_is_translated(self) -> None:
        """And comes from the host."""
        network = a_lan("10.1.0.0/24", changes={"host_ipv6": False})
        endpoint = published(network, an_endpoint(network))
        held = HostPort(protocol=a_binding().protocol, address=ip_address("0.0.0.0"), port=8080)

        assert bind(network).ports_plan(endpoint).resources == {
            held,
            Sysctl(name="net/ipv4/ip_forward", value="1"),
            RouteLocalnet(ifname=shim_name(network.id)),
            Published(
                protocol=Protocol.TCP,
                host_ip=ip_address("0.0.0.0"),
                host_port=8080,
                container_ip=ip_address("10.1.0.2"),
                container_port=80,
            ),
            HostSeenAs(container_ip=ip_address("10.1.0.2"), host_ip=HOST4),
        }

    @pytest.mark.parametrize(
        ("host_ip", "is_barred"), [("::", True), ("::1", False), ("fd00:99::1", True)]
    )
    def test_ipv6_is_carried(self, host_ip: str, *, is_barred: bool) -> None:
        """A host that forwards IPv6 believes its router no more."""
        network = a_lan()
        endpoint = published(network, an_endpoint(network), host_ip)
        where = {"protocol": Protocol.TCP, "address": ip_address(host_ip), "port": 8080}
        held, barred = HostPort(**where), BarredPort(**where, barred=Barred.CLOSED_NETWORKS)

        assert bind(network).ports_plan(endpoint).resources == {
            held,
            ProxiedPort(held=held, address=ip_address("fd00:1::2"), port=80),
            *([barred] if is_barred else []),
        }

    @pytest.mark.parametrize(
        ("subnets", "targets"),
        [
            (DUAL[:1], {"0.0.0.0": "10.1.0.2", "::": "10.1.0.2"}),
            (DUAL[1:], {"::": "fd00:1::2"}),
            (DUAL, {"0.0.0.0": "10.1.0.2", "::": "fd00:1::2"}),
        ],
    )
    def test_any_address(self, subnets: tuple[str, ...], targets: dict[str, str]) -> None:
        """Is one of each family."""
        network = a_lan(*subnets)
        found = bind(network).port_targets(an_endpoint(network), a_binding())

        assert found == tuple(
            PortTarget(host_ip=ip_address(one), container_ip=ip_address(other))
            for one, other in targets.items()
        )

    def test_a_family_that_the_container_has_not(self) -> None:
        """There is no proxy from IPv4 to IPv6: it is left to another gateway of the sandbox."""
        network = a_lan(DUAL[1])
        binding = a_binding(host_ip="127.0.0.1")

        assert bind(network).port_targets(an_endpoint(network), binding) == ()

    def test_what_the_proxy_cannot_carry_is_published_on_ipv4(self) -> None:
        """SCTP is translated there; IPv6 would need the proxy."""
        network = a_lan()
        binding = replace(a_binding(), protocol=Protocol.SCTP)
        targets = bind(network).port_targets(an_endpoint(network), binding)

        assert [target.host_ip for target in targets] == [ip_address("0.0.0.0")]

    def test_ipv6_is_anothers_if_the_engine_says_so(self) -> None:
        """The proxy would take [::] from it."""
        network = a_lan(DUAL[0])
        endpoint = replace(an_endpoint(network), no_proxy_6to4=True)
        (target,) = bind(network).port_targets(endpoint, a_binding())

        assert str(target.host_ip) == "0.0.0.0"
        assert bind(network).port_targets(endpoint, a_binding(host_ip="::1")) == ()

    def test_nobody_publishes(self) -> None:
        """In an internal network, and where Docker does it."""
        for network in (a_lan(changes={"internal": True}), a_lan(publish="docker")):
            assert bind(network).port_targets(an_endpoint(network), a_binding()) == ()

    def test_without_access(self) -> None:
        """What cannot be had is not left out in silence."""
        network = a_lan(host_access="")
        with pytest.raises(RefusedError, match=r"cannot publish port 80: .* host_access=true"):
            bind(network).port_targets(an_endpoint(network), a_binding())
