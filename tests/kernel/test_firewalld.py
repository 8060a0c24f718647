"""Next to firewalld, which refuses what comes in by links that are in no zone of its."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.firewall.firewalld import Firewalld as Zones
from plugin.kernel.link_watch import LinkWatch
from plugin.kernel.watches import FirewalldWatch
from plugin.model.ids import bridge_name
from plugin.model.network import Network
from plugin.service.bound_networks import BoundNetworks
from plugin.upkeep.firewalld_sync import FirewalldSync, FirewalldZones
from tests.fakes.values import a_binding
from tests.kernel.firewalld import Firewalld, ensure_firewalld
from tests.kernel.netns import wait_until
from tests.kernel.site import HOST4, HOST6, OUTSIDE4, Container, Site
from tests.kernel.talk import tcp

DUAL = ("10.1.0.0/24", "fd00:1::/64")
PORT = 7000


@pytest.fixture(scope="session")
def root() -> Path:
    """What firewalld is unpacked in."""
    return ensure_firewalld()


@pytest.fixture
def firewalld(
    root: Path, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Firewalld]:
    """Running on the host."""
    made = Firewalld(root, tmp_path)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    made.start()
    site.healer.heal()  # it empties the chains of iptables when it starts
    yield made
    made.close()


@pytest.fixture
def container(site: Site, firewalld: Firewalld) -> Container:
    """A container with a published port."""
    return site.container(site.network("blue", *DUAL), 2, [a_binding(PORT)])


@pytest.fixture
def firewalled(site: Site) -> FirewalldZones:
    """What looks after its zones."""
    return FirewalldZones(site.store, site.kernel, BoundNetworks(), site.health, Zones())


@pytest.fixture
def zoning(firewalled: FirewalldZones, firewalld: Firewalld) -> Iterator[FirewalldSync]:
    """The same, and whenever something changes."""
    made = FirewalldSync(firewalled.look_after, tick=3600)
    watches = LinkWatch(made.entries), FirewalldWatch(made.wake)
    made.start()
    yield made
    made.stop()
    for watch in watches:
        watch.close()


def zone_of(firewalld: Firewalld, network: Network) -> str:
    return "".join(firewalld.call("zone.getZoneOfInterface", bridge_name(network.id)))


def works(site: Site, container: Container) -> None:
    """Published, to outside and to the host, by both families."""
    assert tcp(container.netns, ("10.1.0.2", PORT), site.outside, (HOST4, 8080)) == OUTSIDE4
    assert tcp(container.netns, ("fd00:1::2", PORT), site.outside, (HOST6, 8080))
    assert tcp(site.outside, (OUTSIDE4, PORT), container.netns, (OUTSIDE4, PORT)) == HOST4
    assert tcp(site.host, ("10.1.0.1", PORT), container.netns, ("10.1.0.1", PORT)) == "10.1.0.2"
    assert tcp(site.host, ("fd00:1::1", PORT), container.netns, ("fd00:1::1", PORT))


class TestZones:
    def test_containers_are_let_in_and_again_after_a_reload_and_a_restart(
        self, site: Site, container: Container, firewalld: Firewalld, zoning: FirewalldSync
    ) -> None:
        """It forgets each time."""
        blue = container.network
        wait_until(lambda: zone_of(firewalld, blue) == "trusted", "it is in no zone")
        works(site, container)
        firewalld.call("reload")
        wait_until(lambda: zone_of(firewalld, blue) == "trusted", "it is in no zone")
        works(site, container)
        firewalld.stop()
        firewalld.start()
        site.healer.heal()
        wait_until(lambda: zone_of(firewalld, blue) == "trusted", "it is in no zone")
        works(site, container)

    def test_it_follows_networks(
        self, site: Site, firewalld: Firewalld, zoning: FirewalldSync
    ) -> None:
        """Made while it runs, and removed."""
        blue = site.network("blue", *DUAL)
        wait_until(lambda: zone_of(firewalld, blue) == "trusted", "it is in no zone")
        site.networks.delete(blue.id)
        wait_until(lambda: zone_of(firewalld, blue) == "", "it is still in a zone")

    def test_the_users_zone_and_bridge_are_left_alone(
        self, site: Site, firewalld: Firewalld, firewalled: FirewalldZones
    ) -> None:
        """More than pynet's containers may be behind a bridge that the user made."""
        site.host.ip("link add br0 type bridge", "link set br0 up")
        blue = site.network("blue", *DUAL)
        firewalld.call("zone.addInterface", "dmz", bridge_name(blue.id))
        site.network("red", "10.2.0.0/24", options={"bridge_name": "br0"})
        red_too = site.network("own", "10.3.0.0/24", options={"bridge_name": "own0"})

        assert firewalled.look_after()
        assert zone_of(firewalld, blue) == "dmz"
        assert firewalld.call("zone.getZoneOfInterface", "br0") == ("",)
        assert firewalld.call("zone.getZoneOfInterface", "own0") == ("trusted",)
        site.networks.delete(red_too.id)
        site.kernel.settle()
        assert firewalled.look_after()
        assert firewalld.call("zone.getZoneOfInterface", "own0") == ("",)

    def test_dockers_zone_has_pynets_bridges_where_it_is(
        self, site: Site, firewalld: Firewalld, firewalled: FirewalldZones, tmp_path: Path
    ) -> None:
        """What the user changes there for Docker's containers holds for pynet's, too."""
        zone = '<?xml version="1.0"?><zone target="ACCEPT"><short>docker</short></zone>'
        (tmp_path / "firewalld/zones/docker.xml").write_text(zone)
        firewalld.call("reload")
        blue = site.network("blue", *DUAL)

        assert firewalled.look_after()
        assert zone_of(firewalld, blue) == "docker"


class TestUnreachable:
    def test_what_does_not_work_is_said_with_the_line_that_fixes_it(
        self,
        site: Site,
        container: Container,
        firewalled: FirewalldZones,
        firewalld: Firewalld,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A managed plugin does not see the host's bus."""
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus")
        done = firewalled.look_after()
        (condition,) = site.health.conditions
        with pytest.raises(OSError, match="No route to host"):
            tcp(site.outside, (OUTSIDE4, PORT), container.netns, (OUTSIDE4, PORT))

        assert not done
        assert condition.what == "firewalld"
        assert "neither the outside nor this host" in condition.why
        bridge = bridge_name(container.network.id)
        assert f"--zone=trusted --add-interface={bridge} &&" in condition.remedy

        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", firewalld.environ["DBUS_SYSTEM_BUS_ADDRESS"])
        firewalld.call("zone.addInterface", "trusted", bridge)
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus")

        assert firewalled.look_after()
        assert site.health.conditions == ()

    def test_without_firewalld_nobody_is_asked(
        self, site: Site, firewalled: FirewalldZones, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """There is no bus on most servers."""
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus")
        site.network("blue", *DUAL)

        assert firewalled.look_after()
        assert site.health.conditions == ()
