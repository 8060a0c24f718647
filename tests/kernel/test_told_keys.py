"""Encrypting links of hosts that told each other their keys: no secret, and each key is one host's."""

import os
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address

import pytest

from plugin.kernel.linux import LinuxKernel
from plugin.kernel.wireguard.keys import Keys
from plugin.kernel.wireguard.x25519 import clamped, public_key
from plugin.model.tunnels import WireGuardPeer, inner_address, wireguard
from tests.kernel.netns import Netns

PORT = 41000 + os.getpid() % 20000
HERE, THERE = ip_address("10.99.0.1"), ip_address("10.99.0.2")
OWN = clamped(bytes(range(32)))
LINK = wireguard(HERE, PORT)


def _told(number: int) -> str:
    return b64encode(public_key(clamped(bytes([number] * 32)))).decode()


PEER = WireGuardPeer(
    ifname=LINK.ifname,
    inner=inner_address(THERE, PORT),
    endpoint=THERE,
    port=PORT,
    public_key=_told(1),
)


@pytest.fixture
def kernel() -> Iterator[LinuxKernel]:
    """Of a host that has a key of its own."""
    netns = Netns()
    with netns.entered():
        kernel = LinuxKernel(keys=Keys(own=lambda: OWN))
        kernel.ensure([LINK, PEER], lambda _: None)
        yield kernel
        kernel.remove([PEER, LINK])
        kernel.settle()
    netns.close()


def test_a_host_that_has_another_key(kernel: LinuxKernel) -> None:
    """Is known by that one alone: the former key speaks from nowhere."""
    assert kernel.read([LINK, PEER]) == {LINK, PEER}
    other = replace(PEER, public_key=_told(2))
    assert kernel.read([other]) == frozenset()
    kernel.ensure([other], lambda _: None)

    assert kernel.read([LINK, PEER, other]) == {LINK, other}


def test_this_host_has_another_key(kernel: LinuxKernel) -> None:
    """As after a restored backup: the link is not what it should be until it has the key."""
    later = LinuxKernel(keys=Keys(own=lambda: clamped(bytes([7] * 32))))
    assert later.read([LINK]) == {replace(LINK, owner="")}
    later.ensure([LINK], lambda _: None)

    assert later.read([LINK, PEER]) == {LINK, PEER}
    assert kernel.read([LINK]) == {replace(LINK, owner="")}
