"""Count the answers of servers and routers, to explain why there is no address."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

_MOST_REASONS: Final = 8  # a hostile server can think of many


@dataclass(slots=True)
class Reasons:
    """Why answers were not taken."""

    reasons: Counter[str] = field(default_factory=Counter)

    def unacceptable(self, why: str) -> None:
        """An answer was not taken."""
        if why in self.reasons or len(self.reasons) < _MOST_REASONS:
            self.reasons[why] += 1

    def _with_reasons(self, said: str) -> str:
        reasons = Counter(dict(self.reasons))  # a copy at once: another thread counts
        if not reasons:
            return said
        return f"{said}; an answer was not taken: {reasons.most_common(1)[0][0]}"


@dataclass(slots=True)
class Tally(Reasons):
    """Counts of one client."""

    discovers: int = 0
    offers: int = 0
    refusals: int = 0

    @property
    def text(self) -> str:
        """All of it, in the words of the protocol."""
        said = f"{self.discovers} DISCOVER, {self.offers} OFFER, {self.refusals} NAK"
        return self._with_reasons(said)


@dataclass(slots=True)
class Tally6(Reasons):
    """Counts of one client for IPv6."""

    solicitations: int = 0
    advertisements: int = 0
    requests: int = 0
    replies: int = 0

    @property
    def text(self) -> str:
        """All of it, in the words of the protocol."""
        of_routers = (
            (self.solicitations, "router solicitations"),
            (
                self.advertisements,
                "router advertisements",
            ),
        )
        of_servers = (self.requests, "DHCPv6 messages"), (self.replies, "answers")
        asked = (of_routers if self.solicitations else ()) + (of_servers if self.requests else ())
        said = ", ".join(f"{number} {what}" for number, what in asked)
        return self._with_reasons(said or "nothing was asked")
