"""Upper bounds for what goes through a link, as values."""

from dataclasses import dataclass

from plugin.model.ids import IfName, Key


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """An upper bound for what goes out of a link that pynet made, in bits per second."""

    ifname: IfName
    rate: int

    @property
    def key(self) -> Key:
        return ("limit", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressRedirect:
    """An ifb link that everything takes which comes in by ``source``.

    The kernel bounds only what goes out of a link; what comes in goes out of this link first.
    """

    ifname: IfName
    source: IfName
    owner: str

    @property
    def key(self) -> Key:
        return ("link", self.ifname)
