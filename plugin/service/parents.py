"""Links of the host that networks stand on: looked at before, and looked after afterwards.

They are not ours: they go down, are renamed, are unplugged and come back.  Nothing is done to
them; what is wrong is said, until it is right again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from plugin.drivers.ipvlan import IpvlanDriver
from plugin.drivers.registry import driver_for
from plugin.errors import MissingLinkError, RefusedError
from plugin.health import Health
from plugin.kernel.base import Kernel
from plugin.log import Log
from plugin.model.ids import EndpointID, IfName, derived_mac, short
from plugin.model.network import Endpoint, Network, NetworkState
from plugin.model.parents import HostLink, ParentUse
from plugin.model.resources import HandedOver
from plugin.store.base import Store

_log: Final = Log("parents")
_WHAT: Final = "parent "
_Trouble = tuple[str, str]  # why, and the remedy


class Parents:
    """What the host's links mean for networks."""

    def __init__(self, store: Store, kernel: Kernel, health: Health) -> None:
        self._store = store
        self._kernel = kernel
        self._health = health
        self._names: frozenset[IfName] = frozenset()

    def survey(self, network: Network) -> Network:
        """Look at the network's parent before it is made; the network, with what was found.

        Raises MissingLinkError, and RefusedError for a parent that cannot carry it.
        """
        driver = driver_for(network.mode)
        use = driver.parent_use(network)
        if use is None:
            return self._survey_bridge(network, driver.parent(network))
        links = self._kernel.host_links(use.names)
        for hint in driver.check_parent(network, links):
            _log.warning("parent.doubtful", network=short(network.id), hint=hint)
        there = links.get(use.parent)
        nearest = there or (links.get(use.base) if use.base else None)
        if nearest is None:
            raise MissingLinkError(
                f"there is no link {use.base or use.parent} on this host; choose a parent that "
                "'ip link' shows"
            )
        clash = self._clash(use)
        if clash:
            raise RefusedError(clash)
        self._names |= frozenset(use.names)
        foreign = there is not None and not there.ours
        network = replace(network, uplink_mtu=nearest.mtu, foreign_parent=foreign)
        if not use.addressed:
            return network
        addresses = () if there is None else there.addresses
        return replace(network, host_addresses=addresses, parent_mac=nearest.mac_address)

    def _survey_bridge(self, network: Network, bridge: IfName | None) -> Network:
        """A bridge that the network shares with others, or has to itself."""
        there = self._kernel.host_links([bridge]).get(bridge) if bridge else None
        return replace(network, foreign_parent=there is not None and not there.ours)

    def rehearse(self, network: Network) -> None:
        """See that containers will get their links: a first one would be a late time to learn it."""
        nobody = Endpoint(
            id=EndpointID(network.id), network_id=network.id, mac_address=derived_mac(network.id)
        )
        plan = driver_for(network.mode).endpoint_plan(network, nobody)
        links = [each for each in plan.resources if isinstance(each, HandedOver)]
        if links:
            self._kernel.rehearse(links)

    def look_after(self) -> None:
        """Say in the health which parents cannot carry their networks now, and what is doubtful."""
        uses = list(self._uses())
        self._names = frozenset(name for _, use in uses for name in use.names)
        links = self._kernel.host_links(self._names) if self._names else {}
        troubled: dict[IfName, tuple[_Trouble, list[str]]] = {}
        hints: set[str] = set()
        for network, use in uses:
            found = _trouble(links.get(use.base or use.parent)) or _refusal(network, links)
            if found is None:
                hints |= set(driver_for(network.mode).check_parent(network, links))
            else:
                troubled.setdefault(use.base or use.parent, (found, []))[1].append(
                    short(network.id)
                )
        for name, ((why, remedy), needing) in troubled.items():
            whole = f"{name} {why}; networks {', '.join(needing)} need it"
            self._health.degrade(_WHAT + name, whole, remedy)
        for condition in self._health.conditions:
            if condition.what.startswith(_WHAT) and condition.what[len(_WHAT) :] not in troubled:
                self._health.recover(condition.what)
        self._health.advise(hints, about="parents")

    def concerns(self, ifname: str) -> bool:
        """Whether a network stands on a link of that name."""
        return ifname in self._names

    def _clash(self, use: ParentUse) -> str:
        """What stands on the parent and would be changed by a link of the network's."""
        if use.kind != IpvlanDriver.mode:
            return ""
        for setting in sorted(each.text for each in self._kernel.ipvlan_settings(use.parent)):
            if setting != use.setting:
                return (
                    f"parent {use.parent} carries ipvlan links of somebody else's with {setting}, "
                    f"and all ipvlan links of a parent are alike; choose {setting} or another parent"
                )
        return ""

    def _uses(self) -> Iterable[tuple[Network, ParentUse]]:
        for network in self._store.networks():
            use = driver_for(network.mode).parent_use(network)
            if use is not None and network.state is NetworkState.ACTIVE:
                yield network, use


def refuse_shared_parent(network: Network, other: Network) -> None:
    """Refuse two networks that cannot stand on one link."""
    mine = driver_for(network.mode).parent_use(network)
    theirs = None if mine is None else driver_for(other.mode).parent_use(other)
    if mine is None or theirs is None or mine.parent != theirs.parent:
        return
    if mine.kind != theirs.kind:
        raise RefusedError(
            f"parent {mine.parent} carries {theirs.kind} links of network {short(other.id)}, and a "
            f"link carries either macvlan or ipvlan links; choose mode={theirs.kind} or another parent"
        )
    if mine.setting != theirs.setting:
        raise RefusedError(
            f"parent {mine.parent} is in {theirs.setting} for network {short(other.id)}, and all "
            f"{mine.kind} links of a parent are alike; choose {theirs.setting} or another parent"
        )
    if mine.exclusive or theirs.exclusive:
        raise RefusedError(
            f"parent {mine.parent} is used by network {short(other.id)}, and a link in mode passthru "
            "is for one network alone; choose another mode or another parent"
        )


def _refusal(network: Network, links: Mapping[IfName, HostLink]) -> _Trouble | None:
    """What the network would be refused for today: its parent was put into a bridge, for one."""
    driver = driver_for(network.mode)
    try:
        driver.check_parent(network, links)
    except RefusedError as error:
        parent = links.get(driver.parent(network) or IfName(""))
        if parent is not None and parent.master_kind:
            remedy = f"take it out: ip link set {parent.ifname} nomaster"
        else:
            remedy = "make it what it was again, or make the network again on another parent"
        return f"would be refused today ({error})", remedy
    return None


def _trouble(link: HostLink | None) -> _Trouble | None:
    """What keeps a parent from carrying anything, and what would help."""
    if link is None:
        return (
            "is not there (unplugged, or renamed)",
            "plug it in or give it its name again; containers that lost their link must be restarted",
        )
    if not link.up:
        return "is down", f"bring it up: ip link set {link.ifname} up"
    if not link.carrier:
        return "has no carrier", "check the cable and the switch's port"
    return None
