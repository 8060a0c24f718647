"""What becomes of networks when the plugin is restarted, or another program changes the host."""

import json

import pytest

from plugin.model.ids import bridge_name, port_name
from plugin.telemetry import DRIFT
from tests.fakes.values import a_binding
from tests.kernel.site import HOST4, HOST6, OUTSIDE4, Container, Site
from tests.kernel.talk import tcp

PORT = 7000


@pytest.fixture
def container(site: Site) -> Container:
    """A container with a published port."""
    blue = site.network("blue", "10.1.0.0/24", "fd00:1::/64")
    return site.container(blue, publish=[a_binding(PORT)])


def works(site: Site, container: Container) -> None:
    """Published both ways, and going out."""
    assert tcp(container.netns, ("10.1.0.2", PORT), site.outside, (HOST4, 8080)) == OUTSIDE4
    assert tcp(container.netns, ("fd00:1::2", PORT), site.outside, (HOST6, 8080))
    assert tcp(site.outside, (OUTSIDE4, PORT), container.netns, (OUTSIDE4, PORT)) == HOST4


def links(site: Site) -> list[tuple[str, int]]:
    return [
        (each["ifname"], each["ifindex"])
        for each in json.loads(site.host.run("ip", "-json", "link"))
    ]


def drift() -> float:
    return sum(s.value for m in DRIFT.collect() for s in m.samples if s.name.endswith("_total"))


class TestRestart:
    def test_a_running_container_notices_nothing(self, site: Site, container: Container) -> None:
        """Nothing is made anew, and its port is held again."""
        before, counted = links(site), drift()
        site.restart()

        assert links(site) == before
        assert drift() == counted
        works(site, container)
        assert site.health.conditions == ()

    def test_a_container_that_ended_meanwhile_is_forgotten(
        self, site: Site, container: Container
    ) -> None:
        """Its sandbox took the link along; its port is free again."""
        site.kernel.close()
        site.host.ip(f"link delete {port_name(container.endpoint.id)}")
        site.restart()

        endpoint = site.store.endpoint(container.endpoint.id)
        assert endpoint is not None
        assert (endpoint.sandbox_key, endpoint.published) == (None, ())
        with pytest.raises(ConnectionRefusedError):
            tcp(container.netns, ("127.0.0.1", PORT), site.outside, (HOST4, 8080))


class TestDrift:
    def test_a_quiet_host_has_none(self, site: Site, container: Container) -> None:
        """Reading back what was written must give the same."""
        counted = drift()
        site.healer.heal()

        assert drift() == counted

    def test_a_flushed_firewall_is_filled_again(self, site: Site, container: Container) -> None:
        """``nft flush ruleset``, or a restart of nftables.service."""
        site.host.run("nft", "flush", "ruleset")
        site.healer.heal()

        works(site, container)

    def test_a_deleted_bridge_is_made_again_with_its_ports(
        self, site: Site, container: Container
    ) -> None:
        """Running containers are back on it."""
        bridge = bridge_name(container.network.id)
        site.host.ip(f"link delete {bridge}")
        site.healer.heal()
        site.host.wait_for_carrier(bridge)

        works(site, container)

    @pytest.mark.parametrize("name", ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"])
    def test_forwarding_that_was_switched_off_is_switched_on(
        self, site: Site, container: Container, name: str
    ) -> None:
        """``sysctl --system`` of some other package."""
        site.host.sysctl(name, 0)
        site.healer.heal()

        works(site, container)

    def test_a_link_of_ours_that_nobody_wants_is_swept(
        self, site: Site, container: Container
    ) -> None:
        """Left over from a state that was lost."""
        site.store.delete_network(container.network.id)
        site.healer.heal()
        site.kernel.settle()

        assert [name for name, _ in links(site)] == ["lo", "up0"]
        assert site.firewall.read() == frozenset()


class TestEnd:
    def test_nothing_is_left(self, site: Site, container: Container) -> None:
        """Of a container and its network, on the host."""
        site.stop(container)
        site.networks.delete(container.network.id)
        site.kernel.settle()

        assert [name for name, _ in links(site)] == ["lo", "up0"]
        assert site.firewall.read() == frozenset()
        assert site.store.networks() == ()
