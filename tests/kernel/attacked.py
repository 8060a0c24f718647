"""The host that attacks are tried on: a container of every kind of network, and strangers."""

import socket
from collections.abc import Mapping
from functools import partial
from itertools import product
from typing import Final

from plugin.model.ids import bridge_name, port_name, shim_name
from plugin.model.network import Network, PortBinding
from tests.fakes.values import a_binding
from tests.kernel import frames
from tests.kernel.attacks import (
    CARRIED,
    LOOPBACK,
    NAMED,
    OF_SHIM,
    PROTOCOLS,
    SERVICE,
    SHUT,
    STRICT,
    WEB,
    Ask,
    Attack,
    Send,
)
from tests.kernel.exchange import Answer, Exchange
from tests.kernel.forgeries import DUAL
from tests.kernel.netns import Netns
from tests.kernel.site import HOST4, HOST4_OTHER, HOST6, OUTSIDE4, OUTSIDE6, Container, Site
from tests.kernel.talk import CONTROL, sender

_PORT: Final = 7777
_ROUNDS: Final = 2  # in the first, neighbours may still have to be found
_OFF: Final = {"isolation": "off"}
_ISOLATED: Final = {"gateway_mode_ipv4": "isolated", "gateway_mode_ipv6": "isolated"}
_ROUTED: Final = {"gateway_mode_ipv4": "routed", "gateway_mode_ipv6": "routed"}
# Their networks' options, and the ports that they publish: on the host, and at which address.
_ALONE: Final[dict[str, tuple[dict[str, str], dict[int, str | None]]]] = {
    "web": ({}, {WEB: None, NAMED: HOST4, LOOPBACK: "127.0.0.1"}),
    "other": ({}, {}),
    "open": (_OFF, {}),
    "open too": (_OFF, {}),
    "strict": ({"isolation": "strict"}, {STRICT: None}),
    "closed": ({"host_services": "deny"}, {}),
    "named": ({"host_services": f"{SERVICE},{SERVICE}/udp"}, {}),
    "routed": (_ROUTED, {9999: None}),
    "trusting": ({"trusted_interfaces": "virbr0"}, {}),
}
_STRANGERS: Final = {"dockers": "docker0", "away": "br-ba9876543210", "vm": "virbr0"}


class Attacked:
    """Asks and sends between its places, which have the names of ``attacks``."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._where: dict[str, Netns] = {"lan": site.outside, "host": site.host}
        self._at: dict[str, dict[int, str]] = {
            "lan": {4: OUTSIDE4, 6: OUTSIDE6},
            "host": {4: HOST4, 6: HOST6},
            "loopback": {4: "127.0.0.1"},
            **{each: {4: each} for each in (HOST4, HOST4_OTHER, "127.0.0.1")},
        }
        self._macs: dict[str, str] = {
            "everybody": frames.BROADCAST,
            "group": "01:80:c2:00:00:0e",
            "multicast": "01:00:5e:00:00:01",
            "up0": site.host.mac_of("up0"),
        }
        for name, (options, ports) in _ALONE.items():
            self._add(name, site.container(self._network(name, options), 2, _published(ports)))
        carrying = site.network("carried", "10.250.0.0/24", options={"isolation": "strict"})
        self._add("carried", site.container(carrying, 2, _published({CARRIED: None})))
        self._shut_in("internal", {})
        self._shut_in("isolated", _ISOLATED)
        self._apart()
        self._strangers()
        self._parent()
        site.host.sysctl("net/ipv4/conf/up0/route_localnet", 1)

    def answers(
        self, asked: Mapping[tuple[Attack, int], Ask], *, wanted: bool
    ) -> set[tuple[Attack, int]]:
        """Those questions, each of a family, that a server answers by any protocol.

        They are waited for if that is ``wanted``.
        """
        answer = Answer.REACHED if wanted else Answer.DROPPED
        expected = dict.fromkeys(product(asked, PROTOCOLS), answer)
        with Exchange() as exchange:
            for netns, protocol, port in product(self._where.values(), PROTOCOLS, (SERVICE, SHUT)):
                exchange.serve(netns, protocol, port)
            for (key, family), ask in asked.items():
                for protocol in PROTOCOLS:
                    target = (self._at[ask.to][family], ask.port)
                    exchange.ask(((key, family), protocol), self._where[ask.by], protocol, target)
            found = exchange.answers(expected)
        return {key for (key, _), each in found.items() if each is Answer.REACHED}

    def arrives(self, sent: Send, family: int) -> bool:
        """Whether the datagram is heard; the host sends another after it, which must be."""
        to = self._at[sent.to][family]
        source = self._at[sent.source or sent.by][family]
        kinds = {4: (frames.IP4, frames.udp4), 6: (frames.IP6, frames.udp6)}
        kind, made = kinds[family]
        mouth = self._where[sent.by].socket(socket.AF_PACKET, socket.SOCK_RAW)
        ear = self._where[sent.at or sent.to].socket(
            socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM
        )
        heard = False
        with mouth, ear:
            mouth.bind(("eth0", 0))
            ear.bind((to, _PORT))
            own = self._macs[sent.mac] if sent.mac else mouth.getsockname()[4].hex(":")
            frame = frames.Ether(source=own, target=self._macs[sent.via])
            for _ in range(_ROUNDS):
                mouth.send(frame.frame(kind, made(source, to, (7, _PORT))))
                sender(self.site.host, (to, _PORT))(CONTROL)
                while (word := ear.recv(64)) != CONTROL:
                    heard = heard or word == frames.MARK
        return heard

    def hears(self, by: str, at: str, target: str, packet: tuple[int, bytes]) -> bool:
        """Whether a frame gets from one to another of a network; a question for a neighbour does."""
        frame = frames.Ether(source=self._macs[by], target=target).frame
        asking = frames.neighbour(135, self._at[by][6], "ff02::1", self._at[at][6])
        mouth, ear = (
            self._where[each].socket(socket.AF_PACKET, socket.SOCK_RAW) for each in (by, at)
        )
        with mouth, ear:
            mouth.bind(("eth0", 0))
            control = frames.Ether(source=self._macs[by]).frame(frames.IP6, asking)
            return frames.Ear(ear).hears(mouth.send, frame(*packet), control)

    def to_all(self, by: str) -> dict[str, tuple[str, tuple[int, bytes]]]:
        """What a container may say to all of its network at once, with the MAC address it goes to."""
        four, six = self._at[by][4], self._at[by][6]
        ports = (5353, 5353)
        return {
            "a broadcast": (
                frames.BROADCAST,
                (frames.IP4, frames.udp4(four, "255.255.255.255", ports)),
            ),
            "a multicast": (
                "01:00:5e:00:00:fb",
                (frames.IP4, frames.udp4(four, "224.0.0.251", ports)),
            ),
            "a multicast, IPv6": (
                "33:33:00:00:00:fb",
                (frames.IP6, frames.udp6(six, "ff02::fb", ports)),
            ),
        }

    def _network(self, name: str, options: dict[str, str], **changes: object) -> Network:
        number = 100 + len(self._at)
        subnets = f"10.{number}.0.0/24", f"fd00:{number}::/64"
        return self.site.network(name, *subnets, options=options, **changes)

    def _add(self, name: str, container: Container) -> None:
        self._where[name] = container.netns
        interfaces = (container.endpoint.ipv4, container.endpoint.ipv6)
        self._at[name] = {each.version: str(each.ip) for each in interfaces if each}
        self._macs[name] = container.endpoint.mac_address
        if container.network.mode == "bridge":
            mac = self.site.host.mac_of
            self._macs[f"{name} bridge"] = mac(bridge_name(container.network.id))
            self._macs[f"{name} port"] = mac(port_name(container.endpoint.id))

    def _shut_in(self, name: str, options: dict[str, str]) -> None:
        """Two of an internal network, with the ways out that they could give themselves."""
        network = self._network(name, options, internal=True)
        bridge = bridge_name(network.id)
        mac = self.site.host.mac_of(bridge)
        gateways = [str(pool.gateway.ip) for pool in network.pools if pool.gateway]
        if options:  # the host has no address there, and no way
            self.site.host.ip(f"route add {network.pools[0].prefix} dev {bridge}")
        for number, each in enumerate((name, f"{name} too"), start=2):
            self._add(each, self.site.container(network, number))
            self._where[each].ip(
                *(f"route add default via {gateway}" for gateway in gateways),
                *(f"neighbour replace {gateway} lladdr {mac} dev eth0" for gateway in gateways),
            )

    def _apart(self) -> None:
        network = self._network("apart", {"icc": "false"})
        self._add("apart", self.site.container(network, 2))
        self._add("apart too", self.site.container(network, 3))
        allowed = ",".join(self._at["apart too"].values())
        friend = self.site.container(network, 4, options={"icc_allow": allowed})
        self._add("friend", friend)

    def _strangers(self) -> None:
        """And the ways that the LAN has to everybody so far."""
        for name, bridge in _STRANGERS.items():
            number = 200 + len(self._at)
            subnets = (f"10.{number}.0.1/24", f"fd00:{number}::1/64")
            self._where[name] = self.site.stranger(bridge, *subnets, seen=name != "away")
            self._at[name] = {4: f"10.{number}.0.2", 6: f"fd00:{number}::2"}
        self.site.outside.ip(
            f"route add 10.0.0.0/8 via {HOST4}", f"route add fd00::/16 via {HOST6}"
        )

    def _parent(self) -> None:
        options = {"parent": "up0", "host_access": "true"}
        subnets = ("192.0.2.0/24", "fd00:99::/64")
        network = self.site.network("lan", *subnets, mode="macvlan", options=options)
        one = self.site.container(network, 50, _published({OF_SHIM: None}))
        self._add("shim", one)
        self._add("shim too", self.site.container(network, 51))
        self._macs["shim link"] = self.site.host.mac_of(shim_name(network.id))
        one.netns.ip(f"route add 10.0.0.0/8 via {HOST4}", f"route add fd00::/16 via {HOST6}")


class Guarded:
    """A container that is guarded, one that is not, and a neighbour of both that listens."""

    def __init__(self, site: Site) -> None:
        network = site.network("blue", *DUAL)
        self.bridge = bridge_name(network.id)
        speaker = site.container(network, 2)
        exempt = site.container(network, 9, options={"spoof_guard": "false"})
        neighbour = site.container(network, 3)
        self._mouths = [_packets(speaker), _packets(exempt)]
        self._ear = frames.Ear(neighbour.netns.socket(socket.AF_PACKET, socket.SOCK_RAW))
        self.heard, self.heard_of_exempt = (
            partial(self._heard, mouth, own)
            for mouth, own in zip(
                self._mouths,
                (_honest(speaker), _honest(exempt)),
                strict=True,
            )
        )

    def _heard(self, mouth: socket.socket, honest: bytes, frame: bytes) -> bool:
        return self._ear.hears(mouth.send, frame, honest)

    def close(self) -> None:
        for mouth in self._mouths:
            mouth.close()
        self._ear.close()


def _packets(container: Container) -> socket.socket:
    made = container.netns.socket(socket.AF_PACKET, socket.SOCK_RAW)
    made.bind(("eth0", 0))
    return made


def _honest(container: Container) -> bytes:
    packet = frames.udp4(str(container.address4), "10.1.0.3", (9, 9))
    return frames.Ether(source=container.endpoint.mac_address).frame(frames.IP4, packet)


def _published(ports: Mapping[int, str | None]) -> list[PortBinding]:
    return [
        a_binding(SERVICE, port, protocol=protocol, host_ip=host_ip)
        for (port, host_ip), protocol in product(ports.items(), PROTOCOLS)
    ]
