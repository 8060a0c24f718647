"""What pynet promises, and for each promise attacks on it, with a question that must be answered.

The control of an attack is the same probe where nothing forbids it, so that the attack is a good one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from plugin.model.network import Protocol
from tests.kernel.site import HOST4, HOST4_OTHER

SERVICE: Final = 7001
SHUT: Final = 7002  # served too, and published nowhere
WEB, NAMED, LOOPBACK, STRICT, CARRIED, OF_SHIM = 8001, 8002, 8003, 8004, 8005, 8006
BOTH: Final = (4, 6)
PROTOCOLS: Final = (Protocol.TCP, Protocol.UDP)


@dataclass(frozen=True, slots=True)
class Ask:
    """A place asks another, or an address, by TCP and UDP."""

    by: str
    to: str
    port: int = SERVICE


@dataclass(frozen=True, slots=True)
class Send:
    """A datagram in a frame made by hand: to the MAC address of ``via``, for an address of ``to``.

    ``source`` and ``mac`` are the addresses of places, or the sender's own.
    """

    by: str
    via: str
    to: str
    source: str = ""
    at: str = ""  # who listens, if it is not ``to``
    mac: str = ""


@dataclass(frozen=True, slots=True)
class Attack:
    """What must come to nothing, and what shows that it is not for another reason."""

    promise: str
    what: str
    probe: Ask | Send
    control: Ask | Send
    families: tuple[int, ...] = BOTH


def _attacks(promise: str, *rows: tuple[str, Ask | Send, Ask | Send]) -> Iterator[Attack]:
    for what, probe, control in rows:
        words = {probe.by, probe.to, control.by, control.to} if isinstance(probe, Ask) else set()
        four = {HOST4, HOST4_OTHER, "127.0.0.1", "loopback"} & (words | {probe.to})
        yield Attack(promise, what, probe, control, (4,) if four else BOTH)


# Places: containers of networks that are called like them; `web` publishes WEB on any address, NAMED
# on one, and LOOPBACK on 127.0.0.1.  The LAN, a virtual machine, and containers of Docker's.
_PUBLISHED: Final = Ask("lan", "host", WEB)
_SIDE_BY_SIDE: Final = {
    "unpublished-ports": (
        ("of another network", Ask("other", "web"), Ask("other", "host", WEB)),
        ("of a network that is open", Ask("open", "web"), Ask("open", "host", WEB)),
        ("of Docker's network", Ask("dockers", "web"), Ask("dockers", "host", WEB)),
        ("of a virtual machine", Ask("vm", "web"), Ask("vm", "host", WEB)),
        ("of the LAN", Ask("lan", "web"), _PUBLISHED),
    ),
    "published-address": (
        (
            *("of 127.0.0.1, by the LAN", Ask("lan", HOST4, LOOPBACK)),
            Ask("host", "127.0.0.1", LOOPBACK),
        ),
        (
            *("of 127.0.0.1, by a container", Ask("other", HOST4, LOOPBACK)),
            Ask("host", "127.0.0.1", LOOPBACK),
        ),
        ("of one address", Ask("lan", HOST4_OTHER, NAMED), Ask("lan", HOST4, NAMED)),
    ),
    "isolation-strict": (
        ("by another network", Ask("other", "strict"), Ask("lan", "host", STRICT)),
        ("at a published port", Ask("other", "host", STRICT), Ask("lan", "host", STRICT)),
        ("by Docker's network", Ask("dockers", "host", STRICT), Ask("lan", "host", STRICT)),
        ("from inside", Ask("strict", "host", WEB), Ask("other", "host", WEB)),
        ("from inside, to Docker's", Ask("strict", "dockers"), Ask("strict", "vm")),
        ("by a container on a parent", Ask("shim", "host", STRICT), Ask("lan", "host", STRICT)),
        (
            "to a container on a parent",
            Ask("strict", "host", OF_SHIM),
            Ask("other", "host", OF_SHIM),
        ),
        ("by a bridge that nobody has seen", Ask("away", "host", STRICT), Ask("away", "host", WEB)),
    ),
    "isolation-off": (
        ("of one side only", Ask("other", "open"), Ask("open too", "open")),
        ("of one side only, from inside", Ask("open", "other"), Ask("open", "open too")),
        ("by the LAN", Ask("lan", "open"), Ask("open too", "open")),
    ),
    "internal": (
        ("to the LAN", Ask("internal", "lan"), Ask("other", "lan")),
        ("to a published port", Ask("internal", "host", WEB), Ask("other", "host", WEB)),
        ("to another network", Ask("internal", "open"), Ask("open too", "open")),
        (
            *("to a container on a parent", Ask("internal", "host", OF_SHIM)),
            Ask("other", "host", OF_SHIM),
        ),
        ("from another network", Ask("open", "internal"), Ask("internal too", "internal")),
        ("from the LAN", Ask("lan", "internal"), Ask("internal too", "internal")),
        ("from a virtual machine", Ask("vm", "internal"), Ask("vm", "host", WEB)),
    ),
    "isolated": (
        ("from the LAN", Ask("lan", "isolated"), Ask("isolated too", "isolated")),
        ("from another network", Ask("other", "isolated"), Ask("isolated too", "isolated")),
        ("to the LAN", Ask("isolated", "lan"), Ask("other", "lan")),
        ("to a published port", Ask("isolated", "host", WEB), Ask("other", "host", WEB)),
        (
            "to the host, by way of its bridge",
            Send("isolated", "isolated bridge", "host"),
            Send("other", "other bridge", "host"),
        ),
        (
            "to the host, in a frame to a bridge's own group",
            Send("isolated", "group", "host"),
            Send("other", "other bridge", "host"),
        ),
    ),
    "icc": (
        ("directly", Ask("apart", "apart too"), Ask("friend", "apart too")),
        (
            "by way of the host",
            Send("apart", "apart bridge", "apart too"),
            Send("friend", "apart bridge", "apart too"),
        ),
        (
            "by way of its own port",
            Send("apart", "apart port", "apart too"),
            Send("friend", "friend port", "apart too"),
        ),
        (
            "in a frame for everybody",
            Send("apart", "everybody", "apart too"),
            Send("friend", "everybody", "apart too"),
        ),
        (
            "as one who may",
            Send("apart", "apart too", "apart too", "friend"),
            Send("friend", "apart too", "apart too"),
        ),
    ),
    "icc-allow": (
        ("of another", Ask("friend", "apart"), Ask("friend", "apart too")),
        ("of one who is not asked back", Ask("apart", "friend"), Ask("apart too", "friend")),
    ),
    "trusted-interfaces": (
        ("by another link", Ask("lan", "trusting"), Ask("vm", "trusting")),
        ("by another network", Ask("other", "trusting"), Ask("vm", "trusting")),
    ),
    "routed-ports": (
        ("of the LAN", Ask("lan", "routed", SHUT), Ask("lan", "routed")),
        ("of another network", Ask("other", "routed", SHUT), Ask("other", "routed")),
    ),
    "docker-networks": (
        ("known", Ask("other", "dockers"), Ask("other", "vm")),
        ("made while pynet was away", Ask("other", "away"), Ask("other", "vm")),
        ("known, from a network that is open", Ask("open", "dockers"), Ask("open", "vm")),
    ),
    "host-services": (
        ("at its address", Ask("closed", "host"), Ask("other", "host")),
        ("another than is named", Ask("named", "host", SHUT), Ask("named", "host")),
        (
            "in a frame to a bridge's own group",
            Send("closed", "group", "host"),
            Send("other", "other bridge", "host"),
        ),
        (
            "in a frame to its own port",
            Send("closed", "closed port", "host"),
            Send("other", "other bridge", "host"),
        ),
        (
            "in a frame for everybody",
            Send("closed", "everybody", "host"),
            Send("other", "everybody", "host"),
        ),
        (
            "with another's address",
            Send("closed", "closed bridge", "host", "other"),
            Send("other", "other bridge", "host"),
        ),
    ),
    "host-loopback": (
        (
            "of a container",
            Send("web", "web bridge", "loopback", at="host"),
            Send("web", "web bridge", "host"),
        ),
        (
            "of the LAN",
            Send("lan", "up0", "loopback", at="host"),
            Send("lan", "up0", "host"),
        ),
        (
            "of a container on a parent",
            Send("shim", "shim link", "loopback", at="host"),
            Send("shim", "shim link", "host"),
        ),
    ),
    "parent-host": (
        ("heard by the LAN", Send("lan", "shim link", "host"), Send("lan", "up0", "host")),
        (
            "that hears another address",
            Send("shim", "shim link", "host", "shim too"),
            Send("shim", "shim link", "host"),
        ),
        (
            "that hears another address, for everybody",
            Send("shim", "everybody", "host", "shim too"),
            Send("shim", "everybody", "host"),
        ),
        (
            "that hears another address, to a group",
            Send("shim", "multicast", "host", "shim too"),
            Send("shim", "multicast", "host"),
        ),
        (
            "that hears another MAC address",
            Send("shim", "shim link", "host", mac="shim too"),
            Send("shim", "shim link", "host"),
        ),
        (
            "that hears another container",
            Send("shim", "shim link", "host", "shim too", mac="other"),
            Send("shim", "shim link", "host"),
        ),
        ("as a way to a network", Ask("shim", "web"), Ask("shim", "host", OF_SHIM)),
        ("as a way from a network", Ask("web", "shim"), Ask("web", "host", OF_SHIM)),
        ("as a way from Docker's", Ask("dockers", "shim"), Ask("dockers", "host", OF_SHIM)),
        ("as a way to Docker's", Ask("shim", "dockers"), Ask("shim", "host", OF_SHIM)),
        (
            "as a way to a network, by frames",
            Send("shim", "shim link", "web"),
            Send("shim", "shim link", "host"),
        ),
    ),
}
ATTACKS: Final = (
    *(each for promise, rows in _SIDE_BY_SIDE.items() for each in _attacks(promise, *rows)),
    # A container without IPv6, whose port the proxy carries on the host's.
    Attack(
        "isolation-strict",
        "at a port that is carried",
        Ask("other", "host", CARRIED),
        Ask("lan", "host", CARRIED),
        (6,),
    ),
)
