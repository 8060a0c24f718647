"""One hook of the kernel's: every chain that a packet passes there, and how it is translated.

Chains that translate are all called where conntrack calls them, in the order of their own
priorities, until one has decided.  They see the first packet of a connection only
(net/netfilter/nf_nat_core.c, nf_nat_inet_fn).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from plugin.trace.judge import Doubt, Judge, Ruling, Translation
from plugin.trace.namespace import Namespace
from plugin.trace.packet import ESTABLISHED, NEW, IPAddress, Packet
from plugin.trace.ruleset import ACCEPT, DROP, REJECT, Chain

# By hook: where destinations and sources are translated.
_DESTINATION: Final = -100
_SOURCE: Final = 100
_BEFORE: Final = ("prerouting", "output")
_IP: Final = {4: ("ip", "inet"), 6: ("ip6", "inet")}


@dataclass(slots=True, kw_only=True, eq=False)
class Connection:
    """What conntrack of one namespace remembers of it: both ends, at first and translated."""

    source: IPAddress
    destination: IPAddress
    dport: int | None
    translated_source: IPAddress
    translated_destination: IPAddress
    translated_dport: int | None

    def is_answered_by(self, packet: Packet) -> bool:
        """Whether a packet is one that the other side sends back."""
        return (packet.source, packet.destination, packet.sport) == (
            self.translated_destination,
            self.translated_source,
            self.translated_dport,
        )

    def turn_back(self, hook: str, packet: Packet) -> None:
        """An answer goes to whom the connection is of, and comes from whom it asked."""
        if hook in _BEFORE:
            packet.destination = self.source
        elif hook in ("postrouting", "input"):
            packet.source, packet.sport = self.destination, self.dport


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What became of a packet at a hook: the ruling that ended it, and how it was translated."""

    ended: Ruling | None = None
    translation: Translation | None = None
    by: Ruling | None = None  # who translated it
    doubts: tuple[Doubt, ...] = ()


class Hooks:
    """The hooks of one namespace."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._judges: dict[int, Judge] = {}

    def bridge(
        self, hook: str, packet: Packet, first: int = -(2**31), last: int = 2**31
    ) -> Passage:
        """The chains of the bridge family, of priorities from first to last."""
        chains = self._namespace.ruleset(packet.version).hooked(("bridge",), hook)
        return self._pass([c for c in chains if first <= c.priority < last], packet)

    def routed(
        self, hook: str, packet: Packet, connection: Connection | None, *, translate: bool = True
    ) -> Passage:
        """The chains of routed packets; without ``translate`` the connection has passed them."""
        chains = self._namespace.ruleset(packet.version).hooked(_IP[packet.version], hook)
        at = _DESTINATION if hook in _BEFORE else _SOURCE
        nat = [each for each in chains if each.kind == "nat"]
        filters = [each for each in chains if each.kind != "nat"]
        early = self._pass([c for c in filters if c.priority <= at], packet)
        if early.ended is not None:
            return early
        middle = Passage()
        if translate and packet.state == NEW:
            middle = self._pass(nat, packet)
        if middle.ended is not None:
            return _joined(early, middle)
        self._translate(middle.translation, packet)
        if connection is not None and packet.state == ESTABLISHED:
            connection.turn_back(hook, packet)
        late = self._pass([c for c in filters if c.priority > at], packet)
        return _joined(early, middle, late)

    def _pass(self, chains: Sequence[Chain], packet: Packet) -> Passage:
        doubts: list[Doubt] = []
        judge = self._judge(packet.version)
        for chain in chains:
            ruling = judge.judge(chain, packet)
            doubts += _serious(ruling)
            if ruling.verdict in (DROP, REJECT):
                return Passage(ended=ruling, doubts=tuple(doubts))
            if ruling.translation is not None:
                return Passage(
                    translation=ruling.translation,
                    by=ruling,
                    doubts=tuple(doubts),
                )
        return Passage(doubts=tuple(doubts))

    def _judge(self, version: int) -> Judge:
        if version not in self._judges:
            self._judges[version] = Judge(self._namespace.ruleset(version), self._fib)
        return self._judges[version]

    def _translate(self, translation: Translation | None, packet: Packet) -> None:
        if translation is None:
            return
        if translation.kind in ("dnat", "redirect"):
            packet.dnat = True
            packet.destination = translation.address or self._own(packet, packet.iif)
            packet.dport = packet.dport if translation.port is None else translation.port
        else:
            packet.snat = True
            packet.source = translation.address or self._own(packet, packet.oif)

    def _own(self, packet: Packet, link: str) -> IPAddress:
        """The address that masquerading and redirecting take: the link's own."""
        if link == packet.oif and packet.snat:
            found = self._namespace.route(packet.destination, mark=packet.mark).source
            if found is not None:
                return found
        return self._namespace.address_of(link, packet.version) or packet.destination

    def _fib(self, packet: Packet, result: str, flags: tuple[str, ...]) -> Any:
        address = packet.source if "saddr" in flags else packet.destination
        if result == "type":
            return self._namespace.kind_of(address)
        route = self._namespace.route(address)
        if "iif" in flags:
            return route.link == packet.iif
        return not route.fault


def _serious(ruling: Ruling) -> list[Doubt]:
    """Doubts that might have changed what a chain decided."""
    same = (ACCEPT,) if ruling.verdict == ACCEPT else (DROP, REJECT)
    return [each for each in ruling.doubts if each.outcome not in same]


def _joined(*passages: Passage) -> Passage:
    return Passage(
        ended=next((each.ended for each in passages if each.ended), None),
        translation=next((each.translation for each in passages if each.translation), None),
        by=next((each.by for each in passages if each.by), None),
        doubts=tuple(doubt for each in passages for doubt in each.doubts),
    )
