"""Entries of a tunnel's table by which frames reach other hosts are told, and no others read."""

import socket
import threading

from plugin.kernel.flood_watch import FloodWatch
from plugin.model.tunnels import EVERYBODY, FloodEntry
from tests.kernel.netns import Netns

ETHERTYPE = b"\x88\xb5"  # for experiments (IEEE 802)


def test_entries_that_come_and_go_are_told(netns: Netns) -> None:
    """Of the table by which frames reach other hosts: one for everybody that goes, and all that last."""
    netns.ip(
        "link add br0 type bridge",
        "link add vx0 type vxlan id 7 dstport 4789 local 127.0.0.1",
        "link set vx0 up master br0",
    )
    everybody, one, another = EVERYBODY, "02:00:00:00:00:07", "02:00:00:00:00:08"
    told: list[str] = []
    heard = threading.Event()

    def went(ifname: str) -> None:
        told.append(f"{ifname} went")
        heard.set()

    def came(entry: FloodEntry) -> None:
        told.append(f"{entry.ifname} {entry.mac_address} {entry.peer}")

    watch = FloodWatch(went, came, heard.set)
    for verb, last in (("append", " static"), ("delete", "")):
        for entry in (one, another + last, everybody):
            netns.run(*f"bridge fdb {verb} {entry} dev vx0 dst 192.0.2.3".split())

    assert heard.wait(60)
    added = [f"vx0 {entry} 192.0.2.3" for entry in (one, another, everybody)]
    assert told == [*added, "vx0 went"]
    watch.close()


class Counting(FloodWatch):
    """Counts what it has to read."""

    count = 0

    def _hear(self, kind: int, body: bytes) -> None:
        self.count += 1
        super()._hear(kind, body)


def test_a_container_cannot_keep_it_reading(netns: Netns) -> None:
    """A bridge learns each hardware address that a container sends from, and the kernel tells of all."""
    netns.ip(
        "link add br0 up type bridge",
        "link add port0 up master br0 type veth peer name eth0",
        "link set eth0 up",
        "link add vx0 type vxlan id 7 dstport 4789 local 127.0.0.1",
    )
    netns.wait_for_carrier("port0")
    lost, heard = threading.Event(), threading.Event()
    watch = Counting(lambda _: None, lambda _: heard.set(), lost.set)
    with netns.socket(socket.AF_PACKET, socket.SOCK_RAW) as container:
        container.bind(("eth0", 0))
        for number in range(1000):
            container.send(b"\xff" * 6 + b"\x02" + number.to_bytes(5) + ETHERTYPE + bytes(46))
    assert "02:00:00:00:03:e7" in netns.run("bridge", "fdb", "show", "dev", "port0")

    netns.run(*["bridge", "fdb", "append", "02:00:00:00:00:07", "dev", "vx0", "dst", "192.0.2.3"])
    assert heard.wait(60)
    watch.close()
    assert not lost.is_set()
    assert watch.count == 1


def test_ports_of_bridges_keep_nobody_reading(netns: Netns) -> None:
    """A bridge has a lasting entry for each, which leads to no host."""
    netns.ip(
        "link add vx0 type vxlan id 7 dstport 4789 local 127.0.0.1", "link add br0 type bridge"
    )
    heard = threading.Event()
    watch = Counting(lambda _: None, lambda _: heard.set(), heard.set)
    netns.ip("link add port0 master br0 type veth peer name eth0", "link delete port0")

    netns.run(*["bridge", "fdb", "append", "02:00:00:00:00:07", "dev", "vx0", "dst", "192.0.2.3"])
    assert heard.wait(60)
    watch.close()
    assert watch.count == 1
