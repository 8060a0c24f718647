"""Who listens in a namespace."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from plugin.trace.packet import TCP, UDP, Packet

_BOTH: Final = "*"  # all addresses of both families


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A socket that takes what comes to a port, by one link or by any."""

    protocol: str
    address: str
    port: int
    processes: tuple[tuple[str, int], ...]
    link: str = ""

    def hears(self, packet: Packet) -> bool:
        """Whether the packet is for this socket."""
        if (self.protocol, self.port) != (packet.protocol, packet.dport):
            return False
        if self.link and self.link != packet.iif:
            return False
        if self.address == _BOTH:
            return True
        there = ip_address(self.address)
        if there.version != packet.version:
            return False
        return there.is_unspecified or there == packet.destination


def read(text: str) -> Iterator[Listener]:
    """Sockets, from what `ss -Hlntup` prints; a process has any name, with line breaks, too."""
    for line in text.split("\n"):
        words = line.split(maxsplit=6)
        if len(words) < 6 or words[0] not in (TCP, UDP):
            continue
        address, _, port = words[4].rpartition(":")
        address, _, link = address.partition("%")
        address = address.strip("[]")
        if not port.isdigit() or not _is_address(address):
            continue
        users = re.findall(r'\("([^"]*)",pid=(\d+)', words[6] if len(words) > 6 else "")
        yield Listener(
            protocol=words[0],
            address=address,
            port=int(port),
            processes=tuple((name, int(pid)) for name, pid in users),
            link=link,
        )


def _is_address(text: str) -> bool:
    try:
        return text == _BOTH or bool(ip_address(text))
    except ValueError:
        return False
