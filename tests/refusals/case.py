"""One case: what is said, and what pynet answers."""

from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final

DUAL: Final = ("10.50.0.0/24", "fd00:50::/64")

IPV4: Final = DUAL[:1]

LABEL: Final = "com.docker.network."


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A network, or a container on a network that is fine, and a part of the answer."""

    mode: str
    said: str
    options: dict[str, str] = field(default_factory=dict)
    container: dict[str, str] = field(default_factory=dict)
    internal: bool = False
    subnets: tuple[str, ...] = DUAL

    @property
    def gateways(self) -> dict[str, str]:
        """By subnet, the first address of each."""
        return {each: str(ip_network(each)[1]) for each in self.subnets}

    @property
    def name(self) -> str:
        """What pytest calls it."""
        given = [*self.options.items(), *self.container.items()]
        words = [f"{name}={value}" for name, value in given if (name, value) != ("mode", self.mode)]
        return " ".join([self.mode, *words, *(["--internal"] if self.internal else [])])
