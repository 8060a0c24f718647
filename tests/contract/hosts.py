"""One host, real or fake: what a test does to it beside the plugin."""

import json
import socket
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import Final, Protocol

import pytest

from plugin.kernel.base import Kernel
from plugin.kernel.linux import LinuxKernel
from plugin.kernel.wireguard.keys import Keys
from plugin.model.ids import IfName
from plugin.model.links import IpvlanSetting
from plugin.model.network import IPInterface
from plugin.model.network import Protocol as Transport
from plugin.model.ports import HostPort
from plugin.model.resources import HostResource, LinkResource
from tests.fakes.host import FakeHost
from tests.fakes.kernel import FakeKernel
from tests.kernel.netns import Netns, wait_until

KEYS: Final = Keys("a secret that these hosts have in common")


class Host(Protocol):
    """What both can do."""

    kernel: Kernel

    def add_foreign_link(self, ifname: str, kind: str = "bridge") -> None: ...
    def add_foreign_address(self, ifname: str, interface: str) -> None: ...
    def add_foreign_route(self, address: str, ifname: str) -> None: ...
    def add_parent(self, ifname: str) -> None: ...
    def add_vlan(self, ifname: str, parent: str, number: int) -> None: ...
    def use_vlan(self, ifname: str) -> None: ...
    def stop_using_vlan(self, ifname: str) -> None: ...
    def add_foreign_ipvlan(self, parent: str, setting: IpvlanSetting) -> None: ...
    def use_address(self, interface: IPInterface) -> None: ...
    def addresses(self, ifname: str) -> list[IPInterface]: ...
    def need_link(self, kind: str) -> None: ...
    def lack_link(self, kind: type[LinkResource]) -> None: ...
    def hand_over(self, ifname: str) -> None: ...
    def end_sandboxes(self) -> None: ...
    def need(self, transport: Transport) -> None: ...
    def lack(self, transport: Transport) -> None: ...
    def delete_link(self, ifname: str) -> None: ...
    def listen(self, transport: Transport, address: str, port: int) -> None: ...
    def eventually_free(self, port: HostPort) -> None: ...
    def setting(self, name: str) -> str: ...
    def settle(self) -> None: ...
    def restart(self) -> None: ...
    def close(self) -> None: ...


class MemoryHost:
    """The fake."""

    def __init__(self) -> None:
        self._host = FakeHost()
        self.kernel: Kernel = FakeKernel(self._host)

    def add_foreign_link(self, ifname: str, kind: str = "bridge") -> None:
        self._host.add_foreign_link(ifname, kind)

    def add_foreign_address(self, ifname: str, interface: str) -> None:
        self._host.links[IfName(ifname)].foreign_addresses.add(ip_interface(interface))

    def add_foreign_route(self, address: str, ifname: str) -> None:
        self._host.foreign_routes.add(ip_address(address))

    def add_parent(self, ifname: str) -> None:
        self._host.add_parent(ifname)

    def add_vlan(self, ifname: str, parent: str, number: int) -> None:
        self._host.add_parent(ifname, lower=IfName(parent), vlan=number)

    def use_vlan(self, ifname: str) -> None:
        self._host.used_vlans.add(IfName(ifname))

    def stop_using_vlan(self, ifname: str) -> None:
        self._host.used_vlans.discard(IfName(ifname))

    def add_foreign_ipvlan(self, parent: str, setting: IpvlanSetting) -> None:
        self._host.foreign_ipvlan[IfName(parent)] = {setting}

    def use_address(self, interface: IPInterface) -> None:
        self._host.used_addresses.add(interface.ip)

    def addresses(self, ifname: str) -> list[IPInterface]:
        return sorted(self._host.links[IfName(ifname)].addresses, key=lambda each: each.version)

    def need_link(self, kind: str) -> None:
        """It has all of them."""

    def lack_link(self, kind: type[LinkResource]) -> None:
        self._host.lacks_links.add(kind)

    def hand_over(self, ifname: str) -> None:
        self._host.hand_over(ifname)

    def end_sandboxes(self) -> None:
        self._host.sandboxed.clear()
        self._host.used_addresses.clear()

    def need(self, transport: Transport) -> None:
        """It has all of them."""

    def lack(self, transport: Transport) -> None:
        self._host.lacks.add(transport)

    def delete_link(self, ifname: str) -> None:
        self._host.delete_link(ifname)

    def listen(self, transport: Transport, address: str, port: int) -> None:
        self._host.listeners.add(
            HostPort(protocol=transport, address=ip_address(address), port=port)
        )

    def eventually_free(self, port: HostPort) -> None:
        assert port not in self.kernel.read([port])

    def setting(self, name: str) -> str:
        return self._host.sysctls[name]

    def settle(self) -> None:
        pass

    def restart(self) -> None:
        self.kernel = FakeKernel(self._host)

    def close(self) -> None:
        pass


class LinuxHost:
    """A network namespace; the test's thread must be in it."""

    def __init__(self, netns: Netns) -> None:
        self.netns = netns
        self._listeners: list[socket.socket] = []
        self._sandboxes: list[Netns] = []
        self._kernel = LinuxKernel(keys=KEYS)

    @property
    def kernel(self) -> Kernel:
        return self._kernel

    def add_foreign_link(self, ifname: str, kind: str = "bridge") -> None:
        self.netns.ip(f"link add {ifname} type {kind}", f"link set {ifname} up")

    def add_foreign_address(self, ifname: str, interface: str) -> None:
        self.netns.ip(f"address add {interface} dev {ifname}")

    def add_foreign_route(self, address: str, ifname: str) -> None:
        self.netns.ip(f"route add {address} dev {ifname}")

    def add_parent(self, ifname: str) -> None:
        """One end of a wire, whose other end is up too."""
        self.netns.ip(
            f"link add {ifname} type veth peer name peer-{ifname}",
            f"link set {ifname} up",
            f"link set peer-{ifname} up",
        )

    def add_vlan(self, ifname: str, parent: str, number: int) -> None:
        self.netns.ip(
            f"link add link {parent} name {ifname} type vlan id {number}", f"link set {ifname} up"
        )

    def use_vlan(self, ifname: str) -> None:
        """As a container of Docker's does: its link is in a sandbox."""
        self.netns.ip(f"link add dm0 link {ifname} type macvlan mode bridge")
        self.hand_over("dm0")

    def stop_using_vlan(self, ifname: str) -> None:
        self._sandboxes[-1].ip("link delete eth0")

    def add_foreign_ipvlan(self, parent: str, setting: IpvlanSetting) -> None:
        mode, flag = setting.mode.name.lower(), setting.flag.name.lower()
        self.netns.ip(f"link add di0 link {parent} type ipvlan mode {mode} {flag}")
        self.hand_over("di0")

    def use_address(self, interface: IPInterface) -> None:
        self._sandboxes[-1].ip(f"address add {interface} dev eth0")

    def addresses(self, ifname: str) -> list[IPInterface]:
        (link,) = json.loads(self.netns.run("ip", "-json", "address", "show", "dev", ifname))
        return [ip_interface(f"{each['local']}/{each['prefixlen']}") for each in link["addr_info"]]

    def need_link(self, kind: str) -> None:
        if not self._makes(kind):
            pytest.skip(f"this kernel has no {kind}")

    def lack_link(self, kind: type[LinkResource]) -> None:
        name = kind.__name__.lower()
        if self._makes(name):
            pytest.skip(f"this kernel has {name}")

    def _makes(self, kind: str) -> bool:
        options = {"vlan": "id 7"}.get(kind, "")
        try:
            self.netns.ip(
                "link add try0 type veth peer name try1",
                f"link add link try0 name try2 type {kind} {options}",
            )
        except AssertionError:
            return False
        finally:
            self.netns.ip("link delete try0")
        return True

    def hand_over(self, ifname: str) -> None:
        """As dockerd does: the link gets another name in the sandbox, and is up there."""
        sandbox = Netns()
        self._sandboxes.append(sandbox)
        self.netns.ip(f"link set {ifname} netns {sandbox.path}")
        sandbox.ip(f"link set {ifname} name eth0", "link set eth0 up")

    def end_sandboxes(self) -> None:
        """The kernel takes its time over it."""
        while self._sandboxes:
            self._sandboxes.pop().close()

    def need(self, transport: Transport) -> None:
        if not _has(transport):
            pytest.skip(f"this kernel has no {transport.text}")

    def lack(self, transport: Transport) -> None:
        if _has(transport):
            pytest.skip(f"this kernel has {transport.text}")

    def delete_link(self, ifname: str) -> None:
        self.netns.ip(f"link delete {ifname}")

    def listen(self, transport: Transport, address: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        kind = socket.SOCK_STREAM if transport is Transport.TCP else socket.SOCK_DGRAM
        sock = socket.socket(family, kind)
        self._listeners.append(sock)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as most servers do
        sock.bind((address, port))
        if kind == socket.SOCK_STREAM:
            sock.listen()

    def eventually_free(self, port: HostPort) -> None:
        """The process that had a copy of its socket closes it when it is told to."""
        wait_until(lambda: self._can_bind(port), f"port {port.port} is still held")

    def _can_bind(self, port: HostPort) -> bool:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
            try:
                sock.bind((str(port.address), port.port))
            except OSError:
                return False
        return True

    def setting(self, name: str) -> str:
        return Path("/proc/sys", name).read_text().strip()

    def settle(self) -> None:
        self._kernel.settle()

    def restart(self) -> None:
        """A new process: what it does not find on the host, it does not know."""
        self._kernel.close()
        self._kernel = LinuxKernel(keys=KEYS)

    def close(self) -> None:
        for sock in self._listeners:
            sock.close()
        self.end_sandboxes()
        self._kernel.close()


def make(host: Host, *resources: HostResource) -> list[HostResource]:
    """Ensure, and answer what was started."""
    started: list[HostResource] = []
    host.kernel.ensure(resources, started.append)
    return started


def _has(transport: Transport) -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, transport.value).close()
    except OSError:
        return transport is Transport.UDP  # which has no streams
    return True
