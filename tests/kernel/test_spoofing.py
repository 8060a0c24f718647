"""What a container needs to say is heard, and who is exempt; forgeries are in ``test_attacks``.

The neighbour is on the same bridge and all but the addresses in question is right, so that it
is the guard that decides.  After every frame an honest one is sent, which must arrive.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from plugin.model.speakers import SpeaksAs, SpeaksFrom
from plugin.model.traffic import LinkRole
from tests.fakes.values import a_network, an_endpoint
from tests.kernel import frames
from tests.kernel.forgeries import (
    ALL4,
    ALL6,
    DUAL,
    FOREIGN4,
    FOREIGN6,
    FORGERIES,
    HONEST,
    KINDS,
    LINK6,
    OWN4,
    OWN6,
    OWN_MAC,
    PIECES,
    REPORTS6,
    ROUTERS6,
    SILENT,
    TOLD,
    named,
)
from tests.kernel.frames import ARP, IP4, IP6, Ear
from tests.kernel.netns import wait_until
from tests.kernel.site import Container, Site

FORGED: Final = FORGERIES["own-ip-address"]["a neighbour's, IPv4"]
SPOOFS: Final = named(FORGERIES)
NEEDED: Final = {
    "its own IPv4 address": HONEST.frame(IP4, frames.udp4(OWN4, FOREIGN4, (7, 7))),
    "its own IPv6 address": HONEST.frame(IP6, frames.udp6(OWN6, FOREIGN6, (7, 7))),
    "its own link-local address": HONEST.frame(IP6, frames.udp6(LINK6, ALL6, (7, 7))),
    "an ARP request": HONEST.frame(
        ARP, frames.arp(operation=1, mac=OWN_MAC, ip=OWN4, target=FOREIGN4)
    ),
    "an ARP answer": HONEST.frame(
        ARP, frames.arp(operation=2, mac=OWN_MAC, ip=OWN4, target=FOREIGN4)
    ),
    "an ARP probe": HONEST.frame(
        ARP, frames.arp(operation=1, mac=OWN_MAC, ip="0.0.0.0", target=OWN4)
    ),
    "a DHCP client": HONEST.frame(IP4, frames.udp4("0.0.0.0", ALL4, (68, 67))),
    "a DHCP client that renews": HONEST.frame(IP4, frames.udp4(OWN4, FOREIGN4, (68, 67))),
    "a DHCPv6 client": HONEST.frame(IP6, frames.udp6(LINK6, ALL6, (546, 547))),
    "duplicate address detection": HONEST.frame(IP6, frames.neighbour(135, "::", ALL6, OWN6)),
    "duplicate address detection with a nonce": HONEST.frame(
        IP6, frames.neighbour(135, "::", ALL6, OWN6, frames.NONCE)
    ),
    **{
        f"{KINDS[kind]} {what}": HONEST.frame(
            IP6, frames.neighbour(kind, OWN6, ALL6, about, options)
        )
        for kind, tells, about in TOLD
        for what, options in (
            ("with its MAC address", tells(OWN_MAC)),
            ("without one", b""),
        )
    },
    "an advertisement of its link-local address": HONEST.frame(
        IP6, frames.neighbour(136, LINK6, ALL6, LINK6)
    ),
    "a report of multicast groups, IPv4": HONEST.frame(
        IP4, frames.ip4(OWN4, "224.0.0.22", socket.IPPROTO_IGMP, b"\x22\0\0\0" + bytes(4))
    ),
    "a router solicitation": HONEST.frame(
        IP6, frames.icmp6(LINK6, ROUTERS6, 133, SILENT, frames.source_is_at(OWN_MAC))
    ),
    "a router solicitation without its MAC address": HONEST.frame(
        IP6, frames.icmp6(LINK6, ROUTERS6, 133, SILENT, b"")
    ),
    "a report of multicast groups": HONEST.frame(IP6, frames.icmp6(LINK6, REPORTS6, 143, SILENT)),
    "a report before there is an address": HONEST.frame(
        IP6, frames.icmp6("::", REPORTS6, 143, SILENT)
    ),
    "an older report before there is an address": HONEST.frame(
        IP6, frames.icmp6("::", REPORTS6, 131, SILENT + bytes(16))
    ),
}
# Where br_netfilter is on, a bridge keeps pieces until it has all of them.
LYING_PIECES: Final = named(PIECES)
NEEDED_PIECES: Final = {
    "large datagrams": HONEST.frame(
        IP6, frames.piece6(frames.udp6(OWN6, FOREIGN6, (7, 7)), 0, 16, more=True)
    ),
    "what follows of large datagrams": HONEST.frame(
        IP6, frames.piece6(frames.udp6(OWN6, FOREIGN6, (7, 7)), 16, 24, more=False)
    ),
    "large datagrams, IPv4": HONEST.frame(
        IP4, frames.piece4(frames.udp4(OWN4, FOREIGN4, (7, 7)), 0, 8, more=True)
    ),
    "what follows of large datagrams, IPv4": HONEST.frame(
        IP4, frames.piece4(frames.udp4(OWN4, FOREIGN4, (7, 7)), 8, 24, more=False)
    ),
    "large pings": HONEST.frame(
        IP6, frames.piece6(frames.icmp6(OWN6, FOREIGN6, 128, SILENT), 0, 16, more=True)
    ),
}
CONTROL: Final = HONEST.frame(IP4, frames.udp4(OWN4, FOREIGN4, (9, 9)))


class Scene:
    """A container that speaks, and a neighbour that listens."""

    def __init__(self, site: Site, speaker: Container, ear: Ear) -> None:
        self.site = site
        self._ear = ear
        self._mouth = speaker.netns.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self._mouth.bind(("eth0", 0))

    def heard(self, frame: bytes) -> bool:
        return self._ear.hears(self._mouth.send, frame, CONTROL)

    def close(self) -> None:
        self._mouth.close()
        self._ear.close()


@contextmanager
def scene(
    site: Site, of_network: dict[str, str] | None = None, of_endpoint: dict[str, str] | None = None
) -> Iterator[Scene]:
    """The scene on a network and with an endpoint of these options."""
    network = site.network("blue", *DUAL, options=of_network or {})
    speaker = site.container(network, 2, options=of_endpoint or {})
    neighbour = site.container(network, 3)
    ear = Ear(neighbour.netns.socket(socket.AF_PACKET, socket.SOCK_RAW))
    made = Scene(site, speaker, ear)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module", params=[True, False], ids=["filtered", "unfiltered"])
def guarded(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """With the guards that there are by default; frames change nothing, so one does for all."""
    site = Site(br_netfilter=request.param)
    with site.host.entered():
        with scene(site) as made:
            yield made
        site.close()


@pytest.mark.parametrize("frame", NEEDED.values(), ids=NEEDED)
def test_what_a_container_needs_is_heard(guarded: Scene, frame: bytes) -> None:
    """To find an address and its neighbours, and to use them."""
    assert guarded.heard(frame)


@pytest.mark.kernels
def test_what_a_kernel_says_of_itself_is_heard(site: Site) -> None:
    """Neighbour discovery with each option that it sends, and without; nothing is dropped."""
    network = site.network("blue", *DUAL)
    speaker, neighbour = site.container(network, 2), site.container(network, 3)
    own = bytes.fromhex(OWN_MAC.replace(":", ""))
    for name, value in (("accept_dad", 1), ("ndisc_notify", 1), ("router_solicitation_delay", 0)):
        speaker.netns.sysctl(f"net/ipv6/conf/eth0/{name}", value)
    wanted = {  # what it is, and the first option
        *((135, 14), (135, 1), (136, 2), (133, 1)),
    }
    heard: set[tuple[int, int]] = set()
    with neighbour.netns.socket(socket.AF_PACKET, socket.SOCK_RAW) as ear:
        ear.bind(("eth0", frames.ALL_PROTOCOLS))
        speaker.netns.ip(
            "link set eth0 down", "link set eth0 up", f"address add {OWN6}/64 dev eth0"
        )
        wait_until(
            lambda: "tentative" not in speaker.netns.run("ip", "-6", "address", "show", "eth0"),
            "an address is in doubt",
        )
        speaker.netns.run("ping", "-c1", "-w30", FOREIGN6)
        while not wanted <= heard:
            frame = ear.recv(2048)
            if frame[6:12] == own and frame[12:14] == b"\x86\xdd" and frame[20] == 58:
                kind = frame[54]
                options = frame[62 if kind == 133 else 78 :]
                heard.add((kind, options[0] if options else 0))

    assert site.firewall.refused() == {}


@pytest.mark.parametrize(
    ("of_network", "of_endpoint"),
    [
        ({"spoof_guard": "false"}, {}),
        ({}, {"spoof_guard": "false"}),
        ({"gateway_container": OWN4}, {"gateway": "true"}),
    ],
    ids=["network", "endpoint", "gateway container"],
)
def test_who_is_exempt_may_say_anything(
    site: Site, of_network: dict[str, str], of_endpoint: dict[str, str]
) -> None:
    """And every forgery above is a good one: without the guards it arrives."""
    with scene(site, of_network, of_endpoint) as exempt:
        lost = {name for name, frame in SPOOFS.items() if not exempt.heard(frame)}

        assert lost == set()


@pytest.mark.parametrize("exempt", [False, True])
def test_a_piece_is_passed_if_it_shows_what_it_is_of(*, exempt: bool) -> None:
    """Unless it is of neighbour discovery, which does not come in pieces."""
    site = Site(br_netfilter=False)
    pieces = LYING_PIECES | NEEDED_PIECES
    with site.host.entered():
        with scene(site, {"spoof_guard": str(not exempt).lower()}) as made:
            heard = {name for name, frame in pieces.items() if made.heard(frame)}
        site.close()

    assert heard == set(pieces if exempt else NEEDED_PIECES)


def test_a_neighbour_of_an_exempt_one_is_guarded(site: Site) -> None:
    """The exemption is one endpoint's."""
    with scene(site, {"spoof_guard": "false"}, {"spoof_guard": "true"}) as guarded:
        heard = {name for name, frame in SPOOFS.items() if guarded.heard(frame)}

        assert heard == set()


def test_what_is_dropped_is_told(site: Site) -> None:
    """With whom it was, how many and what to do; an honest neighbour is not named."""
    with scene(site) as made:
        made.heard(CONTROL)
        site.healer.heal()
        before = site.health.hints
        made.heard(FORGED)
        site.restart()
        (hint,) = site.health.hints

    assert before == ()
    assert f"dropped {frames.TRIES} frames" in hint
    assert OWN4 in hint
    assert "spoof_guard=false" in hint


def test_what_was_dropped_is_forgotten_with_the_container(site: Site) -> None:
    """As everything else of its own."""
    liar = site.container(site.network("blue", *DUAL), 2)
    with liar.netns.socket(socket.AF_PACKET, socket.SOCK_RAW) as mouth:
        mouth.bind(("eth0", 0))
        mouth.send(FORGED)
    during = site.firewall.refused()
    site.stop(liar)

    assert list(during.values()) == [1]
    assert site.firewall.refused() == {}


def test_guards_come_and_go_with_the_container(site: Site) -> None:
    """Nothing of them stays behind."""
    network = a_network("blue", *DUAL)
    site.networks.create(network)
    before = site.firewall.read()
    container = site.container(network, 2)
    during = site.firewall.read()
    site.stop(container)

    assert {type(fact) for fact in during - before} == {LinkRole, SpeaksAs, SpeaksFrom}
    assert site.firewall.read() == before
    assert an_endpoint(network, 2).mac_address == OWN_MAC
