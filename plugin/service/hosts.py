"""Networks that are on several hosts: where this host is among them, and who the others are."""

from dataclasses import replace

from plugin.cluster.base import Cluster, Membership
from plugin.drivers.base import BoundNetwork
from plugin.errors import RefusedError
from plugin.kernel.base import Kernel
from plugin.model.ids import short
from plugin.model.network import IPAddress, Network
from plugin.model.parents import HostLink
from plugin.model.tunnels import Underlay


class Hosts:
    """What the cluster and the host's own addresses mean for a network."""

    def __init__(self, kernel: Kernel, cluster: Cluster) -> None:
        self._kernel = kernel
        self._cluster = cluster

    def survey(self, bound: BoundNetwork) -> BoundNetwork:
        """Look where this host is, before the network is made; the network, with what was found.

        Raises RefusedError for hosts that cannot be meant.
        """
        named = bound.hosts()
        if named is None:
            return bound
        underlay = self._underlay(named)
        mtu = bound.check_underlay(underlay)
        network = replace(bound.network, local=underlay.local, uplink_mtu=mtu)
        return bound.with_record(self.with_peers(bound.with_record(network)))

    def with_peers(self, bound: BoundNetwork) -> Network:
        """The record, with the hosts as they are known now."""
        membership = self._membership(bound)
        if membership is None:
            return bound.network
        peers = sorted(self._cluster.peers(membership), key=lambda each: each.packed)
        return replace(bound.network, peers=tuple(peers))

    def enter(self, bound: BoundNetwork) -> None:
        """The network is here."""
        membership = self._membership(bound)
        if membership is not None:
            self._cluster.enter(membership)

    def leave(self, bound: BoundNetwork) -> None:
        """The network is here no more."""
        if bound.hosts() is not None:
            self._cluster.leave(bound.network.id)

    def _membership(self, bound: BoundNetwork) -> Membership | None:
        named, network = bound.hosts(), bound.network
        if named is None or network.local is None:
            return None
        return Membership(network=network.id, local=network.local, named=named)

    def _underlay(self, named: tuple[IPAddress, ...]) -> Underlay:
        own = self._cluster.own_address()
        if named:
            found = self._kernel.links_with(named)
        elif own is not None:
            found = self._kernel.links_with([own])
        else:
            raise RefusedError(
                "mode overlay is for several hosts, and none are named; give their addresses "
                "with -o peers=, this host's own among them"
            )
        texts = ", ".join(map(str, named)) or str(own)
        if not found:
            raise RefusedError(
                f"option peers is {texts}, and none of these is an address of this host; add the one "
                "that the others reach it at"
            )
        if len(found) > 1:
            raise RefusedError(
                f"option peers is {texts}, and {' and '.join(map(str, found))} are all addresses of "
                "this host; name each host once"
            )
        ((local, link),) = found.items()
        return Underlay(local=local, mtu=self._mtu(link))

    def _mtu(self, link: HostLink) -> int:
        """An address of the loopback link is reached by others."""
        return self._kernel.mtu(None) if link.loopback else link.mtu


def refuse_same_tunnel(bound: BoundNetwork, other: BoundNetwork) -> None:
    """Refuse two networks whose datagrams could not be distinguished.  Raises RefusedError."""
    tunnel = bound.tunnel()
    if tunnel is not None and tunnel == other.tunnel():
        raise RefusedError(
            f"vni {tunnel.vni} on port {tunnel.port} is in use on this host by network "
            f"{short(other.network.id)}; choose another with -o vni=, the same on every host"
        )
