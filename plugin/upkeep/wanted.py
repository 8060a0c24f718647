"""What the host should hold for each network, planned once for each change of a record.

A plan depends on the records alone, so a look that finds the records of the look before takes
its plans, too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final, Self

from plugin.drivers.base import BoundNetwork
from plugin.model.facts import Fact
from plugin.model.ids import EndpointID, IfName, Key, NetworkID
from plugin.model.links import HandedOver, Veth
from plugin.model.network import Endpoint, Network
from plugin.model.plan import Plan, together
from plugin.model.resources import HostResource
from plugin.service.bound_networks import BoundNetworks

_Endpoints = tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything of a network, by who holds it.

    ``keys`` say what of the host must stay: the network's own, and links that it stands on.
    """

    host: frozenset[HostResource]
    facts: frozenset[Fact]
    keys: frozenset[Key]

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """The plan, sorted."""
        facts = frozenset(each for each in plan.resources if isinstance(each, Fact))
        host = frozenset(each for each in plan.resources if not isinstance(each, Fact))
        return cls(host, facts, plan.links_there.union(each.key for each in host))


@dataclass(frozen=True, slots=True)
class Links:
    """The links of endpoints, by their plans, and the names of those that dockerd takes and gives back."""

    by_endpoint: Mapping[EndpointID, tuple[Veth | HandedOver, ...]]
    handoffs: Mapping[EndpointID, IfName | None]
    all: frozenset[Veth | HandedOver]
    names: frozenset[IfName]
    of_each: bool  # whether each endpoint has one

    @classmethod
    def of(cls, plans: Mapping[EndpointID, Plan]) -> Self:
        """Those of the plans."""
        links = {
            key: tuple(each for each in plan.resources if isinstance(each, Veth | HandedOver))
            for key, plan in plans.items()
        }
        handoffs = {key: plan.handoff for key, plan in plans.items()}
        return cls(
            by_endpoint=links,
            handoffs=handoffs,
            all=frozenset(chain.from_iterable(links.values())),
            names=frozenset(name for name in handoffs.values() if name is not None),
            of_each=all(links.values()),
        )


@dataclass(frozen=True, slots=True)
class _Planned:
    """An endpoint with its plans."""

    endpoint: Endpoint
    link: Plan
    held: Plan


class _NetworkPlans:
    """The plans of one bound network."""

    def __init__(self, bound: BoundNetwork) -> None:
        self.bound = bound
        self._endpoints: dict[EndpointID, _Planned] = {}
        # The endpoints that were known, those whose plans are among it, and the whole; the last two.
        self._made: tuple[tuple[_Endpoints, _Endpoints, Wanted], ...] = ()
        self._links: tuple[tuple[_Endpoints, Links], ...] = ()  # and their links, the last two

    def of_endpoint(self, endpoint: Endpoint) -> _Planned:
        """The plans of an endpoint.  Raises as drivers do."""
        found = self._endpoints.get(endpoint.id)
        # Nearly always it is the same object: to compare all of it costs more than the rest.
        if found is None or (found.endpoint is not endpoint and found.endpoint != endpoint):
            link = self.bound.endpoint_plan(endpoint)
            found = _Planned(endpoint, link, link | self.bound.ports_plan(endpoint))
            self._endpoints[endpoint.id] = found
        return found

    def whole(self, known: _Endpoints, holding: _Endpoints) -> Wanted:
        """What the host holds for the network and for ``holding``, of the ``known`` endpoints."""
        for before in self._made:
            if before[0] == known and before[1] == holding:
                return before[2]
        plans = [self.of_endpoint(each).held for each in holding]
        wanted = Wanted.of(together([self.bound.plan, self.bound.shared_plan(known), *plans]))
        self._made = ((known, holding, wanted), *self._made[:1])
        return wanted

    def links(self, endpoints: _Endpoints) -> Links:
        """The links of these endpoints."""
        for before in self._links:
            if before[0] == endpoints:
                return before[1]
        links = Links.of({each.id: self.of_endpoint(each).link for each in endpoints})
        self._links = ((endpoints, links), *self._links[:1])
        return links

    def keep(self, endpoints: Iterable[Endpoint]) -> None:
        """Forget the plans of all other endpoints."""
        there = {each.id for each in endpoints}
        for gone in self._endpoints.copy().keys() - there:
            self._endpoints.pop(gone, None)


class WantedNetworks:
    """Plans of networks and endpoints.  Every question raises as drivers do.

    Several threads may ask: each then plans for itself, and the last answer is remembered.
    """

    def __init__(self, bound: BoundNetworks) -> None:
        self._bound = bound
        self._networks: Final[dict[NetworkID, _NetworkPlans]] = {}

    def links(self, network: Network, endpoints: Iterable[Endpoint]) -> Links:
        """The links that the endpoints need whether they publish ports or not."""
        return self._of(network).links(tuple(endpoints))

    def active(self, network: Network, endpoints: Iterable[Endpoint]) -> Wanted:
        """What the host holds for an active network and those of ``endpoints`` that are joined."""
        known = tuple(endpoints)
        return self._of(network).whole(known, tuple(each for each in known if each.joined))

    def all_of(self, network: Network, endpoints: Iterable[Endpoint]) -> Wanted:
        """Everything the host may hold, for endpoints that never joined as well."""
        known = tuple(endpoints)
        plans = self._of(network)
        plans.keep(known)
        return plans.whole(known, known)

    def keep(self, networks: Iterable[Network]) -> None:
        """Forget the plans of all other networks."""
        for gone in self._networks.copy().keys() - {network.id for network in networks}:
            self._networks.pop(gone, None)

    def _of(self, network: Network) -> _NetworkPlans:
        bound = self._bound.of(network)
        found = self._networks.get(network.id)
        if found is None or found.bound is not bound:
            found = self._networks[network.id] = _NetworkPlans(bound)
        return found
