"""Mode bridge: what dockerd does with the link in the sandbox."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_interface

import pytest

from plugin.drivers.registry import bind
from plugin.model.ids import handoff_name
from plugin.model.network import Attachment, StaticRoute
from tests.fakes.values import a_network, a_pool, an_endpoint
from tests.unit.drivers.bridged.plans import DUAL


class TestAttachment:
    def test_the_gateways_of_its_subnets(self) -> None:
        """One of each family."""
        network = a_network("blue", *DUAL)
        endpoint = an_endpoint(network)

        assert bind(network).attachment(endpoint) == Attachment(
            src_name=handoff_name(endpoint.id),
            dst_prefix="eth",
            gateway4=ip_address("10.1.0.1"),  # type: ignore[arg-type]
            gateway6=ip_address("fd00:1::1"),  # type: ignore[arg-type]
        )

    def test_the_gateway_of_the_subnet_the_address_is_in(self) -> None:
        """Another one is not on its link."""
        network = a_network("blue", "10.1.0.0/24", "10.2.0.0/24")
        endpoint = replace(an_endpoint(network), ipv4=ip_interface("10.2.0.9/24"))

        assert str(bind(network).attachment(endpoint).gateway4) == "10.2.0.1"

    def test_an_internal_network_has_none(self) -> None:
        """The engine would set it as a default route."""
        network = a_network("blue", *DUAL, internal=True)
        attachment = bind(network).attachment(an_endpoint(network))

        assert (attachment.gateway4, attachment.gateway6) == (None, None)

    def test_an_auxiliary_address_can_replace_it(self) -> None:
        """``--aux-address DefaultGatewayIPv4=10.1.0.254``."""
        other = {"DefaultGatewayIPv4": ip_interface("10.1.0.254/24")}
        network = a_network(pools=(a_pool("10.1.0.0/24", auxiliary=other),))

        assert str(bind(network).attachment(an_endpoint(network)).gateway4) == "10.1.0.254"

    def test_a_subnet_without_a_gateway(self) -> None:
        """Nothing is made up."""
        network = a_network(pools=(a_pool("10.1.0.0/24", gateway=None),))

        assert bind(network).attachment(an_endpoint(network)).gateway4 is None

    def test_a_chosen_prefix_for_the_links_name(self) -> None:
        """``-o com.docker.network.container_iface_prefix=net``."""
        network = a_network(options={"iface_prefix": "net"}, internal=True)

        assert bind(network).attachment(an_endpoint(network)).dst_prefix == "net"

    @pytest.mark.parametrize(("version", "left"), [(4, "gateway6"), (6, "gateway4")])
    def test_an_isolated_family_of_an_internal_network(self, version: int, left: str) -> None:
        """Internal ones have none at all."""
        options = {f"gateway_mode_ipv{version}": "isolated"}
        network = a_network("blue", *DUAL, internal=True, options=options)

        assert getattr(bind(network).attachment(an_endpoint(network)), left) is None

    def test_where_docker_publishes_docker_gwbridge_is_the_gateway(self) -> None:
        """The engine adds it where no gateway is returned and the service is not disabled."""
        network = a_network("blue", *DUAL, options={"publish": "docker"})
        attachment = bind(network).attachment(an_endpoint(network))

        assert (attachment.gateway4, attachment.gateway6) == (None, None)
        assert not attachment.disable_gateway_service

    @pytest.mark.parametrize(
        ("options", "internal"), [({}, False), ({}, True), ({"publish": "docker"}, False)]
    )
    def test_routes(self, options: dict[str, str], internal: bool) -> None:
        """With and without a gateway."""
        routes = {"routes": "10.9.0.0/16 via 10.1.0.9; 10.8.0.0/16"}
        network = a_network(options={**options, **routes}, internal=internal)

        assert bind(network).attachment(an_endpoint(network)).routes == (
            StaticRoute(destination=IPv4Network("10.9.0.0/16"), next_hop=IPv4Address("10.1.0.9")),
            StaticRoute(destination=IPv4Network("10.8.0.0/16")),
        )

    def test_nobody_goes_by_himself(self) -> None:
        """A container that is the next hop of others' routes has the network's own gateway."""
        routes = "10.9.0.0/16 via 10.1.0.2; 10.8.0.0/16 via 10.1.0.9; 0.0.0.0/0 via 10.1.0.2"
        network = a_network(options={"routes": routes})
        router = bind(network).attachment(an_endpoint(network, 2))
        other = bind(network).attachment(an_endpoint(network, 3))

        assert [str(each.destination) for each in router.routes] == ["10.8.0.0/16"]
        assert str(router.gateway4) == "10.1.0.1"
        assert [str(each.destination) for each in other.routes] == ["10.9.0.0/16", "10.8.0.0/16"]
        assert str(other.gateway4) == "10.1.0.2"

    def test_no_default_route(self) -> None:
        """Nor docker_gwbridge in its place; the other family keeps its own."""
        network = a_network("blue", *DUAL, options={"no_default_route": "ipv4"})
        attachment = bind(network).attachment(an_endpoint(network))

        assert (attachment.gateway4, str(attachment.gateway6)) == (None, "fd00:1::1")
        assert attachment.disable_gateway_service

    def test_a_gateway_that_the_host_does_not_have_is_still_the_containers(self) -> None:
        """``inhibit_ipv4``: another router of the network has it."""
        network = a_network(options={"inhibit_ipv4": "true"})

        assert str(bind(network).attachment(an_endpoint(network)).gateway4) == "10.1.0.1"
