"""Networks that are on several hosts: where this host is among them, and who the others are."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from plugin.cluster.base import Cluster, Membership
from plugin.drivers.base import BoundNetwork
from plugin.errors import RefusedError
from plugin.kernel.base import Kernel
from plugin.log import Log
from plugin.model.ids import NetworkID, short
from plugin.model.network import IPAddress, Network, is_of_one_host
from plugin.model.parents import HostLink
from plugin.model.tunnels import Terms, Underlay

_log: Final = Log("hosts")


class Hosts:
    """What the cluster and the host's own addresses mean for a network."""

    def __init__(self, kernel: Kernel, cluster: Cluster) -> None:
        self._kernel = kernel
        self._cluster = cluster
        self._refused: dict[NetworkID, set[IPAddress]] = {}  # as they were logged

    def survey(self, bound: BoundNetwork) -> BoundNetwork:
        """Look where this host is, before the network is made; the network, with what was found.

        Raises RefusedError for hosts that cannot be meant, and if other hosts have the network otherwise;
        ClusterAwayError.
        """
        named = bound.hosts()
        if named is None:
            shared = [pool.prefix for pool in bound.network.pools if pool.is_shared]
            if shared:
                self._cluster.have_alike(bound.network.id, shared, bound.terms())
            return bound
        underlay = self._underlay(bound.network, named)
        mtu = bound.check_underlay(underlay)
        here = bound.with_record(
            replace(bound.network, local=underlay.local, uplink_mtu=mtu, vni=None)
        )
        part = self._part(here, named, underlay.local)
        if bound.is_encrypted() and not part.key:
            self._kernel.key_to_tell(heard=False)  # refuses a host without a secret
        vni = self._cluster.agree(part, _with_keys(here, part))
        agreed = bound.with_record(replace(here.network, vni=vni))
        return bound.with_record(self.with_peers(agreed))

    def with_peers(self, bound: BoundNetwork) -> Network:
        """The record, with the hosts as they are known now.  Raises KernelError."""
        membership = self._membership(bound)
        if membership is None:
            return bound.network
        peers = self._possible(bound, self._cluster.peers(membership))
        idle = _in_order(peers & self._cluster.lacking(membership))
        if not membership.key:
            return replace(bound.network, peers=_in_order(peers), idle_peers=idle, peer_keys=())
        told = {host: key for host, key in (self._cluster.keys(membership) or {}).items() if key}
        there = _in_order(peers & told.keys())
        keys = tuple(told[each] for each in there)
        return replace(bound.network, peers=there, idle_peers=idle, peer_keys=keys)

    def enter(self, bound: BoundNetwork) -> None:
        """The network is here."""
        membership = self._membership(bound)
        if membership is not None:
            self._cluster.enter(membership)

    def leave(self, bound: BoundNetwork) -> None:
        """The network is here no more."""
        self._refused.pop(bound.network.id, None)
        if bound.hosts() is not None:
            self._cluster.leave(bound.network.id)

    def _possible(self, bound: BoundNetwork, told: frozenset[IPAddress]) -> frozenset[IPAddress]:
        """What a host may be at: each says that of itself, and frames to this host would come back to the network.

        So would those to an address that is the network's own.
        """
        subnets = bound.host_subnets()
        odd = {
            each
            for each in told
            if not is_of_one_host(each) or any(each in subnet for subnet in subnets)
        }
        fresh = told - odd - set(bound.network.peers)
        odd |= set(self._kernel.links_with(fresh)) if fresh else set()
        network = bound.network.id
        for each in odd - self._refused.get(network, set()):
            _log.error("hosts.refused", network=short(network), address=each)
        self._refused[network] = odd
        return told - odd

    def _membership(self, bound: BoundNetwork) -> Membership | None:
        named, network = bound.hosts(), bound.network
        if named is None or network.local is None:
            return None
        return self._part(bound, named, network.local)

    def _part(
        self, bound: BoundNetwork, named: tuple[IPAddress, ...], local: IPAddress
    ) -> Membership:
        network = bound.network
        part = Membership(
            network=network.id,
            local=local,
            subnets=tuple(pool.prefix for pool in network.pools),
            named=named,
            recorded=network.peers,
            recorded_keys=network.peer_keys,
        )
        if not bound.is_encrypted() or self._cluster.keys(part) is None:
            return part
        return replace(part, key=self._kernel.key_to_tell(heard=True))

    def _underlay(self, network: Network, named: tuple[IPAddress, ...]) -> Underlay:
        if not named:
            return self._underlay_of_cluster(network)
        found = self._kernel.links_with(named)
        texts = ", ".join(map(str, named))
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

    def _underlay_of_cluster(self, network: Network) -> Underlay:
        own = self._cluster.own_address(network.id)
        if own is None:
            raise RefusedError(
                "mode overlay is for several hosts, and none are named; give their addresses "
                "with -o peers=, this host's own among them, or have hosts share networks by etcd (PYNET_ETCD)"
            )
        link = self._kernel.links_with([own]).get(own)
        if link is None:
            raise RefusedError(
                f"other hosts know this one by {own}, which is no address of its own now; give it one "
                "that they reach it at (PYNET_HOST_ADDRESS, or docker swarm join --advertise-addr)"
            )
        return Underlay(local=own, mtu=self._mtu(link))

    def _mtu(self, link: HostLink) -> int:
        """An address of the loopback link is reached by others."""
        return self._kernel.mtu(None) if link.loopback else link.mtu


def _with_keys(bound: BoundNetwork, part: Membership) -> Terms:
    """A host with a secret does not hear one without."""
    terms = bound.terms()
    if not bound.is_encrypted() or part.key:
        return terms
    return replace(terms, options={**terms.options, "PYNET_SECRET": "set"})


def _in_order(addresses: Iterable[IPAddress]) -> tuple[IPAddress, ...]:
    return tuple(sorted(addresses, key=lambda each: each.packed))


def refuse_same_tunnel(bound: BoundNetwork, other: BoundNetwork) -> None:
    """Refuse two networks whose datagrams could not be distinguished.  Raises RefusedError."""
    tunnel = bound.tunnel()
    if tunnel is not None and tunnel == other.tunnel():
        raise RefusedError(
            f"vni {tunnel.vni} on port {tunnel.port} is in use on this host by network "
            f"{short(other.network.id)}; choose another with -o vni=, the same on every host"
        )
