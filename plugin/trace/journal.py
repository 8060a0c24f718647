"""What a walk came by, and how it ended."""

from plugin.trace.hooks import Passage
from plugin.trace.judge import Doubt, Ruling
from plugin.trace.packet import Course, Hop, Packet, Verdict
from plugin.trace.places import Node
from plugin.trace.remedies import remedy_of, what_of
from plugin.trace.ruleset import REJECT


class Over(Exception):  # noqa: N818 - no error: every walk ends so
    """The walk is over."""

    def __init__(
        self, verdict: Verdict, doubts: tuple[str, ...] = (), *, by_rule: bool = False
    ) -> None:
        super().__init__(verdict.value)
        self.verdict = verdict
        self.doubts = doubts
        self.by_rule = by_rule


class Journal:
    """Hops in their order, and rules that could not be read."""

    def __init__(self) -> None:
        self._hops: list[Hop] = []
        self._doubts: list[str] = []

    def note(self, where: str, what: str) -> None:
        """A place that the packet passed."""
        self._hops.append(Hop(where=where, what=what))

    def end(
        self, verdict: Verdict, where: str, what: str, *, remedy: str = "", ok: bool = False
    ) -> None:
        """The last place.  Raises Over."""
        self._hops.append(Hop(where=where, what=what, ok=ok, remedy=remedy))
        raise Over(verdict)

    def judged(self, node: Node, passage: Passage, packet: Packet) -> None:
        """What rules did.  Raises Over if they dropped the packet."""
        doubts = [_doubted(node, each) for each in passage.doubts]
        self._doubts += doubts
        if passage.by is not None:
            self._hops.append(
                Hop(
                    where=str(node),
                    what=f"translated by {passage.by.chain}: now {packet}",
                    rule=_text(node, passage.by),
                )
            )
        if passage.ended is not None:
            verdict = Verdict.REFUSED if passage.ended.verdict == REJECT else Verdict.DROPPED
            self._hops.append(_dropped(node, passage.ended))
            raise Over(verdict, tuple(doubts), by_rule=True)

    def course(self, over: Over) -> Course:
        """The whole.  A rule that cannot be read, and might have decided otherwise, leaves it open."""
        # Where no rule ended it, each that it passed might have.
        passed = not over.by_rule and over.verdict not in (Verdict.DROPPED, Verdict.UNREACHABLE)
        deciding = tuple(dict.fromkeys(self._doubts if passed else over.doubts))
        return Course(
            verdict=Verdict.UNKNOWN if deciding else over.verdict,
            hops=tuple(self._hops),
            doubts=deciding,
        )


def _dropped(node: Node, ruling: Ruling) -> Hop:
    how = "refused" if ruling.verdict == REJECT else "dropped"
    by = "the policy of " if ruling.rule is None else ""
    why = what_of(ruling)
    return Hop(
        where=str(node),
        what=f"{how} by {by}{ruling.chain}" + (f": {why}" if why else ""),
        ok=False,
        rule=_text(node, ruling),
        remedy=remedy_of(ruling),
    )


def _text(node: Node, ruling: Ruling) -> str:
    if ruling.rule is None:
        return f"policy {ruling.chain.policy}"
    return node.namespace.text_of(ruling.chain, ruling.rule)


def _doubted(node: Node, doubt: Doubt) -> str:
    text = node.namespace.text_of(doubt.chain, doubt.rule)
    return f"{node}, {doubt.chain}: {text}"
