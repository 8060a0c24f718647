"""A container on a network of IPv4 and one of IPv6: each is its gateway for its family."""

from dataclasses import replace
from ipaddress import IPv6Address

import pytest

from plugin.errors import PortTakenError
from plugin.model.ids import EndpointID
from plugin.model.network import Endpoint, Network, PortBinding, Protocol
from plugin.model.ports import HostPort
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX, a_binding, a_network, an_endpoint

IPV4 = a_network("four", "10.4.0.0/24")
IPV6 = a_network("six", "fd00:6::/64")
FOUR = an_endpoint(IPV4, 2)
SIX = replace(an_endpoint(IPV6, 3), id=EndpointID("6" * 64))
WEB = a_binding()
ANY = a_binding(host_port=0)


def join(rig: Rig, network: Network, endpoint: Endpoint) -> None:
    rig.networks.create(network)
    rig.endpoints.create(endpoint)
    rig.endpoints.join(network.id, endpoint.id, SANDBOX)


def program(
    rig: Rig, endpoint: Endpoint, *bindings: PortBinding, no_proxy_6to4: bool = False
) -> None:
    rig.endpoints.program(endpoint.network_id, endpoint.id, bindings, no_proxy_6to4=no_proxy_6to4)


def published(rig: Rig, endpoint: Endpoint) -> dict[str, int]:
    """Host ports by their address."""
    found = rig.endpoints.get(endpoint.network_id, endpoint.id).published
    return {str(each.host_ip): each.host_port for each in found}


def listen(rig: Rig, port: int) -> None:
    """As another program does."""
    rig.host.listeners.add(HostPort(protocol=Protocol.TCP, address=IPv6Address("::"), port=port))


class TestTwoGateways:
    @pytest.fixture(params=["IPv4 first", "IPv6 first"])
    def gateways(self, rig: Rig, request: pytest.FixtureRequest) -> Rig:
        """As engine 28 goes about it when the second comes, in either order."""
        if request.param == "IPv4 first":
            join(rig, IPV4, FOUR)
            program(rig, FOUR, WEB, ANY)
            join(rig, IPV6, SIX)
        else:
            join(rig, IPV6, SIX)
            program(rig, SIX, WEB, ANY)
            join(rig, IPV4, FOUR)
        program(rig, FOUR, WEB, ANY, no_proxy_6to4=True)
        program(rig, SIX, WEB, ANY, no_proxy_6to4=True)
        return rig

    def test_each_has_its_family(self, gateways: Rig) -> None:
        """And a port of the kernel's choice is one number."""
        four = gateways.endpoints.get(IPV4.id, FOUR.id).published
        six = gateways.endpoints.get(IPV6.id, SIX.id).published

        assert {str(each.host_ip) for each in four} == {"0.0.0.0"}
        assert {str(each.host_ip) for each in six} == {"::"}
        assert [each.host_port for each in four] == [each.host_port for each in six]
        assert gateways.held() == gateways.wanted()

    def test_after_a_restart(self, gateways: Rig) -> None:
        """Nothing is missing, and nothing too much."""
        rig = gateways.restarted()

        assert rig.held() == rig.wanted()
        assert len(rig.kernel.ports) == 4

    def test_ipv6_comes_back_when_its_gateway_goes(self, gateways: Rig) -> None:
        """By the proxy, with the numbers that IPv4 has."""
        gateways.endpoints.revoke(IPV6.id, SIX.id)
        gateways.endpoints.leave(IPV6.id, SIX.id)
        gateways.endpoints.delete(IPV6.id, SIX.id)
        program(gateways, FOUR, WEB, ANY)
        four = gateways.endpoints.get(IPV4.id, FOUR.id).published

        numbers = {"0.0.0.0": set[int](), "::": set[int]()}
        for each in four:
            numbers[str(each.host_ip)].add(each.host_port)
        assert numbers["0.0.0.0"] == numbers["::"]
        assert len(four) == 4
        assert gateways.held() == gateways.wanted()

    def test_nothing_is_left_of_it(self, gateways: Rig) -> None:
        """When the container stops."""
        for endpoint in (FOUR, SIX):
            gateways.endpoints.revoke(endpoint.network_id, endpoint.id)
            gateways.endpoints.leave(endpoint.network_id, endpoint.id)
            gateways.endpoints.delete(endpoint.network_id, endpoint.id)

        assert gateways.held() == gateways.wanted()
        assert not gateways.kernel.ports


def test_what_is_published_stays_while_ipv6_is_handed_over(rig: Rig) -> None:
    """No connection by IPv4 is interrupted."""
    join(rig, IPV4, FOUR)
    program(rig, FOUR, WEB)
    rig.faults.arm(None)
    program(rig, FOUR, WEB, no_proxy_6to4=True)

    assert published(rig, FOUR) == {"0.0.0.0": 8080}
    assert rig.held() == rig.wanted()


def test_what_cannot_be_had_leaves_what_was(rig: Rig) -> None:
    """Another program has taken the host's port for IPv6 meanwhile."""
    join(rig, IPV4, FOUR)
    program(rig, FOUR, WEB, no_proxy_6to4=True)
    join(rig, IPV6, SIX)
    program(rig, SIX, WEB)
    with pytest.raises(PortTakenError):
        program(rig, FOUR, WEB)

    assert published(rig, FOUR) == {"0.0.0.0": 8080}
    assert rig.held() == rig.wanted()


def test_what_was_withdrawn_meanwhile_is_not_published_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other gateway goes as the second comes; nobody would withdraw its ports any more."""
    join(rig, IPV4, FOUR)
    program(rig, FOUR, WEB)
    join(rig, IPV6, SIX)
    find = rig.store.endpoints_in

    def found(sandbox_key: str) -> tuple[Endpoint, ...]:
        there = find(sandbox_key)
        monkeypatch.undo()
        rig.endpoints.revoke(IPV4.id, FOUR.id)
        return there

    monkeypatch.setattr(rig.store, "endpoints_in", found)
    rig.gateways.program(IPV6.id, SIX.id, [WEB])

    assert published(rig, FOUR) == {}
    assert published(rig, SIX) == {"::": 8080}
    assert len(rig.kernel.ports) == 1


def test_an_address_of_one_family_is_that_gateways(rig: Rig) -> None:
    """``-p 127.0.0.1:8080:80`` is told to both."""
    only = a_binding(host_ip="127.0.0.1")
    join(rig, IPV6, SIX)
    program(rig, SIX, only)
    join(rig, IPV4, FOUR)
    program(rig, FOUR, only, no_proxy_6to4=True)

    assert published(rig, SIX) == {}
    assert published(rig, FOUR) == {"127.0.0.1": 8080}


class TestAnEngineThatTellsTheFirstNothing:
    """From 29 on."""

    @pytest.fixture
    def gateways(self, rig: Rig) -> Rig:
        join(rig, IPV4, FOUR)
        rig.gateways.program(IPV4.id, FOUR.id, [WEB, ANY])
        join(rig, IPV6, SIX)
        return rig

    def test_each_has_its_family(self, gateways: Rig) -> None:
        """And a port of the kernel's choice is one number."""
        gateways.gateways.program(IPV6.id, SIX.id, [WEB, ANY])
        four = gateways.endpoints.get(IPV4.id, FOUR.id).published
        six = gateways.endpoints.get(IPV6.id, SIX.id).published

        assert {str(each.host_ip) for each in four} == {"0.0.0.0"}
        assert {str(each.host_ip) for each in six} == {"::"}
        assert [each.host_port for each in four] == [each.host_port for each in six]
        assert gateways.held() == gateways.wanted()

    def test_ipv6_comes_back_when_its_gateway_goes(self, gateways: Rig) -> None:
        before = published(gateways, FOUR)
        gateways.gateways.program(IPV6.id, SIX.id, [WEB, ANY])
        gateways.gateways.revoke(IPV6.id, SIX.id)

        assert published(gateways, FOUR) == before
        assert published(gateways, SIX) == {}
        assert gateways.held() == gateways.wanted()

    def test_it_comes_back_when_the_second_is_refused(self, gateways: Rig) -> None:
        """Another program has a port that only the second wants."""
        before = published(gateways, FOUR)
        listen(gateways, 9090)
        with pytest.raises(PortTakenError):
            gateways.gateways.program(IPV6.id, SIX.id, [WEB, a_binding(81, 9090)])

        assert published(gateways, FOUR) == before
        assert gateways.held() == gateways.wanted()

    def test_it_comes_back_when_pynet_was_killed_between(self, gateways: Rig) -> None:
        """The engine repeats its call, which is refused this time."""
        before = published(gateways, FOUR)
        program(gateways, FOUR, WEB, ANY, no_proxy_6to4=True)
        rig = gateways.restarted()
        listen(rig, 9090)
        with pytest.raises(PortTakenError):
            rig.gateways.program(IPV6.id, SIX.id, [WEB, a_binding(81, 9090)])

        assert published(rig, FOUR) == before
        assert rig.held() == rig.wanted()

    def test_an_end_is_not_refused_because_ipv6_cannot_come_back(self, gateways: Rig) -> None:
        """Another program has the port meanwhile."""
        gateways.gateways.program(IPV6.id, SIX.id, [a_binding(81, 9090)])
        listen(gateways, 8080)
        gateways.gateways.revoke(IPV6.id, SIX.id)

        assert set(published(gateways, FOUR)) == {"0.0.0.0"}
        assert published(gateways, SIX) == {}
