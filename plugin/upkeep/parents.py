"""Watch the parents of networks, and report in the health what is wrong with them.

Parents belong to the host: they go down, are renamed, are unplugged and come back.  pynet never
changes a parent; it reports a fault until the fault is gone.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final

from plugin.drivers.base import BoundNetwork
from plugin.errors import RefusedError
from plugin.health import Health
from plugin.kernel.base import Kernel
from plugin.model.ids import IfName, NetworkID, short
from plugin.model.network import NetworkState
from plugin.model.parents import HostLink, ParentUse
from plugin.service.bound_networks import BoundNetworks
from plugin.service.parents import ParentSurvey, overlap_hints
from plugin.store.base import Store

_WHAT: Final = "parent "
_Trouble = tuple[str, str]  # why, and the remedy


class Parents:
    """The parents of all networks."""

    def __init__(
        self,
        store: Store,
        kernel: Kernel,
        bound: BoundNetworks,
        health: Health,
        survey: ParentSurvey,
    ) -> None:
        self._store = store
        self._kernel = kernel
        self._bound = bound
        self._health = health
        self._survey = survey
        self._compared: frozenset[NetworkID] = frozenset()

    def look_after(self) -> None:
        """Report in the health which parents cannot carry their networks now, and give hints."""
        uses = list(self._uses())
        names = frozenset(name for _, use in uses for name in use.names)
        self._survey.know(names)
        links = self._kernel.host_links(names) if names else {}
        troubled: dict[IfName, tuple[_Trouble, list[str]]] = {}
        hints: set[str] = set()
        for bound, use in uses:
            found = _trouble(links.get(use.base or use.parent)) or _refusal(bound, use, links)
            if found is None:
                hints |= set(bound.check_parent(links))
            else:
                troubled.setdefault(use.base or use.parent, (found, []))[1].append(
                    short(bound.network.id)
                )
        for name, ((why, remedy), needing) in troubled.items():
            whole = f"{name} {why}; networks {', '.join(needing)} need it"
            self._health.degrade(_WHAT + name, whole, remedy)
        for condition in self._health.conditions:
            if condition.what.startswith(_WHAT) and condition.what[len(_WHAT) :] not in troubled:
                self._health.recover(condition.what)
        self._health.advise(hints, about="parents")
        self._look_for_overlaps()

    def _look_for_overlaps(self) -> None:
        """Give hints about subnets of LANs and VPNs: once for the same networks, because routes are many."""
        networks = [each for each in self._store.networks() if each.state is NetworkState.ACTIVE]
        known = frozenset(each.id for each in networks)
        if known == self._compared:
            return
        routed = self._kernel.routed() if known else ()
        hints: list[str] = []
        for network in networks:
            with suppress(RefusedError):  # the health has it: its record cannot be read
                hints += overlap_hints(self._bound.of(network), routed)
        self._health.advise(hints, about="subnets")
        self._compared = known

    def report_to(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` when a network on a parent was made, or is no more."""
        self._survey.report_to(changed)

    def concerns(self, ifname: str) -> bool:
        """Whether a network stands on a link of that name."""
        return ifname in self._survey.names

    def _uses(self) -> Iterable[tuple[BoundNetwork, ParentUse]]:
        for network in self._store.networks():
            try:
                bound = self._bound.of(network)
                use = bound.parent_use()
            except RefusedError:
                continue  # the health has it: its record cannot be read
            if use is not None and network.state is NetworkState.ACTIVE:
                yield bound, use


def _refusal(
    bound: BoundNetwork, use: ParentUse, links: Mapping[IfName, HostLink]
) -> _Trouble | None:
    """What the network would be refused for today: its parent was put into a bridge, for one."""
    try:
        bound.check_parent(links)
    except RefusedError as error:
        parent = links.get(use.parent)
        if parent is not None and parent.master_kind:
            remedy = f"take it out: ip link set {parent.ifname} nomaster"
        else:
            remedy = "change it back, or recreate the network on another parent"
        return f"would be refused today ({error})", remedy
    return None


def _trouble(link: HostLink | None) -> _Trouble | None:
    """What keeps a parent from carrying anything, and what would help."""
    if link is None:
        return (
            "is not there (unplugged, or renamed)",
            "plug it in or restore its name; containers that lost their link must be restarted",
        )
    if not link.up:
        return "is down", f"bring it up: ip link set {link.ifname} up"
    if not link.carrier:
        return "has no carrier", "check the cable and the switch's port"
    return None
