"""The VXLAN device of an overlay network: what brings it back, what is refused, and its end."""

import socket

import pytest

from plugin.errors import RefusedError
from plugin.model.ids import vxlan_name
from plugin.model.tunnels import Vxlan
from tests.kernel.netns import wait_until
from tests.kernel.spanning import HOSTS4, STRANGER4, Spanning, reaches
from tests.kernel.talk import pings


class TestHealing:
    @pytest.mark.parametrize(
        "harm",
        [
            "link delete {device}",
            "link set {device} down",
            "link set {device} nomaster",
            "link set {device} mtu 1000",
        ],
    )
    def test_the_device_comes_back(self, hosts: Spanning, harm: str) -> None:
        """With its peers and its place on the bridge."""
        third = 31 + sum(map(ord, harm)) % 7
        blue = hosts.network(f"heal-{harm[-9:]}", f"10.{third}.0.0/24", f"fd00:{third}::/64")
        one, two = hosts.container(blue, 0, 10), hosts.container(blue, 1, 11)
        assert reaches(one, two) == [True, True]
        with hosts.on(0) as site:
            site.host.ip(harm.format(device=vxlan_name(blue[0].id)))
            site.healer.heal()

        assert reaches(one, two) == [True, True]
        assert reaches(two, one) == [True, True]

    def test_entries_come_back_and_others_go(self, hosts: Spanning) -> None:
        """A peer's entry is restored, and entries that another program made are removed."""
        blue = hosts.network("entries", "10.41.0.0/24")
        one, two = hosts.container(blue, 0, 10), hosts.container(blue, 1, 11)
        device = vxlan_name(blue[0].id)
        with hosts.on(0) as site:
            own = site.host
            own.run(*f"bridge fdb del 00:00:00:00:00:00 dev {device} dst {HOSTS4[1]}".split())
            for entry in ("00:00:00:00:00:00", "02:00:00:00:00:0b", "02:00:00:00:00:0c static"):
                own.run(*f"bridge fdb append {entry} dev {device} dst {STRANGER4}".split())
            site.healer.heal()
            table = own.run("bridge", "fdb", "show", "dev", device)

        assert HOSTS4[1] in table
        assert STRANGER4 not in table
        assert pings({"": (one.netns, str(two.address4))}, {"": True}) == {"": True}

    def test_a_plugin_that_starts_again_touches_nothing(self, hosts: Spanning) -> None:
        """The device that is there is the one that was made."""
        blue = hosts.network("again", "10.42.0.0/24")
        device = vxlan_name(blue[0].id)
        before = hosts.sites[0].host.index_of(device)
        with hosts.on(0) as site:
            site.restart()

        assert hosts.sites[0].host.index_of(device) == before


class TestRefused:
    def test_a_number_that_another_network_has(self, hosts: Spanning) -> None:
        """Nothing is made of the second."""
        hosts.network("first", "10.51.0.0/24", vni="51")
        with pytest.raises(RefusedError, match="vni 51 on port 4789 is in use on this host by net"):
            hosts.network("second", "10.52.0.0/24", vni="51")

    def test_a_number_that_a_foreign_link_has(self, hosts: Spanning) -> None:
        """And the link is left as it is."""
        host = hosts.sites[0].host
        host.ip("link add foreign7 type vxlan id 53 dstport 4789 local 10.99.0.1")
        with pytest.raises(
            RefusedError, match=r"vni 53 on port 4789 is in use .* by link foreign7"
        ):
            hosts.network("third", "10.53.0.0/24", vni="53")
        host.ip("link delete foreign7")

        hosts.network("third", "10.53.0.0/24", vni="53")

    def test_a_port_that_another_program_has(self, hosts: Spanning) -> None:
        """No link is left of the attempt."""
        with hosts.sites[0].host.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("0.0.0.0", 4999))
            with pytest.raises(RefusedError, match="UDP port 4999 is in use on this host"):
                hosts.network("fourth", "10.54.0.0/24", vxlan_port="4999")
        with hosts.on(0) as site:
            left = [each for each in site.kernel.read_all() if isinstance(each, Vxlan)]

        assert [each for each in left if each.port == 4999] == []

    def test_an_mtu_that_does_not_fit(self, hosts: Spanning) -> None:
        """Between hosts packets would be lost without a word."""
        with pytest.raises(
            RefusedError, match="mtu is '1451', expected at most 1450 bytes: the lin"
        ):
            hosts.network("fifth", "10.55.0.0/24", mtu="1451")

    def test_two_addresses_of_one_host(self, hosts: Spanning) -> None:
        """One of them is enough."""
        hosts.sites[0].host.ip("address add 10.99.0.77/24 dev fab0")
        with pytest.raises(
            RefusedError, match="are all addresses of this host; name each host once"
        ):
            hosts.network("sixth", "10.56.0.0/24", hosts=("10.99.0.1", "10.99.0.77"))


def test_a_deleted_network_leaves_nothing(hosts: Spanning) -> None:
    """Neither a device nor an element."""
    blue = hosts.network("gone", "10.61.0.0/24")
    with hosts.on(0) as site:
        before = {str(each) for each in site.firewall.read()}
        site.networks.delete(blue[0].id)
        after = {str(each) for each in site.firewall.read()}
        device = vxlan_name(blue[0].id)
        wait_until(lambda: site.kernel.missing_links([device]), "the device is still there")

    assert [each for each in before - after if "SpannedNetwork" in each]
