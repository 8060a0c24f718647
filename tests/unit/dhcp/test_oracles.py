"""What we write is read alike by others, and what others write by us: scapy, and pyroute2."""

import struct
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyroute2.dhcp.dhcp4msg import dhcp4msg
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dhcp6 import (
    DUID_UUID,
    DHCP6_Solicit,
    DHCP6OptClientId,
    DHCP6OptIA_NA,
    DHCP6OptIAAddress,
    DHCP6OptRapidCommit,
    DHCP6OptServerId,
)
from scapy.layers.dhcp6 import DHCP6_Reply as Reply
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import ICMPv6ND_RA, ICMPv6NDOptMTU, ICMPv6NDOptPrefixInfo
from scapy.layers.l2 import ARP, Ether

from plugin.dhcp.frames import Arp, Datagram, arp_frame, datagram_frame, read_frame
from plugin.dhcp.identity import duid_of, iaid_of
from plugin.dhcp.messages4 import Kind, Message, Option, decode, encode
from plugin.dhcp.messages6 import Association, Granted, Message6, decode6, encode6
from plugin.dhcp.messages6 import Kind as Kind6
from plugin.dhcp.router_advertisement import read_advertisement
from plugin.model.ids import MacAddress

MAC: Final = MacAddress("02:aa:00:00:00:01")
EXAMPLES: Final = settings(max_examples=40, deadline=None, phases=(Phase.generate,))

addresses = st.integers(1, 0xFFFFFFFE).map(IPv4Address)
numbers = st.integers(0, 0xFFFFFFFF)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Any, with options whose bytes are as long as the others want them."""
    four = st.binary(min_size=4, max_size=4)
    texts = st.binary(min_size=1, max_size=40)
    chosen = st.fixed_dictionaries(
        {},
        optional={
            int(Option.SUBNET_MASK): four,
            int(Option.REQUESTED_ADDRESS): four,
            int(Option.SERVER_ID): four,
            int(Option.LEASE_TIME): four,
            int(Option.CLIENT_ID): texts,
            int(Option.CLASSLESS_ROUTES): st.binary(min_size=1, max_size=600),
        },
    )
    return Message(
        kind=draw(st.sampled_from(Kind)),
        xid=draw(numbers),
        mac=MacAddress(draw(st.binary(min_size=6, max_size=6)).hex(":")),
        reply=draw(st.booleans()),
        seconds=draw(st.integers(0, 0xFFFF)),
        broadcast=draw(st.booleans()),
        client=draw(addresses),
        yours=draw(addresses),
        relay=draw(addresses),
        options=tuple(draw(chosen).items()),
    )


@EXAMPLES
@given(messages())
def test_our_messages_come_back(message: Message) -> None:
    """Whatever they say, and however long their options are."""
    assert decode(encode(message)) == message


@EXAMPLES
@given(messages())
def test_scapy_reads_our_messages(message: Message) -> None:
    """Header, kind and short options."""
    short = tuple(each for each in message.options if each[0] != Option.CLASSLESS_ROUTES)
    message = replace(message, options=short)
    read = BOOTP(encode(message))

    assert (read.xid, read.secs, bool(read.flags.B)) == (
        message.xid,
        message.seconds,
        message.broadcast,
    )
    assert (read.ciaddr, read.yiaddr) == (str(message.client), str(message.yours))
    assert read.chaddr[:6].hex(":") == message.mac
    options = dict(each[:2] for each in read[DHCP].options if isinstance(each, tuple))
    assert options["message-type"] == message.kind
    wanted = message.option(Option.REQUESTED_ADDRESS)
    assert options.get("requested_addr") == (str(IPv4Address(wanted)) if wanted else None)


@EXAMPLES
@given(xid=numbers, yours=addresses, server=addresses, seconds=numbers, router=addresses)
def test_we_read_scapys_messages(
    xid: int, yours: IPv4Address, server: IPv4Address, seconds: int, router: IPv4Address
) -> None:
    """An offer as a server would write it."""
    written = BOOTP(op=2, xid=xid, yiaddr=str(yours), chaddr=bytes.fromhex(MAC.replace(":", "")))
    written /= DHCP(
        options=[
            ("message-type", "offer"),
            ("server_id", str(server)),
            ("lease_time", seconds),
            ("router", str(router)),
            "end",
        ]
    )

    read = decode(bytes(written))

    assert read
    assert (read.kind, read.xid, read.yours, read.mac) == (Kind.OFFER, xid, yours, MAC)
    assert read.option(Option.SERVER_ID) == server.packed
    assert read.option(Option.LEASE_TIME) == struct.pack("!I", seconds)
    assert read.option(Option.ROUTER) == router.packed


@EXAMPLES
@given(xid=numbers, yours=addresses)
def test_pyroute2_reads_our_messages(xid: int, yours: IPv4Address) -> None:
    """With its own client's reader."""
    message = Message(
        kind=Kind.ACK, xid=xid, mac=MAC, reply=True, yours=yours, options=((54, yours.packed),)
    )

    read = dhcp4msg(buf=encode(message)).decode()

    assert (read["xid"], read["yiaddr"], read["chaddr"]) == (xid, str(yours), MAC)
    assert read["options"]["message_type"] == Kind.ACK
    assert read["options"]["server_id"] == str(yours)


@EXAMPLES
@given(payload=st.binary(min_size=1, max_size=600), source=addresses, target=addresses)
def test_scapy_takes_our_frames(payload: bytes, source: IPv4Address, target: IPv4Address) -> None:
    """Addresses, ports, lengths, and both checksums."""
    read = Ether(datagram_frame(MAC, payload, source=source, target=target))

    assert (read.src, read.dst) == (MAC, "ff:ff:ff:ff:ff:ff")
    assert (read[IP].src, read[IP].dst) == (str(source), str(target))
    assert (read[UDP].sport, read[UDP].dport) == (68, 67)
    assert bytes(read[UDP].payload) == payload
    sums = read[IP].chksum, read[UDP].chksum
    del read[IP].chksum, read[UDP].chksum
    again = Ether(bytes(read))
    assert sums == (again[IP].chksum, again[UDP].chksum)


@EXAMPLES
@given(payload=st.binary(min_size=1, max_size=600), source=addresses, padding=st.integers(0, 20))
def test_we_take_scapys_frames(payload: bytes, source: IPv4Address, padding: int) -> None:
    """With IP options, and with what Ethernet pads short frames with."""
    frame = Ether(src=MAC, dst="ff:ff:ff:ff:ff:ff") / IP(src=str(source), dst="255.255.255.255")
    frame /= UDP(sport=67, dport=68) / payload

    read = read_frame(bytes(frame) + bytes(padding))

    assert read == Datagram(mac=MAC, source=source, payload=payload)


def test_what_is_not_for_a_client_is_nothing() -> None:
    """Other ports, other protocols, fragments, other families."""
    head = Ether(src=MAC) / IP(src="192.168.50.1")
    others = [
        head / UDP(sport=67, dport=67) / b"x",
        Ether(src=MAC) / IP(src="192.168.50.1", proto=6) / (b"\0" * 20),
        Ether(src=MAC) / IP(src="192.168.50.1", frag=3) / UDP(dport=68) / b"x",
        Ether(src=MAC) / IP(src="192.168.50.1", flags="MF") / UDP(dport=68) / b"x",
        Ether(src=MAC, type=0x86DD) / (b"\0" * 60),
    ]

    assert [read_frame(bytes(each)) for each in others] == [None] * len(others)


@EXAMPLES
@given(sender=addresses, target=addresses)
def test_arp_both_ways(sender: IPv4Address, target: IPv4Address) -> None:
    """scapy reads pynet's question, and pynet reads scapy's answer."""
    read = Ether(arp_frame(MAC, sender, target))[ARP]
    answer = Ether(src=MAC) / ARP(op=2, hwsrc=MAC, psrc=str(sender), pdst=str(target))

    assert (read.op, read.hwsrc, read.psrc, read.pdst) == (1, MAC, str(sender), str(target))
    assert read_frame(bytes(answer)) == Arp(operation=2, mac=MAC, sender=sender, target=target)


def test_scapy_reads_our_solicit() -> None:
    """DUID, IAID, and that it is not a server's to grant at once."""
    message = Message6(
        kind=Kind6.SOLICIT,
        xid=0x123456,
        client=duid_of("web"),
        association=Association(iaid=iaid_of("web")),
        wished_for=(23, 24),
    )

    read = DHCP6_Solicit(encode6(message))

    assert read.trid == 0x123456
    assert isinstance(read[DHCP6OptClientId].duid, DUID_UUID)
    assert bytes(read[DHCP6OptClientId].duid) == duid_of("web")
    assert read[DHCP6OptIA_NA].iaid == int.from_bytes(iaid_of("web"), "big")
    assert DHCP6OptRapidCommit not in read
    assert decode6(encode6(message)) == message


@EXAMPLES
@given(
    address=st.integers(0x20010DB8 << 96, (0x20010DB9 << 96) - 1).map(IPv6Address),
    times=st.lists(numbers, min_size=2, max_size=2).map(sorted),
    iaid=numbers,
)
def test_we_read_scapys_reply(address: IPv6Address, times: list[int], iaid: int) -> None:
    """An address with its two lifetimes."""
    preferred, valid = times
    granted = DHCP6OptIAAddress(addr=str(address), preflft=preferred, validlft=valid)
    client, server = DUID_UUID(duid_of("web")), DUID_UUID(duid_of("server"))
    written = Reply(trid=7) / DHCP6OptClientId(duid=client) / DHCP6OptServerId(duid=server)
    written /= DHCP6OptIA_NA(iaid=iaid, T1=1, T2=2, ianaopts=[granted])

    read = decode6(bytes(written))

    assert read
    assert read.association
    expected = (Granted(address=address, preferred=preferred, valid=valid),) if valid else ()
    assert read.association.addresses == expected
    assert read.association.iaid == struct.pack("!I", iaid)
    assert (read.kind, read.xid, read.server) == (Kind6.REPLY, 7, duid_of("server"))


@pytest.mark.parametrize(("managed", "other", "autonomous"), [(0, 0, 1), (1, 0, 0), (1, 1, 1)])
def test_we_read_scapys_advertisement(managed: int, other: int, autonomous: int) -> None:
    """Flags, lifetime, prefix and MTU."""
    prefix = ICMPv6NDOptPrefixInfo(
        prefix="fd50::", prefixlen=64, A=autonomous, L=1, validlifetime=120, preferredlifetime=60
    )
    written = ICMPv6ND_RA(M=managed, O=other, routerlifetime=1800)

    read = read_advertisement(bytes(written / prefix / ICMPv6NDOptMTU(mtu=1400)))

    assert read
    assert (read.managed, read.other, read.lifetime, read.mtu) == (managed, other, 1800, 1400)
    (found,) = read.prefixes
    assert str(found.network) == "fd50::/64"
    assert (found.autonomous, found.on_link, found.valid, found.preferred) == (
        *(bool(autonomous), True),
        *(120, 60),
    )
