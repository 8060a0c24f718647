"""Links on a parent: macvlan and ipvlan, which reach each other and the LAN, but not the host."""

from typing import Final

from plugin.trace.bridges import Walker
from plugin.trace.namespace import Link
from plugin.trace.packet import IPAddress, Packet, Verdict
from plugin.trace.places import Node

_KINDS: Final = ("macvlan", "macvtap", "ipvlan", "ipvtap")
_APART: Final = ("private", "vepa", "passthru")
_REMEDY: Final = (
    "make the network with -o host_access=true: the host gets a link among its containers"
)


class Parents:
    """What the kernel does between links on the same parent."""

    def __init__(self, walk: Walker) -> None:
        self._walk = walk

    def is_child(self, link: Link) -> bool:
        """Whether the link is on a parent."""
        return link.kind in _KINDS

    def out(self, node: Node, link: Link, packet: Packet, next_hop: IPAddress) -> None:
        """From a container, or from the host's own link among them."""
        walk, host = self._walk, self._walk.places.host
        packet.source_mac = link.mac
        for other in walk.places.with_address(next_hop):
            there = self._child_of(other, link)
            if there is None or other is node:
                continue
            if link.mode in _APART or there.mode in _APART:
                walk.journal.note(
                    str(node), f"{link.name} is in mode {link.mode}: the switch decides"
                )
                break
            walk.receive(other, there, packet, next_hop)
        if node is not host and host.namespace.kind_of(next_hop) == "local":
            shim = self._child_of(host, link)
            if shim is None:
                self._refuse(node, link)
            else:
                walk.receive(host, shim, packet, next_hop)
        parent = self._parent(link)
        walk.leaves(node, parent or link, packet, next_hop)

    def child_with(self, parent: Link, address: IPAddress) -> tuple[Node, Link] | None:
        """The container with that address, and its link on a parent."""
        for node in self._walk.places.with_address(address):
            for each in node.namespace.links.values():
                if each.kind in _KINDS and each.below == parent.index:
                    return node, each
        return None

    def check_parent(self, node: Node, link: Link, next_hop: IPAddress) -> None:
        """Raises Over if the host asks a container on its parent straight."""
        if node is self._walk.places.host and self.child_with(link, next_hop) is not None:
            self._refuse(node, link)

    def _refuse(self, node: Node, link: Link) -> None:
        self._walk.journal.end(
            Verdict.UNREACHABLE,
            str(node),
            f"the kernel keeps a parent and the links on it apart ({link.name})",
            remedy=_REMEDY,
        )

    def _child_of(self, node: Node, link: Link) -> Link | None:
        """A link of the node's on the same parent."""
        for each in node.namespace.links.values():
            if each.kind in _KINDS and each.below == self._below(link) and each.up:
                return each
        return None

    def _below(self, link: Link) -> int:
        return link.below

    def _parent(self, link: Link) -> Link | None:
        return self._walk.places.host.namespace.by_index.get(link.below)
