"""How the host and the state differ, without changing either.

Healing looks here before it acts, and ``pynet check`` shows what it would do.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Final

from plugin.errors import PynetError
from plugin.log import Log
from plugin.model.diff import Delta
from plugin.model.facts import Fact
from plugin.model.ids import short
from plugin.model.nat import UserMasquerades
from plugin.model.network import Endpoint, Network, NetworkState
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.resources import Resource
from plugin.model.traffic import DockerBridge, OtherBridge
from plugin.service.bound_networks import BoundNetworks
from plugin.service.reconcile import Reconciler
from plugin.store.base import Store
from plugin.upkeep.known_facts import Comparisons, KnownFacts
from plugin.upkeep.unreadable import Unreadable
from plugin.upkeep.wanted import Wanted, WantedNetworks

_log: Final = Log("drift")


class Inspector:
    """Reads, and never writes."""

    def __init__(self, store: Store, reconciler: Reconciler, bound: BoundNetworks) -> None:
        self.store = store
        self._bound = bound
        self._comparisons = Comparisons()
        self.plans = WantedNetworks(bound)
        self.reconciler = reconciler
        self._kernel = reconciler.kernel
        self._firewall = reconciler.firewall

    def wanting(self, network: Network, endpoints: Iterable[Endpoint], facts: KnownFacts) -> Delta:
        """What an active network lacks, or has otherwise, given what the firewall holds."""
        wanted = self.plans.active(network, endpoints)
        delta = self.reconciler.compare(wanted.host)
        if facts.has(wanted.facts):
            return delta
        facts.confirm(lambda there: not wanted.facts <= there)
        return delta | facts.difference(wanted.facts)

    def wanted_facts(self) -> Iterator[Fact]:
        """The facts that active networks want, of those networks that can be planned."""
        for network in self.store.networks():
            if network.state is not NetworkState.ACTIVE:
                continue
            try:
                yield from self.plans.active(network, self.store.endpoints(network.id)).facts
            except PynetError as error:  # healing reports it, too
                _log.error("network.not_planned", network=short(network.id), reason=error)

    def unlinked(self, network: Network, endpoints: Sequence[Endpoint]) -> list[Endpoint]:
        """Those of ``endpoints`` without a link, on the host or in a sandbox; one look for all.

        Of one that has no link by its mode, it is the sandbox that must be there.
        """
        if not endpoints:
            return []
        links = self.plans.links(network, endpoints)
        found = self._kernel.read(links.all)
        if links.of_each and found == links.all:
            return []
        own = links.by_endpoint
        there = {each.key for each in found}
        ended = self._kernel.ended_sandboxes(
            each.sandbox_key for each in endpoints if each.sandbox_key and not own[each.id]
        )

        def is_unlinked(endpoint: Endpoint) -> bool:
            links = own[endpoint.id]
            if not links:
                return endpoint.sandbox_key is None or endpoint.sandbox_key in ended
            return any(link.key not in there for link in links)

        return [endpoint for endpoint in endpoints if is_unlinked(endpoint)]

    def unserved(self) -> frozenset[HostPort]:
        """Published ports of running containers that the host does not hold, or does not carry."""
        wanted = {
            resource
            for wanted in self._readable(self.plans.active)
            for resource in wanted.host
            if isinstance(resource, HostPort | ProxiedPort)
        }
        lacking = wanted - self._kernel.read(wanted)
        return frozenset(each.held if isinstance(each, ProxiedPort) else each for each in lacking)

    def abandoned(self, network: Network) -> list[Endpoint]:
        """Endpoints that no sandbox has, or whose sandbox has ended, as far as the host shows.

        dockerd puts the link of a sandbox that ends back into this namespace.  An endpoint that is
        just being joined is among them until dockerd has taken its link, and one that left until it
        is deleted.  One that lost its link with its parent is not: its container may run on without.
        """
        if not self.is_readable(network):
            return []
        known = [each for each in self.store.endpoints(network.id) if not each.deleting]
        links = self.plans.links(network, known)
        here, handoffs = self._kernel.returned_links(links.names), links.handoffs
        away = [e for e in known if handoffs[e.id] not in here] if here else known
        unlinked = self.unlinked(network, away)
        if not (here or unlinked):
            return []
        ended = self._kernel.ended_sandboxes(e.sandbox_key for e in unlinked if e.sandbox_key)
        over = {e.id for e in unlinked if not e.unplugged and e.sandbox_key in (None, *ended)}
        return [each for each in known if handoffs[each.id] in here or each.id in over]

    def is_seen(self, network: Network) -> bool:
        """Whether the host shows that a container is on the network.

        Containers of a mode without links do not count: only dockerd's calls tell of those, and a
        killed dockerd makes none.  A network whose record cannot be read counts as seen.
        """
        if not self.is_readable(network):
            return True
        abandoned, endpoints = self.abandoned(network), self.store.endpoints(network.id)
        links = self.plans.links(network, endpoints)
        return any(
            each.joined and each not in abandoned and links.by_endpoint[each.id]
            for each in endpoints
        )

    def surplus(self, facts: frozenset[Fact] | None = None) -> list[Resource]:
        """Objects with pynet as owner that no record lists; a running call may be about to own one.

        Facts about bridges of other programs are not among them: they follow those bridges.  Nor are
        objects of a network whose record cannot be read.  ``facts`` are what the firewall held at
        the last reading.
        """
        there = self._firewall.read() if facts is None else facts
        unreadable = self.unreadable()
        wanted = list(self._readable(self.plans.all_of))
        loose = self._comparisons.others(there, [each.facts for each in wanted])
        loose = frozenset(each for each in loose if not each.surrounding)
        # A part of a fact that is wanted has its key: healing sees to it.
        keys = {fact.key for each in wanted for fact in each.facts} if loose else set()
        keys.update(*(each.keys for each in wanted))
        actual: list[Resource] = [*self._kernel.read_all(), *loose]
        return [
            resource
            for resource in actual
            if resource.key not in keys and not any(each.owns(resource) for each in unreadable)
        ]

    def is_readable(self, network: Network) -> bool:
        """whether the plan of the network can be made."""
        try:
            self.plans.all_of(network, self.store.endpoints(network.id))
        except PynetError:
            return False
        return True

    def unreadable(self) -> list[Unreadable]:
        """Networks whose plan cannot be made, each with the reason."""
        found = []
        for network in self.store.networks():
            endpoints = self.store.endpoints(network.id)
            try:
                self.plans.all_of(network, endpoints)
            except PynetError as error:
                found.append(Unreadable(network, endpoints, str(error)))
        return found

    def _readable(
        self, plan: Callable[[Network, tuple[Endpoint, ...]], Wanted]
    ) -> Iterator[Wanted]:
        """What is wanted for each network whose record can be read."""
        for network in self.store.networks():
            try:
                wanted = plan(network, self.store.endpoints(network.id))
            except PynetError:
                continue
            yield wanted

    def surrounding_facts(self, obeyed: Iterable[int]) -> list[Fact]:
        """What the firewall should know of others' bridges, and of the user's own rules."""
        bridges = self._kernel.foreign_bridges()
        return [
            *(UserMasquerades(version=version) for version in obeyed),
            *(DockerBridge(bridge=name) for name in sorted(bridges.docker)),
            *(OtherBridge(bridge=name) for name in sorted(bridges.others)),
        ]

    def one_look(self) -> AbstractContextManager[None]:
        """All that is read in the block shares one look at links: for hundreds of networks in turn."""
        return self._kernel.one_look()

    def wait_for_ends(self) -> None:
        """Return when endpoints that are over are gone, which takes a moment."""
        self._kernel.connections_ended()

    def facts(self) -> KnownFacts:
        """Everything that the firewall holds.  Raises FirewallError."""
        return KnownFacts(self._firewall, self._comparisons)
