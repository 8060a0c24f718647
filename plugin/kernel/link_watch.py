"""Listen to what becomes of links: of Docker's bridges, of parents, and of pynet's own.

A container's life is a dozen announcements.  One thread reads each of them once for all who listen,
and those that would tell nobody anything the kernel leaves out.
"""

import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from plugin import socket_filters as filters
from plugin.kernel.links import docker_bridges, ownership
from plugin.kernel.netlink import link_messages as words
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink import route_messages as routes
from plugin.kernel.netlink.conversations import conversation
from plugin.kernel.netlink.link_messages import LinkInfo
from plugin.kernel.watch import Watch
from plugin.model.ids import HANDOFF_PREFIX, WIREGUARD_PREFIX, IfName

_STATE: Final = words.IFF_UP | words.IFF_RUNNING
_OURS: Final = raw.U32.pack(ownership.GROUP_OURS)
_TUNNEL: Final = "vxlan"  # links of other kinds have data that time changes

_ATTRIBUTES: Final = raw.HEADER_BYTES + words.IFINFOMSG.size
_FIRST_TYPE: Final = _ATTRIBUTES + 2
_FIRST_VALUE: Final = _ATTRIBUTES + raw.ATTRIBUTE_HEADER
# Of this host's byte order, and loaded as of the network's.
_IFNAME: Final = socket.htons(words.IFLA_IFNAME)
_HANDED_OVER: Final = int.from_bytes(HANDOFF_PREFIX.encode())
_GROUP: Final = int.from_bytes(_OURS)


@dataclass(frozen=True, slots=True)
class AnnouncedLink:
    """A link that has come, changed or gone; ``values`` are its attributes (linux/if_link.h)."""

    index: int
    ifname: IfName
    flags: int
    gone: bool
    values: Mapping[int, bytes]

    @classmethod
    def of(cls, kind: int, body: bytes) -> Self:
        _, _, index, flags, _ = words.IFINFOMSG.unpack_from(body)
        values = raw.attributes(body, words.IFINFOMSG.size)
        ifname = IfName(raw.text(values.get(words.IFLA_IFNAME)))
        return cls(index, ifname, flags, kind != words.RTM_NEWLINK, values)

    @property
    def is_ours(self) -> bool:
        """Whether it belongs to pynet, and is not left to the reaper."""
        return self.values.get(words.IFLA_GROUP) == _OURS

    def number(self, attribute: int) -> int:
        """The number that an attribute is; 0 without it."""
        value = self.values.get(attribute)
        return int(raw.U32.unpack(value)[0]) if value else 0


class LinkListener(ABC):
    """Who wants to know of links; ``lost`` is called where announcements were."""

    def __init__(self, lost: Callable[[], None]) -> None:
        self.lost = lost

    def start(self, links: Iterable[LinkInfo]) -> None:  # noqa: B027 - not all need them
        """The links that are there before the first announcement."""

    @abstractmethod
    def hear(self, link: AnnouncedLink) -> None:
        """One announcement."""


class LinkWatch(Watch):
    """Tells each of its listeners of all links, but for the ends that containers get.

    An announcement of a bridge about its port comes beside the link's own.
    """

    wanted: ClassVar[filters.Program] = (
        (filters.LOAD_BYTE, 0, 0, raw.HEADER_BYTES),  # struct ifinfomsg, ifi_family
        (filters.JUMP_EQUAL, 10, 0, routes.AF_BRIDGE),
        (filters.LOAD_HALF, 0, 0, _FIRST_TYPE),
        (filters.JUMP_EQUAL, 0, 9, _IFNAME),
        (filters.LOAD_WORD, 0, 0, _FIRST_VALUE),
        (filters.JUMP_EQUAL, 0, 7, _HANDED_OVER),
        (filters.LOAD_VALUE, 0, 0, _ATTRIBUTES),
        (filters.LOAD_VALUE_X, 0, 0, words.IFLA_GROUP),
        (filters.LOAD_WORD, 0, 0, filters.FIND_ATTRIBUTE),
        (filters.COPY_TO_X, 0, 0, 0),
        (filters.LOAD_WORD_INDEXED, 0, 0, raw.ATTRIBUTE_HEADER),
        (filters.JUMP_EQUAL, 0, 1, _GROUP),
        (filters.RETURN, 0, 0, 0),
        (filters.RETURN, 0, 0, 1 << 16),
    )

    def __init__(self, *listeners: LinkListener) -> None:
        self._listeners = listeners
        with conversation() as rtnl:
            links = rtnl.links()
        for listener in listeners:
            listener.start(links)
        super().__init__(socket.NETLINK_ROUTE, (words.RTNLGRP_LINK,), self._lost)

    def _hear(self, kind: int, body: bytes) -> None:
        link = AnnouncedLink.of(kind, body)
        for listener in self._listeners:
            listener.hear(link)

    def _lost(self) -> None:
        for listener in self._listeners:
            listener.lost()


class Bridges(LinkListener):
    """Calls ``changed`` after a bridge of another program came, went, or got its first port."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(changed)
        self._changed = changed
        self._known: set[tuple[int, bool]] = set()  # its index, and whether it is Docker's

    def hear(self, link: AnnouncedLink) -> None:
        named = docker_bridges.is_bridge(link.ifname)
        if link.gone:
            gone = {(link.index, True), (link.index, False)} & self._known
            if named or gone:
                self._known -= gone
                self._changed()
        elif named:
            self._learn(link.index, dockers=True)
        elif master := link.number(words.IFLA_MASTER):
            dockers = docker_bridges.is_port(link.ifname)
            if dockers or not link.is_ours:
                self._learn(master, dockers=dockers)

    def _learn(self, bridge: int, *, dockers: bool) -> None:
        if (bridge, dockers) not in self._known:
            self._known.add((bridge, dockers))
            self._changed()


class ParentLinks(LinkListener):
    """Calls ``changed`` after a link came or went, or has another name or state.

    Only links count that ``concerns`` answers for by a name that they have or had.
    """

    def __init__(self, concerns: Callable[[str], bool], changed: Callable[[], None]) -> None:
        super().__init__(changed)
        self._concerns = concerns
        self._changed = changed
        # A renamed link is known by its old name.
        self._known: dict[int, tuple[IfName, int]] = {}

    def start(self, links: Iterable[LinkInfo]) -> None:
        self._known = {
            each.index: (
                each.ifname,
                each.up * words.IFF_UP | each.running * words.IFF_RUNNING,
            )
            for each in links
        }

    def hear(self, link: AnnouncedLink) -> None:
        before, now = self._known.pop(link.index, None), (link.ifname, link.flags & _STATE)
        if not link.gone:
            self._known[link.index] = now
            if before == now:
                return
        names = {link.ifname} if before is None else {link.ifname, before[0]}
        if any(map(self._concerns, names)):
            self._changed()


class OwnLinks(LinkListener):
    """Calls ``changed`` with the name of a link that belongs to pynet and went, or was changed.

    Changed is one that is down, has left its bridge, or has another MTU; and a tunnel that leads
    elsewhere.  What pynet does itself is announced, too: whether a link should be there is for
    ``changed`` to know.
    """

    def __init__(self, changed: Callable[[str], None], lost: Callable[[], None]) -> None:
        super().__init__(lost)
        self._told = changed
        self._known: dict[int, _OwnLink] = {}

    def start(self, links: Iterable[LinkInfo]) -> None:
        own = [each for each in links if ownership.is_ours(each)]
        self._known = {each.index: _OwnLink.there(each) for each in own}

    def hear(self, link: AnnouncedLink) -> None:
        before = self._known.pop(link.index, None)
        if not link.gone:
            if not link.is_ours:
                return
            now = self._known[link.index] = _OwnLink.announced(link)
            if before is None or not before.is_harmed(now):
                return
        if before is not None:
            self._told(before.ifname)


@dataclass(frozen=True, slots=True)
class _OwnLink:
    """What of a link matters, as it was announced last."""

    ifname: IfName
    made: bool  # its owner is written last
    up: bool
    master: int
    mtu: int
    tunnel: Mapping[int, bytes]

    @classmethod
    def there(cls, link: LinkInfo) -> Self:
        up = _is_up(link.ifname, up=link.up, running=link.running)
        tunnel = link.data if link.kind == _TUNNEL else {}
        return cls(link.ifname, bool(link.alias), up, link.master, link.mtu, tunnel)

    @classmethod
    def announced(cls, link: AnnouncedLink) -> Self:
        up, running = bool(link.flags & words.IFF_UP), bool(link.flags & words.IFF_RUNNING)
        return cls(
            link.ifname,
            words.IFLA_IFALIAS in link.values,
            _is_up(link.ifname, up=up, running=running),
            link.number(words.IFLA_MASTER),
            link.number(words.IFLA_MTU),
            _tunnel(link.values.get(words.IFLA_LINKINFO, b"")),
        )

    def is_harmed(self, now: Self) -> bool:
        if self.up > now.up or self.master not in {0, now.master}:
            return True
        return self.made and (self.mtu, self.tunnel) != (now.mtu, now.tunnel)


def _is_up(ifname: IfName, *, up: bool, running: bool) -> bool:
    """A link that a process has stays up when that ends."""
    return running if ifname.startswith(WIREGUARD_PREFIX) else up


def _tunnel(info: bytes) -> Mapping[int, bytes]:
    found = raw.attributes(info, 0)
    if raw.text(found.get(words.IFLA_INFO_KIND)) != _TUNNEL:
        return {}
    return raw.attributes(found.get(words.IFLA_INFO_DATA, b""), 0)
