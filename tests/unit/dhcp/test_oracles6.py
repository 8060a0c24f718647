"""Frames of IPv6 that we write are read alike by scapy, and what scapy writes by us."""

from ipaddress import IPv6Address
from typing import Any, Final

import pytest
from scapy.layers.dhcp6 import DHCP6_Solicit
from scapy.layers.inet import UDP
from scapy.layers.inet6 import (
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RA,
    ICMPv6ND_RS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptPrefixInfo,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
)
from scapy.layers.l2 import Ether

from plugin.dhcp.frames6 import (
    Advertised,
    Datagram6,
    Neighbour,
    Speaker,
    announcement_frame,
    datagram_frame6,
    probe_frame,
    read_frame6,
    solicitation_frame,
)
from plugin.dhcp.messages6 import Kind, Message6, encode6
from plugin.model.ids import MacAddress, link_local
from tests.unit.dhcp.driven6 import ADDRESS, MAC, SPEAKER

ROUTER: Final = MacAddress("02:00:00:00:00:02")
SOLICIT: Final = encode6(Message6(kind=Kind.SOLICIT, xid=7, client=b"\0\4" + bytes(16)))
FRAMES: Final = {
    "solicitation": solicitation_frame(SPEAKER),
    "solicitation of nobody": solicitation_frame(Speaker(mac=SPEAKER.mac)),
    "probe": probe_frame(MAC, ADDRESS),
    "announcement": announcement_frame(MAC, ADDRESS),
    "datagram": datagram_frame6(SPEAKER, SOLICIT),
}


@pytest.mark.parametrize("name", FRAMES)
def test_checksums_and_lengths(name: str) -> None:
    """What scapy would compute is what is there."""
    frame = FRAMES[name]
    again = Ether(frame)
    del again[IPv6].plen
    for layer in (UDP, ICMPv6ND_RS, ICMPv6ND_NS, ICMPv6ND_NA):
        if layer in again:
            delattr(again[layer], "chksum" if layer is UDP else "cksum")

    assert bytes(again) == frame


def test_what_is_asked() -> None:
    """Of whom, as whom."""
    asked = Ether(FRAMES["solicitation"])
    assert (asked.dst, asked[IPv6].dst) == ("33:33:00:00:00:02", "ff02::2")
    assert (asked[IPv6].src, asked[ICMPv6NDOptSrcLLAddr].lladdr) == (
        str(SPEAKER.address),
        SPEAKER.mac,
    )
    nobody = Ether(FRAMES["solicitation of nobody"])
    assert nobody[IPv6].src == "::"
    assert ICMPv6NDOptSrcLLAddr not in nobody
    probe = Ether(FRAMES["probe"])
    assert (probe.src, probe.dst) == (MAC, "33:33:ff:33:44:55")
    assert (probe[IPv6].src, probe[IPv6].dst) == ("::", "ff02::1:ff33:4455")
    assert probe[ICMPv6ND_NS].tgt == str(ADDRESS)
    told = Ether(FRAMES["announcement"])
    assert (told[ICMPv6ND_NA].tgt, told[ICMPv6ND_NA].O) == (str(ADDRESS), 1)
    assert told[ICMPv6NDOptDstLLAddr].lladdr == MAC
    datagram = Ether(FRAMES["datagram"])
    assert (datagram[UDP].sport, datagram[UDP].dport) == (546, 547)
    assert (datagram[IPv6].dst, datagram[DHCP6_Solicit].trid) == ("ff02::1:2", 7)


def test_what_is_heard() -> None:
    """Routers, servers and neighbours; of a probe, only one of nobody's."""
    source = str(link_local(ROUTER))
    prefix = ICMPv6NDOptPrefixInfo(prefix="2001:db8:50::", prefixlen=64)
    said = _heard(IPv6(src=source, dst="ff02::1") / ICMPv6ND_RA() / prefix)
    assert isinstance(said, Advertised)
    assert str(said.advertisement.prefixes[0].network) == "2001:db8:50::/64"

    target = str(ADDRESS)
    neighbour = Neighbour(mac=ROUTER, target=ADDRESS)
    assert _heard(IPv6(src=target, dst="ff02::1") / ICMPv6ND_NA(tgt=target)) == neighbour
    assert _heard(IPv6(src="::", dst="ff02::1") / ICMPv6ND_NS(tgt=target)) == neighbour
    assert _heard(IPv6(src=source, dst="ff02::1") / ICMPv6ND_NS(tgt=target)) is None

    datagram = IPv6(src=source, dst="fe80::1") / UDP(sport=547, dport=546) / SOLICIT
    assert _heard(datagram) == Datagram6(mac=ROUTER, source=IPv6Address(source), payload=SOLICIT)
    assert _heard(IPv6(src=source, dst="fe80::1") / UDP(sport=547, dport=547) / SOLICIT) is None


def _heard(packet: Any) -> object:
    return read_frame6(bytes(Ether(src=ROUTER, dst="33:33:00:00:00:01") / packet))
