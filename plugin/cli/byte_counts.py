"""How many bytes each container has received and sent, by the counters of its link.

A container on a bridge is counted at the host's end of its link, any other within its own network
namespace, by the link that has its MAC address.
"""

import fcntl
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from plugin.model.ids import EndpointID, port_name
from plugin.operator.doctor.host import Host, UnseenError
from plugin.operator.doctor.probes import within

_TABLE: Final = Path("/proc/thread-self/net/dev")
_SIOCGIFHWADDR: Final = 0x8927  # linux/sockios.h
_SENT: Final = 8  # columns that a link's received bytes are before its sent ones (proc(5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Bytes since the container's link was made."""

    received: int
    sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What every endpoint had at a moment, as monotonic seconds; one that cannot be seen is left out."""

    at: float
    endpoints: dict[str, Counted]


def sample(host: Host) -> Sample:
    """Count now.  Raises UnseenError if pynet does not answer."""
    own = counters()
    return Sample(at=time.monotonic(), endpoints=dict(_counted(host, own)))


def counters() -> dict[str, Counted]:
    """Every link of the network namespace that this thread is in."""
    found = {}
    for line in os.fsdecode(_TABLE.read_bytes()).split("\n")[2:-1]:
        name, _, numbers = line.partition(":")
        columns = [int(each) for each in numbers.split()]
        found[name.strip()] = Counted(received=columns[0], sent=columns[_SENT])
    return found


def _counted(host: Host, own: dict[str, Counted]) -> Iterator[tuple[str, Counted]]:
    for network in host.networks:
        for endpoint in network.joined:
            port = own.get(port_name(EndpointID(endpoint.id)))
            if port is not None:  # what the host's end sends, the container receives
                yield endpoint.id, Counted(received=port.sent, sent=port.received)
                continue
            with suppress(UnseenError):
                process = host.process_of(endpoint.id)
                inside = within(process, partial(_by_address, endpoint.mac_address))
                if inside is not None:
                    yield endpoint.id, inside


def _by_address(mac_address: str) -> Counted | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        for name, counted in counters().items():
            request = struct.pack("256s", os.fsencode(name))
            with suppress(OSError):
                answer = fcntl.ioctl(asker, _SIOCGIFHWADDR, request)
                if answer[18:24].hex(":") == mac_address:
                    return counted
    return None
