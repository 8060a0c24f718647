"""Mode bridge: where ports are published, and which are refused."""

from dataclasses import replace
from typing import Any

import pytest

from plugin.drivers.registry import bind
from plugin.errors import RefusedError
from plugin.model.network import Protocol
from tests.fakes.values import a_binding, a_network, a_published_port, an_endpoint
from tests.unit.drivers.bridged.plans import DUAL, proxied

IPV4, IPV6 = DUAL[:1], DUAL[1:]
ANY = [("0.0.0.0", "10.1.0.2"), ("::", "fd00:1::2")]
OPENED = (None, "10.1.0.2")


def targets(
    subnets: tuple[str, ...] = DUAL,
    host_ip: str | None = None,
    options: dict[str, str] | None = None,
    **changes: Any,
) -> list[tuple[str | None, str]]:
    """Where a port is published, as text."""
    network = a_network("blue", *subnets, options=options or {}, **changes)
    binding = a_binding(host_ip=host_ip)
    return [
        (str(each.host_ip) if each.host_ip else None, str(each.container_ip))
        for each in bind(network).port_targets(an_endpoint(network), binding)
    ]


class TestTargets:
    @pytest.mark.parametrize(
        ("subnets", "expected"),
        [(DUAL, ANY), (IPV4, [("0.0.0.0", "10.1.0.2"), ("::", "10.1.0.2")]), (IPV6, ANY[1:])],
    )
    def test_any_address_is_one_of_each_family(
        self, subnets: tuple[str, ...], expected: list[tuple[str, str]]
    ) -> None:
        """That the container has; a process carries IPv6 to one that has none."""
        assert targets(subnets) == expected

    @pytest.mark.parametrize(
        ("options", "changes"),
        [({"userland_proxy": "false"}, {}), ({}, {"host_ipv6": False})],
        ids=["no proxy", "no IPv6 on the host"],
    )
    def test_ipv6_is_not_for_a_container_without_it_then(
        self, options: dict[str, str], changes: dict[str, Any]
    ) -> None:
        """Nothing could carry it, or no client could ask."""
        assert targets(IPV4, options=options, **changes) == ANY[:1]

    @pytest.mark.parametrize("proxy", ["true", "false"])
    @pytest.mark.parametrize(
        ("host_ip", "expected"),
        [
            ("0.0.0.0", ("0.0.0.0", "10.1.0.2")),
            ("127.0.0.1", ("127.0.0.1", "10.1.0.2")),
            ("192.0.2.2", ("192.0.2.2", "10.1.0.2")),
            ("::", ("::", "fd00:1::2")),
            ("::1", ("::1", "fd00:1::2")),
        ],
    )
    def test_one_address_is_that_address(
        self, host_ip: str, expected: tuple[str, str], proxy: str
    ) -> None:
        """``-p 127.0.0.1:8080:80``; the unspecified one of a family is that family's alone."""
        assert targets(DUAL, host_ip, {"userland_proxy": proxy}) == [expected]

    def test_an_ipv6_address_leads_to_a_container_without_it(self) -> None:
        """By the proxy."""
        assert targets(IPV4, "::1") == [("::1", "10.1.0.2")]

    @pytest.mark.parametrize(
        ("subnets", "host_ip", "options"),
        [
            (IPV4, "::1", {"userland_proxy": "false"}),
            (IPV6, "127.0.0.1", {}),
            (IPV6, None, {"host_binding": "192.0.2.2"}),
        ],
    )
    def test_a_family_that_the_endpoint_does_not_have_is_left_to_another(
        self, subnets: tuple[str, ...], host_ip: str | None, options: dict[str, str]
    ) -> None:
        """The sandbox may have, or get, a gateway for each family."""
        assert targets(subnets, host_ip, options) == []

    @pytest.mark.parametrize(
        ("subnets", "host_ip", "expected"),
        [
            (IPV4, None, ["0.0.0.0"]),
            (IPV4, "::", []),
            (IPV4, "::1", []),
            (IPV4, "0.0.0.0", ["0.0.0.0"]),
            (IPV6, None, ["::"]),
            (IPV6, "::1", ["::1"]),
            (DUAL, None, ["0.0.0.0", "::"]),
        ],
    )
    def test_ipv6_is_anothers_if_the_engine_says_so(
        self, subnets: tuple[str, ...], host_ip: str | None, expected: list[str]
    ) -> None:
        """Who then has [::], which the proxy would have taken; the other is told the same."""
        network = a_network("blue", *subnets)
        endpoint = replace(an_endpoint(network), no_proxy_6to4=True)
        found = bind(network).port_targets(endpoint, a_binding(host_ip=host_ip))

        assert [str(each.host_ip) for each in found] == expected

    def test_ipv6_that_is_off_is_carried_to_ipv4(self) -> None:
        """The user had the engine switch it off on this link alone."""
        network = a_network("blue", *DUAL)
        endpoint = replace(an_endpoint(network), ipv6_off=True)
        found = bind(network).port_targets(endpoint, a_binding())

        assert [(str(each.host_ip), str(each.container_ip)) for each in found] == [
            ("0.0.0.0", "10.1.0.2"),
            ("::", "10.1.0.2"),
        ]

    def test_the_networks_default_address(self) -> None:
        """``-o host_binding=192.0.2.2`` is for bindings that name none."""
        options = {"host_binding": "192.0.2.2"}

        assert targets(options=options) == [("192.0.2.2", "10.1.0.2")]
        assert targets(host_ip="127.0.0.1", options=options) == [("127.0.0.1", "10.1.0.2")]

    @pytest.mark.parametrize(("options", "internal"), [({}, True), ({"publish": "docker"}, False)])
    def test_who_publishes_nothing(self, options: dict[str, str], internal: bool) -> None:
        """Even if the engine asks for it."""
        assert targets(options=options, internal=internal) == []

    def test_a_routed_family_opens_the_containers_own_port(self) -> None:
        """Nothing of the host is held for it; the other family is published."""
        assert targets(options={"gateway_mode_ipv4": "routed"}) == [OPENED, ANY[1]]
        assert targets(options={"gateway_mode_ipv6": "routed"}) == [ANY[0], (None, "fd00:1::2")]

    @pytest.mark.parametrize("host_ip", [None, "0.0.0.0", "::", "fd00:99::2"])
    @pytest.mark.parametrize("proxy", ["true", "false"])
    def test_the_only_family_is_routed(self, host_ip: str | None, proxy: str) -> None:
        """Nothing of the host is held: the next container has the same port, too."""
        options = {"gateway_mode_ipv4": "routed", "userland_proxy": proxy}

        assert targets(IPV4, host_ip, options) == [OPENED]

    def test_any_address_of_ipv6_by_default_is_no_ipv4(self) -> None:
        """As in Docker's driver (moby, configurePortBindingIPv4)."""
        options = {"host_binding": "::"}

        assert targets(options=options) == ANY[1:]
        assert targets(IPV4, options=options) == [("::", "10.1.0.2")]

    def test_a_routed_family_opens_it_whatever_address_is_named(self) -> None:
        """Docker has it so, too: the address of the host has no meaning there."""
        assert targets(host_ip="192.0.2.2", options={"gateway_mode_ipv4": "routed"}) == [OPENED]

    def test_nat_unprotected_publishes_as_nat(self) -> None:
        """It is open besides."""
        assert targets(options={"gateway_mode_ipv4": "nat-unprotected"}) == ANY


class TestSctp:
    """The proxy does not know it: what takes the proxy is left out, or refused."""

    @pytest.mark.parametrize(
        ("subnets", "expected"), [(DUAL, ANY), (IPV4, ANY[:1]), (IPV6, ANY[1:])]
    )
    def test_any_address_is_those_that_are_translated(
        self, subnets: tuple[str, ...], expected: list[tuple[str, str]]
    ) -> None:
        """Each family of the container's own."""
        network = a_network("blue", *subnets)
        binding = a_binding(protocol=Protocol.SCTP)
        found = bind(network).port_targets(an_endpoint(network), binding)

        assert [(str(each.host_ip), str(each.container_ip)) for each in found] == expected

    def test_ipv6_to_a_container_without_it_is_refused(self) -> None:
        """When it was asked for by name."""
        network = a_network("blue", *IPV4)
        binding = a_binding(protocol=Protocol.SCTP, host_ip="::1")

        with pytest.raises(RefusedError, match=r"80/sctp on ::1: .* publish on an IPv4 address"):
            bind(network).port_targets(an_endpoint(network), binding)

    def test_nothing_of_it_is_carried(self) -> None:
        """Also not for [::1], which is not translated."""
        network = a_network("blue", *DUAL)
        port = replace(a_published_port("::", "fd00:1::2"), protocol=Protocol.SCTP)
        endpoint = replace(an_endpoint(network), published=(port,))

        assert not proxied(bind(network).ports_plan(endpoint))
