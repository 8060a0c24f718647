"""A run of the lab with its fabric, hosts and peers."""

from typing import Final

from tests.lab.closing import Closing
from tests.lab.host import Host
from tests.lab.namespace import Fabric, Peer
from tests.lab.roots import ENGINES
from tests.lab.runs import Run

FIRST_PEER: Final = 200


class Lab(Closing):
    """Hosts on one wire; a context manager that leaves nothing behind."""

    def __init__(self) -> None:
        self.hosts: list[Host] = []
        self.peers: list[Peer] = []
        self.run = Run()
        try:
            self.fabric = Fabric(self.run)
        except BaseException:
            self.run.close()
            raise

    def host(self, version: str, *options: str) -> Host:
        """Boot one more host with this engine and these dockerd options."""
        number = len(self.hosts) + 1
        host = Host(self.run, self.fabric, ENGINES[version], number)
        self.hosts.append(host)
        host.boot(*options)
        return host

    def peer(self) -> Peer:
        """Connect one more machine without Docker."""
        number = FIRST_PEER + len(self.peers)
        peer = Peer(self.run, self.fabric, f"p{len(self.peers) + 1}", number)
        self.peers.append(peer)
        return peer

    def close(self) -> None:
        for host in self.hosts:
            host.halt()
        for peer in self.peers:
            peer.close()
        self.fabric.close()
        self.run.close()
