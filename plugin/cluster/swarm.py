"""Nodes of a swarm, which its engine names by node discovery.

A network of the swarm is on all nodes, as far as this host knows; where etcd tells which nodes have
it, the others get no copies of frames.  Other networks are left to another cluster.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Protocol

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


class Members(Protocol):
    """What nodes tell of themselves by another way than the engine."""

    def having(self, network: NetworkID) -> frozenset[IPAddress]:
        """Nodes that have the network, as far as they were heard of."""

    def lacking(self, network: NetworkID) -> frozenset[IPAddress]:
        """Nodes that certainly do not have it."""

    def report_to(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` when one of the answers may be another one."""

    def show(self, own: IPAddress) -> None:
        """Have other nodes know this one at the address."""

    def enter(self, network: NetworkID) -> None:
        """Have other nodes know that the network is here."""

    def leave(self) -> None:
        """Have other nodes know that a network is here no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What was said last of a network: its other nodes, and those of them that have it."""

    membership: Membership
    peers: frozenset[IPAddress]
    having: frozenset[IPAddress]


class NodeDiscovery:
    """Networks of a swarm are on all its nodes; other networks are left to ``otherwise``.

    ``members`` tell more, if nodes have a way to do so.
    """

    def __init__(
        self,
        kept: NodesFile,
        agents: Agents,
        health: Health,
        otherwise: Cluster,
        members: Members | None = None,
    ) -> None:
        self._kept = kept
        self._agents = agents
        self._health = health
        self._otherwise = otherwise
        self._lock = threading.Lock()
        self._nodes = kept.read()
        self._members = members
        self._asked: dict[NetworkID, _Answer] = {}
        self._told: list[Callable[[PeersChange], None]] = []
        if members is not None:
            members.report_to(self._tell)
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
            answer = self._answer(membership)
            self._asked[membership.network] = answer
        return answer.peers

    def lacking(self, membership: Membership) -> frozenset[IPAddress]:
        if not is_of_swarm(membership.network):
            return self._otherwise.lacking(membership)
        with self._lock:
            answer = self._answer(membership)
        return answer.peers - answer.having

    def keys(self, membership: Membership) -> Mapping[IPAddress, str] | None:
        """A swarm has no channel for keys."""
        return None if is_of_swarm(membership.network) else self._otherwise.keys(membership)

    def enter(self, membership: Membership) -> None:
        """A swarm itself has no channel for it."""
        if not is_of_swarm(membership.network):
            self._otherwise.enter(membership)
        elif self._members is not None:
            self._members.enter(membership.network)

    def leave(self, network: NetworkID) -> None:
        if not is_of_swarm(network):
            self._otherwise.leave(network)
            return
        with self._lock:
            self._asked.pop(network, None)
        if self._members is not None:
            self._members.leave()

    def report_to(self, changed: Callable[[PeersChange], None]) -> None:
        """A process that wants to hear of others runs on: from now on it shows this node to them."""
        self._told.append(changed)
        self._otherwise.report_to(changed)
        self._show(self._nodes.own)

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
        self._show(own)
        self._tell()

    def appeared(self, node: IPAddress) -> None:
        """Another node has come."""
        with self._lock:
            self._become(self._nodes.with_node(node))
        _log.info("node.appeared", address=node)
        self._tell()

    def disappeared(self, node: IPAddress) -> None:
        """Another node has gone, or cannot be reached."""
        with self._lock:
            self._become(self._nodes.without_node(node))
        _log.info("node.disappeared", address=node)
        self._tell()

    def _show(self, own: IPAddress | None) -> None:
        if self._members is not None and own is not None:
            self._members.show(own)

    def _answer(self, membership: Membership) -> _Answer:
        """What is known now; the lock is held."""
        network, nodes = membership.network, self._nodes
        known = set(nodes.others)
        if nodes.own is None or not nodes.complete:
            known |= set(membership.recorded)  # better than what was lost, or never told
        lacking: frozenset[IPAddress] = frozenset()
        if self._members is not None:
            having = self._members.having(network)
            known |= having
            lacking = self._members.lacking(network) - having
        # A device sends to hosts of one family.
        version = membership.local.version
        peers = frozenset(each for each in known if each.version == version) - {membership.local}
        return _Answer(membership=membership, peers=peers, having=peers - lacking)

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

    def _tell(self) -> None:
        """Tell the differences to what was answered last."""
        changes = []
        with self._lock:
            for network, before in tuple(self._asked.items()):
                now = self._answer(before.membership)
                added = (now.peers - before.peers) | (now.having - before.having)
                removed = (before.peers - now.peers) | (before.having - now.having)
                if added or removed:
                    changes.append(PeersChange(network=network, added=added, removed=removed))
                    self._asked[network] = now
        for change in changes:
            for told in self._told:
                told(change)
