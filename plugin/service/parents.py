"""Look at the host's links that a network will stand on, before the network is made."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from plugin.drivers.base import BoundNetwork
from plugin.drivers.parent_choice import (
    FOR_HOST,
    is_found,
    is_open,
    lans_of,
    link_on_lan,
    parent_on,
    with_parent,
)
from plugin.drivers.registry import check_network
from plugin.errors import MissingLinkError, RefusedError
from plugin.kernel.base import Kernel
from plugin.log import Log
from plugin.model.ids import (
    EndpointID,
    IfName,
    NetworkID,
    derived_mac,
    is_entry,
    is_of_swarm,
    short,
)
from plugin.model.links import HandedOver
from plugin.model.network import Endpoint, Network
from plugin.model.parents import ParentUse, Routed

_log: Final = Log("parents")
_BEING_MADE_SECONDS: Final = 60.0  # longer than any call takes


class ParentSurvey:
    """What the host's links mean for a new network.

    ``names`` are the links that networks stand on, or that were surveyed a moment ago.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.names: frozenset[IfName] = frozenset()
        self._kernel = kernel
        self._surveyed: dict[IfName, float] = {}  # and when, by the monotonic clock
        self._overlapping: frozenset[NetworkID] = frozenset()
        self._changed: Callable[[], None] = lambda: None

    def report_to(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` when a network on a parent was made, or is no more."""
        self._changed = changed

    def changed(self, bound: BoundNetwork) -> None:
        """The network was made, or is no more."""
        if bound.parent_use() is not None or bound.network.id in self._overlapping:
            self._changed()

    def know(self, names: Iterable[IfName]) -> None:
        """Networks stand on these links; one that is being made may not be among them yet."""
        now = time.monotonic()
        self._surveyed = {
            name: since
            for name, since in self._surveyed.items()
            if now - since < _BEING_MADE_SECONDS
        }
        self.names = frozenset(names) | frozenset(self._surveyed)

    def found(self, bound: BoundNetwork) -> BoundNetwork:
        """The network with the parent that it has on this host, if it has another on each.

        Raises RefusedError.
        """
        network = bound.network
        if not is_open(network.options):
            return bound
        host = self._kernel.host_name()
        parent = parent_on(network.options, host)
        if parent is not None and is_found(parent):
            lans = lans_of(network, parent)
            parent = link_on_lan(lans, self._kernel.links_on(lans), parent, host)
        return check_network(with_parent(network, parent))

    def survey(self, bound: BoundNetwork) -> BoundNetwork:
        """Look at the network's parent before it is made; the network, with what was found.

        Raises MissingLinkError, and RefusedError for a parent that cannot carry it.
        """
        network, use = bound.network, bound.parent_use()
        if use is None:
            return self._survey_bridge(bound)
        links = self._kernel.host_links(use.names)
        for hint in bound.check_parent(links):
            _log.warning("parent.hint", network=short(network.id), hint=hint)
        there = links.get(use.parent)
        nearest = there or (links.get(use.base) if use.base else None)
        if nearest is None:
            raise MissingLinkError(
                f"there is no link {use.base or use.parent} on this host; choose a parent that "
                f"'ip link' shows{self._for_this_host(network)}"
            )
        clash = self._clash(use)
        if clash:
            raise RefusedError(clash)
        self._surveyed = {**self._surveyed, **dict.fromkeys(use.names, time.monotonic())}
        self.names |= frozenset(use.names)
        foreign = there is not None and not there.ours
        network = replace(network, uplink_mtu=nearest.mtu, foreign_parent=foreign)
        if use.addressed:
            addresses = () if there is None else there.addresses
            network = replace(network, host_addresses=addresses, parent_mac=nearest.mac_address)
        return bound.with_record(network)

    def _survey_bridge(self, bound: BoundNetwork) -> BoundNetwork:
        """A bridge that the network shares with others, or has to itself."""
        bridge = bound.adopted_bridge()
        there = self._kernel.host_links([bridge]).get(bridge) if bridge else None
        foreign = there is not None and not there.ours
        for hint in overlap_hints(bound, self._kernel.routed()):
            _log.warning("network.hint", network=short(bound.network.id), hint=hint)
            self._overlapping = self._overlapping | {bound.network.id}
        return bound.with_record(replace(bound.network, foreign_parent=foreign))

    def _for_this_host(self, network: Network) -> str:
        """What else can be done where one command is for many hosts."""
        if not is_of_swarm(network.id) and not any(pool.is_shared for pool in network.pools):
            return ""
        return (
            f", or name one for this host alone with -o {FOR_HOST}{self._kernel.host_name()}=LINK"
        )

    def rehearse(self, bound: BoundNetwork) -> None:
        """See that containers will get their links: a first one would be a late time to learn it."""
        network = bound.network
        nobody = Endpoint(
            id=EndpointID(network.id), network_id=network.id, mac_address=derived_mac(network.id)
        )
        plan = bound.endpoint_plan(nobody)
        links = [each for each in plan.resources if isinstance(each, HandedOver)]
        if links:
            self._kernel.rehearse(links)

    def _clash(self, use: ParentUse) -> str:
        """What stands on the parent and would be changed by a link of the network's."""
        if not use.setting:
            return ""
        for setting in sorted(each.text for each in self._kernel.ipvlan_settings(use.parent)):
            if setting != use.setting:
                return (
                    f"parent {use.parent} carries ipvlan links that pynet did not create, with {setting}, "
                    f"and all ipvlan links of a parent are alike; choose {setting} or another parent"
                )
        return ""


def overlap_hints(bound: BoundNetwork, routed: Iterable[Routed]) -> tuple[str, ...]:
    """A subnet that the host also reaches by a link of others: a LAN, or a VPN."""
    if bound.parent_use() is not None:
        return ()  # its subnet is the parent's LAN
    found = {
        (subnet, each)
        for each in routed
        for subnet in bound.host_subnets()
        if each.prefix.version == subnet.version and each.prefix.overlaps(subnet)
        if subnet.prefixlen and not is_entry(each.ifname) and each.ifname != bound.adopted_bridge()
    }
    return tuple(
        f"network {short(bound.network.id)} has subnet {subnet}, and the host reaches {each.prefix} by "
        f"{each.ifname or 'several links'}, so it mistakes one for the other; recreate the network with "
        "another --subnet"
        for subnet, each in sorted(found, key=str)
    )


def refuse_shared_parent(bound: BoundNetwork, other: BoundNetwork) -> None:
    """Refuse two networks that cannot stand on one link.  Raises RefusedError."""
    mine = bound.parent_use()
    theirs = None if mine is None else other.parent_use()
    if mine is None or theirs is None or mine.parent != theirs.parent:
        return
    if mine.shared or theirs.shared:
        return
    if mine.kind != theirs.kind:
        raise RefusedError(
            f"parent {mine.parent} carries {theirs.kind} links of network {short(other.network.id)}, and a "
            f"link carries either macvlan or ipvlan links; choose mode={theirs.kind} or another parent"
        )
    if mine.setting != theirs.setting:
        raise RefusedError(
            f"parent {mine.parent} is in {theirs.setting} for network {short(other.network.id)}, and all "
            f"{mine.kind} links of a parent are alike; choose {theirs.setting} or another parent"
        )
    if mine.exclusive or theirs.exclusive:
        raise RefusedError(
            f"parent {mine.parent} is used by network {short(other.network.id)}, and a link in mode passthru "
            "is for one network alone; choose another mode or another parent"
        )
