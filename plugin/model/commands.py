"""Commands that a person would type to build what pynet builds, and what each is for.

A command has no text of why: the topic selects a sentence in the catalogue of a language, which is
about the value.
"""

import shlex
from dataclasses import dataclass
from enum import Enum, auto

from plugin.model.facts import Fact
from plugin.model.traffic import Barred, Exposure, Role


class Step(Enum):
    """What a command does for an object of the host."""

    PARENT = auto()
    RULES = auto()
    BRIDGE = auto()
    ADOPTABLE = auto()
    DUMMY = auto()
    VLAN = auto()
    SHIM = auto()
    VETH = auto()
    PLUG = auto()
    PROTOCOLS = auto()
    MACVLAN = auto()
    IPVLAN = auto()
    OWNER = auto()
    UP = auto()
    HAND_OVER = auto()
    HAIRPIN = auto()
    IFB = auto()
    INGRESS = auto()
    REDIRECT = auto()
    RATE = auto()
    WIREGUARD = auto()
    WIREGUARD_KEY = auto()
    WIREGUARD_ADDRESS = auto()
    WIREGUARD_PEER = auto()
    VXLAN = auto()
    FLOOD = auto()
    ADDRESS = auto()
    NEIGHBOUR = auto()
    ROUTE = auto()
    LOOPBACK = auto()
    HOST_PORT = auto()
    PROXIED_PORT = auto()


class Setting(Enum):
    """What a kernel setting does: the end of its name, and its value."""

    FORWARD_IPV4 = "ip_forward=1"
    FORWARD_IPV6 = "forwarding=1"
    NO_ADVERTISEMENTS = "accept_ra=0"
    NO_DETECTION = "accept_dad=0"
    IPV6_ON = "disable_ipv6=0"
    IPV6_OFF = "disable_ipv6=1"
    ARP_FILTER = "arp_filter=1"
    ARP_IGNORE = "arp_ignore=1"
    ANNOUNCE_IPV4 = "arp_notify=1"
    ANNOUNCE_IPV6 = "ndisc_notify=1"


Topic = Step | Setting | Role | Exposure | Barred | type[Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program with its arguments, and what it is for; without words it is a remark.

    ``condition`` is shell text before the command, for what may be there already.
    """

    words: tuple[str, ...] = ()
    topic: Topic
    about: object
    condition: str = ""

    @property
    def text(self) -> str:
        """One line for a POSIX shell: names of links may have characters that mean something there."""
        return f"{self.condition} {shlex.join(self.words)}".strip()
