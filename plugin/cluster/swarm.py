"""Nodes of a swarm, which its engine names by node discovery.

A network of the swarm is on all nodes, as far as this host knows.  Other networks are left to
another cluster.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from plugin.cluster.base import Cluster, Membership, PeersChange
from plugin.cluster.swarm_nodes import Nodes, NodesFile
from plugin.errors import RefusedError
from plugin.health import Health
from plugin.log import Log
from plugin.model.ids import NetworkID, is_of_swarm
from plugin.model.network import IPAddress, IPNetwork
from plugin.model.tunnels import Terms

_WHAT: Final = "swarm nodes"
# Engines listen at every address, by a socket of both families; all other sockets at that port fail.
_EVERYWHERE: Final = (ip_address("::"), ip_address("0.0.0.0"))  # noqa: S104 - compared, not bound
_log: Final = Log("swarm")


class Agents:
    """The agents by which engines take part in a swarm, of which ``read`` answers those that run."""

    def __init__(self, read: Callable[[], Mapping[IPAddress, str]]) -> None:
        self._read = read
        self._earlier: frozenset[str] | None = None

    def asked(self) -> None:
        """The engine asks what the driver can: it starts, or pynet has been enabled.

        An engine that starts waits for the answer before it joins its swarm.
        """
        if self._earlier is None:
            self._earlier = frozenset(self._read().values())

    def at(self, address: IPAddress) -> str | None:
        """The agent that listens at the address; None if there is none, or the host does not tell."""
        found = self._read()
        return next((found[each] for each in (address, *_EVERYWHERE) if each in found), None)

    def is_earlier(self, agent: str | None) -> bool:
        """Whether the agent ran before the engine asked this process for anything."""
        return agent is not None and agent in (self._earlier or ())


class NodeDiscovery:
    """Networks of a swarm are on all its nodes; other networks are left to ``otherwise``."""

    def __init__(self, kept: NodesFile, agents: Agents, health: Health, otherwise: Cluster) -> None:
        self._kept = kept
        self._agents = agents
        self._health = health
        self._otherwise = otherwise
        self._lock = threading.Lock()
        self._nodes = kept.read()
        self._asked: set[NetworkID] = set()
        self._told: list[Callable[[PeersChange], None]] = []
        self._report()

    def own_address(self, network: NetworkID) -> IPAddress | None:
        if not is_of_swarm(network):
            return self._otherwise.own_address(network)
        nodes = self._nodes
        if nodes.own is None or not nodes.complete:
            raise RefusedError(
                "the engine has not told pynet the nodes of its swarm, because pynet was enabled after it "
                "had joined; restart Docker on this node, once"
            )
        return nodes.own

    def agree(self, membership: Membership, terms: Terms) -> int | None:
        """The manager that leads has chosen a number for all nodes."""
        if is_of_swarm(membership.network):
            return None
        return self._otherwise.agree(membership, terms)

    def have_alike(self, network: NetworkID, subnets: Sequence[IPNetwork], terms: Terms) -> None:
        """The options of a swarm's network are the same on all nodes."""
        if not is_of_swarm(network):
            self._otherwise.have_alike(network, subnets, terms)

    def peers(self, membership: Membership) -> frozenset[IPAddress]:
        if not is_of_swarm(membership.network):
            return self._otherwise.peers(membership)
        with self._lock:
            self._asked.add(membership.network)
            known = frozenset(self._nodes.others)
        # A device sends to hosts of one family.
        version = membership.local.version
        return frozenset(each for each in known if each.version == version) - {membership.local}

    def keys(self, membership: Membership) -> Mapping[IPAddress, str] | None:
        """A swarm has no channel for keys."""
        return None if is_of_swarm(membership.network) else self._otherwise.keys(membership)

    def enter(self, membership: Membership) -> None:
        """Nodes are told nothing: a swarm has no channel for it."""
        if not is_of_swarm(membership.network):
            self._otherwise.enter(membership)

    def leave(self, network: NetworkID) -> None:
        if not is_of_swarm(network):
            self._otherwise.leave(network)
            return
        with self._lock:
            self._asked.discard(network)

    def report_to(self, changed: Callable[[PeersChange], None]) -> None:
        self._told.append(changed)
        self._otherwise.report_to(changed)

    def joined(self, own: IPAddress) -> None:
        """This host is in a swarm by this address; its engine names other nodes from now on, or did."""
        agent = self._agents.at(own)
        with self._lock:
            before = self._nodes
            if agent == before.agent and own == before.own:
                return
            # Of agents that ran before this process, only the recorded one told it other nodes.
            nodes = Nodes(agent=agent, own=own, complete=not self._agents.is_earlier(agent))
            self._become(nodes)
        _log.info("swarm.joined", address=own, complete=nodes.complete)
        self._tell(before, nodes)

    def appeared(self, node: IPAddress) -> None:
        """Another node has come."""
        with self._lock:
            before = self._nodes
            nodes = before.with_node(node)
            self._become(nodes)
        _log.info("node.appeared", address=node)
        self._tell(before, nodes)

    def disappeared(self, node: IPAddress) -> None:
        """Another node has gone, or cannot be reached."""
        with self._lock:
            before = self._nodes
            nodes = before.without_node(node)
            self._become(nodes)
        _log.info("node.disappeared", address=node)
        self._tell(before, nodes)

    def _become(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._kept.write(nodes)
        self._report()

    def _report(self) -> None:
        if self._nodes.complete:
            self._health.recover(_WHAT)
            return
        self._health.degrade(
            _WHAT,
            "pynet was enabled after this node had joined its swarm, and the engine names other nodes at "
            "its start only; networks of the swarm with mode overlay are refused here",
            "restart Docker on this node, once",
        )

    def _tell(self, before: Nodes, after: Nodes) -> None:
        was, now = frozenset(before.others), frozenset(after.others)
        added, removed = now - was, was - now
        if not added and not removed:
            return
        for network in tuple(self._asked):
            change = PeersChange(network=network, added=added, removed=removed)
            for told in self._told:
                told(change)
