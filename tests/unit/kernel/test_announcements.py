"""What is said in a container's place is what its own stack would say."""

from ipaddress import ip_address

from plugin.kernel.announcements import frame

MAC = bytes.fromhex("020000000007")


def test_an_arp_announcement() -> None:
    """To everybody; the address is the sender's and the one that is asked about."""
    said = frame(MAC, ip_address("10.1.0.7"))

    assert said.hex(" ", 2) == (
        "ffff ffff ffff 0200 0000 0007 0806"
        " 0001 0800 0604 0001 0200 0000 0007 0a01 0007 0000 0000 0000 0a01 0007"
    )


def test_an_unsolicited_advertisement() -> None:
    """To all nodes, from the address itself, and meant to replace what they know."""
    said = frame(MAC, ip_address("fd00:1::7"))

    assert said[:14].hex() == "333300000001" + MAC.hex() + "86dd"
    head, message = said[14:54], said[54:]
    assert head[4:8].hex() == "00203aff"  # length, ICMPv6, 255 hops
    assert ip_address(head[8:24]) == ip_address("fd00:1::7")
    assert ip_address(head[24:40]) == ip_address("ff02::1")
    assert message[:2] + message[4:8] == bytes.fromhex("880020000000")
    assert ip_address(message[8:24]) == ip_address("fd00:1::7")
    assert message[24:].hex() == "0201" + MAC.hex()


def test_its_checksum_is_right() -> None:
    """The sum over the addresses, the length, the protocol and the message is all ones."""
    said = frame(MAC, ip_address("fd00:1::7"))
    data = said[22:54] + len(said[54:]).to_bytes(4) + b"\0\0\0\x3a" + said[54:]
    total = sum(int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2))

    assert total % 0xFFFF == 0
