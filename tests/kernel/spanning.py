"""Three hosts on one wire, each with pynet, and networks that are on all of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Final

from plugin.model.network import Network, PortBinding
from tests.fakes.cluster import FakeCluster
from tests.kernel.netns import Netns
from tests.kernel.site import Container, Site
from tests.kernel.talk import pings

HOSTS4: Final = ("10.99.0.1", "10.99.0.2", "10.99.0.3")
HOSTS6: Final = ("fd00:98::1", "fd00:98::2", "fd00:98::3")
STRANGER4: Final = "10.99.0.9"
STRANGER6: Final = "fd00:98::9"


class Spanning:
    """The hosts, and a stranger on their wire."""

    def __init__(self) -> None:
        self.wire = Netns()
        self.stranger = Netns()
        self.clusters = [FakeCluster() for _ in HOSTS4]
        self.sites = [Site(cluster=cluster) for cluster in self.clusters]
        hosts = [*(site.host for site in self.sites), self.stranger]
        self.wire.ip("link add br0 type bridge mcast_snooping 0", "link set br0 up")
        addresses = [*zip(HOSTS4, HOSTS6, strict=True), (STRANGER4, STRANGER6)]
        for number, (netns, (address4, address6)) in enumerate(zip(hosts, addresses, strict=True)):
            self.wire.ip(
                f"link add port{number} type veth peer name fab0 netns {netns.path}",
                f"link set port{number} master br0 up",
            )
            netns.ip(
                f"address add {address4}/24 dev fab0",
                f"address add {address6}/64 dev fab0 nodad",
                "link set fab0 up",
            )
            netns.wait_for_carrier("fab0")
            self.wire.wait_for_carrier(f"port{number}")

    @contextmanager
    def on(self, number: int) -> Iterator[Site]:
        """What happens in the block happens on that host."""
        with self.sites[number].host.entered():
            yield self.sites[number]

    def network(
        self, name: str, *subnets: str, hosts: tuple[str, ...] = HOSTS4, **options: str
    ) -> list[Network]:
        """``docker network create`` on every host, which gives each an id of its own."""
        given = {"mode": "overlay", "peers": ",".join(hosts), **options}
        made = []
        for number in range(len(hosts)):
            with self.on(number) as site:
                made.append(
                    site.network(f"{name}-{number}", *subnets, mode="overlay", options=given)
                )
        return made

    def told(self, name: str, *subnets: str, **options: str) -> list[Network]:
        """The same, where a cluster tells of the hosts."""
        for cluster, own in zip(self.clusters, HOSTS4, strict=True):
            cluster.own = ip_address(own)
            cluster.hosts = frozenset(map(ip_address, HOSTS4))
        made = []
        for number in range(len(HOSTS4)):
            with self.on(number) as site:
                given = {"mode": "overlay", **options}
                made.append(
                    site.network(f"{name}-{number}", *subnets, mode="overlay", options=given)
                )
        return made

    def container(
        self, networks: list[Network], host: int, number: int, *publish: PortBinding, **options: str
    ) -> Container:
        """``docker run`` on a host."""
        with self.on(host) as site:
            return site.container(networks[host], number, publish, options)

    def quiet_container(self, networks: list[Network], host: int, number: int) -> Container:
        """A container of the host that sends nothing until it is asked."""
        with self.on(host) as site:
            return site.container(networks[host], number, ipv6=False)

    def stop(self, container: Container, host: int) -> None:
        """``docker rm -f``."""
        with self.on(host) as site:
            site.stop(container)

    def close(self) -> None:
        for number in range(len(self.sites)):
            with self.on(number) as site:
                site.close()
        self.wire.close()
        self.stranger.close()


def reaches(one: Container, other: Container) -> list[bool]:
    """By both families."""
    asked = {str(a): (one.netns, str(a)) for a in (other.address4, other.address6)}
    return list(pings(asked, dict.fromkeys(asked, True)).values())


def silent(client: Netns, *addresses: str) -> bool:
    """Whether none of the addresses answers."""
    asked = {address: (client, address) for address in addresses}
    return not any(pings(asked, dict.fromkeys(asked, False)).values())
