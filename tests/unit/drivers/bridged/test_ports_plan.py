"""Published ports of mode bridge, as a plan: what is translated, carried by the proxy and opened."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from plugin.drivers.registry import bind
from plugin.model.ids import bridge_name, port_name
from plugin.model.links import Hairpin
from plugin.model.network import Protocol, PublishedPort
from plugin.model.plan import Plan
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.sysctls import RouteLocalnet
from tests.fakes.values import a_network, a_published_port, an_endpoint
from tests.unit.drivers.bridged.plans import DUAL, elements, of_kind, proxied


class TestPortsPlan:
    def test_nothing_published_needs_nothing(self) -> None:
        """Not even leave to send back."""
        network = a_network()

        assert bind(network).ports_plan(an_endpoint(network)) == Plan()

    @pytest.mark.parametrize("proxy", ["true", "false"])
    @pytest.mark.parametrize(
        ("host_ip", "container_ip", "crosses"),
        [
            ("0.0.0.0", "10.1.0.2", True),
            ("127.0.0.1", "10.1.0.2", True),
            ("127.9.9.9", "10.1.0.2", True),
            ("192.0.2.2", "10.1.0.2", False),
            ("::", "10.1.0.2", False),
            ("::1", "10.1.0.2", False),
            ("::", "fd00:1::2", False),
            (None, "10.1.0.2", False),
        ],
    )
    def test_the_loopback_net_crosses_the_bridge_for_a_port_of_it(
        self, host_ip: str | None, container_ip: str, proxy: str, *, crosses: bool
    ) -> None:
        """And for no other: without rules, who is on the bridge would reach the host's own."""
        network = a_network("blue", *DUAL, options={"userland_proxy": proxy})
        port = replace(
            a_published_port(container_ip=container_ip),
            host_ip=None if host_ip is None else ip_address(host_ip),
        )

        plan = bind(network).ports_plan(an_endpoint(network, published=(port,)))

        assert of_kind(plan, RouteLocalnet) == (
            {RouteLocalnet(ifname=bridge_name(network.id))} if crosses else set()
        )

    def test_any_address(self) -> None:
        """A held port and an entry for each family, and leave for the port to send back."""
        network = a_network("blue", *DUAL)
        endpoint = an_endpoint(
            network, published=(a_published_port(), a_published_port("::", 8080, "fd00:1::2"))
        )

        plan = bind(network).ports_plan(endpoint)

        assert of_kind(plan, Hairpin) == {Hairpin(ifname=port_name(endpoint.id))}
        assert of_kind(plan, HostPort) == {
            HostPort(protocol=Protocol.TCP, address=ip_address(each), port=8080)
            for each in ("0.0.0.0", "::")
        }
        assert elements(plan) == {
            ("pn_ports4", "tcp", "8080", "10.1.0.2", "80"),
            ("pn_ports6", "tcp", "8080", "fd00:1::2", "80"),
            ("pn_carried", "tcp", "8080"),
        }
        assert proxied(plan) == {"[::]:8080 to fd00:1::2:80"}

    def test_one_address(self) -> None:
        """Its entry names it."""
        network = a_network()
        udp = replace(a_published_port("192.0.2.2", 53, port=5353), protocol=Protocol.UDP)
        plan = bind(network).ports_plan(an_endpoint(network, published=(udp,)))

        assert elements(plan) == {("pn_host_ports4", "192.0.2.2", "udp", "53", "10.1.0.2", "5353")}

    def test_an_opened_port(self) -> None:
        """Of a routed family: nothing is held, and leave to send back does no harm."""
        network = a_network(options={"gateway_mode_ipv4": "routed"})
        opened = replace(a_published_port(), host_ip=None, host_port=0)
        plan = bind(network).ports_plan(an_endpoint(network, published=(opened,)))

        assert elements(plan) == {("pn_routed_ports4", "10.1.0.2", "tcp", "80")}
        assert not of_kind(plan, HostPort) | of_kind(plan, ProxiedPort)

    @pytest.mark.parametrize(
        ("port", "carried", "translated"),
        [
            (a_published_port("0.0.0.0"), False, True),
            (a_published_port("127.0.0.1"), False, True),
            (a_published_port("::", container_ip="fd00:1::2"), True, True),
            (a_published_port("::1", container_ip="fd00:1::2"), True, True),
            (a_published_port("fd00:99::2", container_ip="fd00:1::2"), False, True),
            (a_published_port("::", container_ip="10.1.0.2"), True, False),
            (a_published_port("fd00:99::2", container_ip="10.1.0.2"), True, False),
        ],
        ids=lambda value: (
            f"{value.host_ip}-{value.container_ip}" if hasattr(value, "host_ip") else ""
        ),
    )
    @pytest.mark.parametrize("proxy", [True, False])
    def test_what_the_proxy_carries(
        self, port: PublishedPort, carried: bool, translated: bool, proxy: bool
    ) -> None:
        """[::1], and IPv6 to IPv4; the rest is the kernel's, and all that it can do is."""
        network = a_network("blue", *DUAL, options={"userland_proxy": str(proxy).lower()})
        plan = bind(network).ports_plan(an_endpoint(network, published=(port,)))

        assert bool(proxied(plan)) is (carried and proxy)
        kinds = {element[0].strip("46") for element in elements(plan)}
        assert bool(kinds & {"pn_ports", "pn_host_ports"}) is translated
        assert len(of_kind(plan, HostPort)) == 1

    @pytest.mark.parametrize(
        ("host_ip", "stem", "match"),
        [
            ("::", "carried", ("tcp", "8080")),
            ("fd00:99::2", "host_carried", ("fd00:99::2", "tcp", "8080")),
            ("::1", None, ()),
        ],
    )
    @pytest.mark.parametrize("isolation", ["on", "strict"])
    def test_what_is_carried_is_kept_from_some(
        self, host_ip: str, stem: str | None, match: tuple[str, ...], isolation: str
    ) -> None:
        """By the firewall, which does not route it; nobody but the host reaches the loopback."""
        network = a_network(options={"isolation": isolation})
        port = a_published_port(host_ip)
        plan = bind(network).ports_plan(an_endpoint(network, published=(port,)))

        expected = {(f"pn_{stem}", *match)} if stem else set()
        if stem and isolation == "strict":
            expected.add((f"pn_strict_{stem}", *match))
        assert elements(plan) == expected
