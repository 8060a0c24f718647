"""Count the answers of servers, to explain why there is no address."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

_MOST_REASONS: Final = 8  # a hostile server can think of many


@dataclass(slots=True)
class Tally:
    """Counts of one client."""

    discovers: int = 0
    offers: int = 0
    refusals: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def unacceptable(self, why: str) -> None:
        """An answer was not taken."""
        if why in self.reasons or len(self.reasons) < _MOST_REASONS:
            self.reasons[why] += 1

    @property
    def text(self) -> str:
        """All of it, in the words of the protocol."""
        reasons = Counter(dict(self.reasons))  # a copy at once: another thread counts
        said = f"{self.discovers} DISCOVER, {self.offers} OFFER, {self.refusals} NAK"
        if not reasons:
            return said
        return f"{said}; an answer was not taken: {reasons.most_common(1)[0][0]}"
