"""Who there is: the host, its containers, and what carries ports between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from plugin.trace.listeners import Listener
from plugin.trace.namespace import Link, Namespace
from plugin.trace.packet import IPAddress, Packet


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Node:
    """The host, or a container; it may be known by its addresses long before it is looked at."""

    name: str
    namespace: Namespace
    addresses: frozenset[IPAddress] = field(default=frozenset())

    def __str__(self) -> str:
        return self.name

    def link_to(self, other: Link) -> Link | None:
        """This node's end of a pair of links, given the other end."""
        link = self.namespace.by_index.get(other.below)
        return link if link is not None and link.below == other.index else None


class Carriers(Protocol):
    """Programs that take a connection and open another one to a container."""

    def carried(self, packet: Packet, listener: Listener) -> tuple[IPAddress, int] | None:
        """Where the program behind a socket carries what comes to it; None if it does not."""

    def is_held(self, listener: Listener) -> bool:
        """Whether the socket only keeps a published port from other programs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Everything that a packet may come to."""

    host: Node
    containers: Mapping[IPAddress, Sequence[Node]]
    carriers: Carriers

    def with_address(self, address: IPAddress) -> Sequence[Node]:
        """The containers that have an address."""
        return self.containers.get(address, ())

    def bridged(self, address: IPAddress) -> tuple[Node, Link] | None:
        """The container that has an address on a pair of links, and the host's end of it."""
        for node in self.with_address(address):
            for name, own in node.namespace.addresses.items():
                link = node.namespace.links.get(name)
                there = None if link is None or address not in own else self.host.link_to(link)
                if there is not None:
                    return node, there
        return None

    def behind(self, port: Link, address: IPAddress) -> tuple[Node, Link] | None:
        """The container with that address at the other end of a link of the host's."""
        for node in self.with_address(address):
            link = node.link_to(port)
            if link is not None:
                return node, link
        return None
