"""A host that runs pynet, a machine on the same wire, and containers as dockerd makes them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address, ip_address, ip_interface
from typing import Final

import pytest

from plugin.bootstrap.assembly import Backends, assemble
from plugin.cluster.alone import Alone
from plugin.cluster.base import Cluster
from plugin.config import AcceptedMark
from plugin.dhcp.loop import Loop
from plugin.dhcp.packet_socket import PacketSocket
from plugin.firewall.docker_user import DockerUser
from plugin.firewall.nftables import NftablesFirewall
from plugin.health import Health
from plugin.kernel.linux import LinuxKernel
from plugin.kernel.netlink.nf_transactions import NfTables
from plugin.kernel.wireguard.keys import Keys
from plugin.model.ids import MacAddress, bridge_name, port_name, shim_name
from plugin.model.network import (
    Attachment,
    Endpoint,
    IPAddress,
    IPInterface,
    Network,
    PortBinding,
    StaticRoute,
)
from plugin.store.memory import MemoryStore
from tests.fakes.addresses import NobodyAsks
from tests.fakes.values import SANDBOX, a_network, an_endpoint
from tests.kernel.netns import Netns

# Whether br_netfilter shows bridged packets to the rules of routed ones, and whether there is a Docker.
WEATHERS: Final = [
    pytest.param((True, True), id="filtered-docker"),
    pytest.param((True, False), id="filtered", marks=pytest.mark.nightly),
    pytest.param((False, True), id="docker", marks=pytest.mark.nightly),
    pytest.param((False, False), id="alone"),
]

MARK: Final = 0x800
SECRET: Final = "a secret that these hosts have in common"
HOST4: Final = "192.0.2.2"
HOST4_OTHER: Final = "192.0.2.3"
HOST6: Final = "fd00:99::2"
OUTSIDE4: Final = "192.0.2.1"
OUTSIDE6: Final = "fd00:99::1"


class Container:
    """A sandbox with its link in it."""

    def __init__(self, network: Network, endpoint: Endpoint) -> None:
        self.network = network
        self.endpoint = endpoint
        self.netns = Netns()

    @property
    def address4(self) -> IPAddress:
        assert self.endpoint.ipv4
        return self.endpoint.ipv4.ip

    @property
    def address6(self) -> IPAddress:
        assert self.endpoint.ipv6
        return self.endpoint.ipv6.ip


class Site:
    """Use it from within ``host``: what the plugin does happens where the thread is."""

    def __init__(
        self,
        *,
        br_netfilter: bool = True,
        docker: bool = False,
        accepted: AcceptedMark | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        self.host = Netns()
        self.outside = Netns()
        self.accepted = accepted
        self._cluster = cluster or Alone()
        self._sandboxes: list[Netns] = []
        self._foreign_bridges: set[str] = set()
        for netns in (self.host, self.outside):
            # As on links that have been up for long: nobody doubts their link-local addresses.
            netns.sysctl("net/ipv6/conf/default/accept_dad", 0)
        self.host.ip(
            f"link add up0 index 1001 type veth peer name eth0 netns {self.outside.path}",
            f"address add {HOST4}/24 dev up0",
            f"address add {HOST4_OTHER}/24 dev up0",
            f"address add {HOST6}/64 dev up0 nodad",
            "link set up0 up",
        )
        self.outside.ip(
            f"address add {OUTSIDE4}/24 dev eth0",
            f"address add {OUTSIDE6}/64 dev eth0 nodad",
            "link set eth0 up",
        )
        self.host.wait_for_carrier("up0")
        self.outside.wait_for_carrier("eth0")
        self.host.ip(f"route add default via {OUTSIDE4}", f"route add default via {OUTSIDE6}")
        for family in ("", "6"):
            self.host.sysctl(f"net/bridge/bridge-nf-call-ip{family}tables", int(br_netfilter))
            if not docker:  # as a router that pynet comes to; Docker closes what it opens
                name = f"net/ipv{family or 4}/{'conf/all/forwarding' if family else 'ip_forward'}"
                self.host.sysctl(name, 1)
            else:
                for rule in ("-N DOCKER-USER", "-A FORWARD -j DOCKER-USER", "-P FORWARD DROP"):
                    self.host.run(f"ip{family}tables", *rule.split())
        self.keys = Keys(SECRET)
        self.store = MemoryStore()
        self.health = Health()
        self._start()

    def _start(self) -> None:
        with self.host.entered():
            self.kernel = LinuxKernel(keys=self.keys)
            self.firewall = NftablesFirewall(DockerUser(MARK), MARK, NfTables(), self.accepted)
            self.firewall.prepare()
        parts = assemble(
            Backends(
                store=self.store,
                kernel=self.kernel,
                firewall=self.firewall,
                addresses=NobodyAsks(),
                cluster=self._cluster,
                clients=partial(Loop, PacketSocket),
            ),
            self.health,
        )
        self.parents = parts.parents
        self.networks = parts.networks
        self.endpoints = parts.endpoints
        self.host_addresses = parts.host_addresses
        self.peers = parts.peers
        self.healer = parts.healer
        self.inspection = parts.inspection

    def restart(self) -> None:
        """End the plugin and start it again."""
        self.kernel.close()
        self._start()
        self.healer.restore()

    def network(self, name: str, *subnets: str, **changes: object) -> Network:
        """``docker network create``."""
        network = a_network(name, *subnets, **changes)
        self.networks.create(network)
        return network

    def container(
        self,
        network: Network,
        number: int = 2,
        publish: Sequence[PortBinding] = (),
        options: dict[str, str] | None = None,
        *,
        ipv6: bool = True,
    ) -> Container:
        """``docker run``, as dockerd does it after each answer.

        Without ``ipv6`` the container says nothing of its own accord, as with older engines.
        """
        given = an_endpoint(network, number, options=options or {})
        if network.mode == "ipvlan":
            given = replace(given, mac_address=MacAddress(""))
        endpoint = self.endpoints.create(given)
        made = Container(network, endpoint)
        self._sandboxes.append(made.netns)
        made.netns.sysctl("net/ipv6/conf/default/accept_dad", 0)
        made.netns.sysctl("net/ipv6/conf/default/disable_ipv6", int(not ipv6))
        attachment = self.endpoints.join(network.id, endpoint.id, SANDBOX)
        self.host.ip(f"link set {attachment.src_name} netns {made.netns.path}")
        interfaces = filter(None, (endpoint.ipv4, endpoint.ipv6))
        gateways = filter(None, (attachment.gateway4, attachment.gateway6))
        made.netns.ip(
            f"link set {attachment.src_name} name eth0",
            *(f"address add {interface} dev eth0 nodad" for interface in interfaces),
            "link set eth0 up",
            *(f"route add default via {gateway}" for gateway in gateways),
            *(f"route add {each.destination} dev eth0" for each in _connected(attachment)),
        )
        made.netns.wait_for_carrier("eth0")
        for ifname in _host_links(network, endpoint):
            self.host.wait_for_carrier(ifname)
        self.endpoints.program(network.id, endpoint.id, publish)
        return made

    def stranger(self, bridge: str, *interfaces: str, number: int = 2, seen: bool = True) -> Netns:
        """A container that another program made on its own bridge, as ``docker run`` does.

        ``interfaces`` are the bridge's own; the container is their ``number``-th neighbour.
        It is ``seen`` unless pynet is away.
        """
        made = Netns()
        self._sandboxes.append(made)
        gateways = [ip_interface(each) for each in interfaces]
        if bridge not in self._foreign_bridges:
            self._foreign_bridges.add(bridge)
            self.host.ip(
                f"link add {bridge} type bridge",
                f"link set {bridge} up",
                *(f"address add {each} dev {bridge}{_nodad(each)}" for each in gateways),
            )
        self.host.ip(
            f"link add v{number}{bridge[:10]} type veth peer name eth0 netns {made.path}",
            f"link set v{number}{bridge[:10]} master {bridge} up",
        )
        made.ip(
            *(
                f"address add {each.network[number]}/{each.network.prefixlen} dev eth0"
                f"{_nodad(each)}"
                for each in gateways
            ),
            "link set eth0 up",
            *(f"route add default via {each.ip}" for each in gateways),
        )
        made.wait_for_carrier("eth0")
        self.host.wait_for_carrier(bridge)
        if seen:
            self.healer.heal()  # as the watch of bridges asks for, here for all so far
        return made

    def stop(self, container: Container) -> None:
        """``docker rm -f``: the link comes back between Leave and DeleteEndpoint."""
        ids = (container.network.id, container.endpoint.id)
        self.endpoints.revoke(*ids)
        self.endpoints.leave(*ids)
        container.netns.ip(f"link set eth0 down netns {self.host.path}")
        self.endpoints.delete(*ids)

    def close(self) -> None:
        self.kernel.close()
        for netns in (self.host, self.outside, *self._sandboxes):
            netns.close()


def _host_links(network: Network, endpoint: Endpoint) -> tuple[str, ...]:
    """What of the host's must carry packets before a container can."""
    if network.mode in {"bridge", "overlay"}:
        bridge = network.options.get("bridge_name", bridge_name(network.id))
        return (port_name(endpoint.id), bridge)
    return (shim_name(network.id),) if "host_access" in network.options else ()


def _connected(attachment: Attachment) -> list[StaticRoute]:
    return [each for each in attachment.routes if each.next_hop is None]


def _nodad(interface: IPInterface) -> str:
    return " nodad" if interface.version == 6 else ""


def is_v4(address: str) -> bool:
    return isinstance(ip_address(address), IPv4Address)
