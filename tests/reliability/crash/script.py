"""What dockerd calls in the life of a network and a container on it, and what after a failure.

Two kinds of phase: in one that makes something a failure ends the phase, and dockerd takes back
what it had made so far; in one that takes something away it goes on, whatever it is answered.
"""

import os
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any, Final

from ipam.pool import NO_TENANT, AddressSpaces, pool_id
from tests.reliability.wire import Json

_LABEL: Final = "com.docker.network."
_SPACE: Final = AddressSpaces().local
# A port that no other walk has at the moment: control sockets of processes that encrypt are in one
# directory of the machine, by names that are made of it.
OWN_PORT: Final = "{port}"
SANDBOX: Final = "/var/run/docker/netns/0123456789ab"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call; ``undo`` is what takes it back once it was answered."""

    method: str
    body: Json
    undo: tuple["Call", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Calls that belong to one command of a user."""

    name: str
    makes: bool
    calls: tuple[Call, ...]

    def undo(self, failed: int) -> list[Call]:
        """What dockerd calls when the call of that number fails: back to what was before."""
        return [call for done in reversed(self.calls[:failed]) for call in done.undo if self.makes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A kind of network, with one container on it."""

    name: str
    subnets: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict)
    container: dict[str, str] = field(default_factory=dict)
    internal: bool = False
    ports: tuple[Json, ...] = ()
    host: tuple[str, ...] = ()  # how it comes to what it has: words for `ip`
    leased: bool = False  # by a DHCP server on the parent

    @property
    def mode(self) -> str:
        return self.options.get("mode", "bridge")

    def life(self, *, network: int = 0, endpoint: int = 0) -> list[Phase]:
        """The phases of a whole life; the numbers make ids that no other life has."""
        return _Script(self, f"{network:08x}", f"{endpoint:08x}").phases()


def port(number: int, host_port: int, protocol: int = 6, host_ip: str = "") -> Json:
    """``-p host_ip:host_port:number/protocol``."""
    return {
        "Proto": protocol,
        "IP": "",
        "Port": number,
        "HostIP": host_ip,
        "HostPort": host_port,
        "HostPortEnd": host_port,
    }


class _Script:
    def __init__(self, scene: Scene, network: str, endpoint: str) -> None:
        self._scene = scene
        self._network = network.ljust(64, "a")
        self._endpoint = endpoint.ljust(64, "e")
        prefixes = [ip_network(subnet) for subnet in scene.subnets]
        self._pools: list[str] = [pool_id(_SPACE, NO_TENANT, prefix) for prefix in prefixes]
        self._parent = scene.options.get("parent", "")
        if scene.leased:
            self._pools = [f"dhcp/{self._parent}/{prefix}" for prefix in prefixes]
        self._gateways = [f"{prefix[1]}/{prefix.prefixlen}" for prefix in prefixes]
        self._addresses = [f"{prefix[2]}/{prefix.prefixlen}" for prefix in prefixes]

    def phases(self) -> list[Phase]:
        return [
            Phase(name="network create", makes=True, calls=tuple(self._create())),
            Phase(name="run", makes=True, calls=tuple(self._run())),
            Phase(name="stop", makes=False, calls=tuple(self._stop())),
            Phase(name="network rm", makes=False, calls=tuple(self._remove())),
        ]

    def _create(self) -> list[Call]:
        calls = []
        for subnet, pool, gateway in zip(
            self._scene.subnets, self._pools, self._gateways, strict=True
        ):
            asked: Json = {"AddressSpace": _SPACE, "Pool": subnet, "SubPool": "", "Options": {}}
            asked["V6"] = ":" in subnet
            if self._scene.leased:
                asked["Options"] = {"dhcp": self._parent}
            calls.append(
                Call(method="IpamDriver.RequestPool", body=asked, undo=(_release_pool(pool),))
            )
            asked_gateway = "" if self._scene.leased else gateway
            calls.append(_take(pool, asked_gateway, {"RequestAddressType": _LABEL + "gateway"}))
        body: Json = {"NetworkID": self._network, "Options": self._network_options()}
        body |= {"IPv4Data": self._data(v6=False), "IPv6Data": self._data(v6=True)}
        # A network that could not be made is not deleted either.
        calls.append(Call(method="NetworkDriver.CreateNetwork", body=body))
        return calls

    def _run(self) -> list[Call]:
        calls = [
            _take(pool, address, {})
            for pool, address in zip(self._pools, self._addresses, strict=True)
        ]
        leave = self._call("Leave")
        delete = self._call("DeleteEndpoint")
        calls.append(self._call("CreateEndpoint", undo=(delete,), **self._endpoint_body()))
        calls.append(
            self._call("Join", undo=(leave,), SandboxKey=SANDBOX, Options=self._sandbox_options())
        )
        if self._scene.ports or not self._scene.internal:
            options = self._sandbox_options()
            calls.append(self._call("ProgramExternalConnectivity", Options=options))
        return calls

    def _stop(self) -> list[Call]:
        calls = [
            self._call("RevokeExternalConnectivity"),
            self._call("Leave"),
            self._call("DeleteEndpoint"),
        ]
        for pool, address in zip(self._pools, self._addresses, strict=True):
            calls.append(_give_back(pool, address))
        return calls

    def _remove(self) -> list[Call]:
        calls = []
        for pool, gateway in zip(self._pools, self._gateways, strict=True):
            if not self._scene.leased:
                calls.append(_give_back(pool, gateway))
            calls.append(_release_pool(pool))
        delete = {"NetworkID": self._network}
        return [*calls, Call(method="NetworkDriver.DeleteNetwork", body=delete)]

    def _call(self, method: str, *, undo: tuple[Call, ...] = (), **more: Any) -> Call:
        body = {"NetworkID": self._network, "EndpointID": self._endpoint, **more}
        return Call(method=f"NetworkDriver.{method}", body=body, undo=undo)

    def _network_options(self) -> Json:
        own = 20000 + os.getpid() % 20000
        chosen = {name: text.format(port=own) for name, text in self._scene.options.items()}
        options: Json = {_LABEL + "generic": chosen}
        options[_LABEL + "enable_ipv4"] = any(":" not in each for each in self._scene.subnets)
        options[_LABEL + "enable_ipv6"] = any(":" in each for each in self._scene.subnets)
        if self._scene.internal:
            options[_LABEL + "internal"] = True
        return options

    def _data(self, *, v6: bool) -> list[Json]:
        return [
            {"AddressSpace": _SPACE, "Pool": subnet, "Gateway": gateway}
            for subnet, gateway in zip(self._scene.subnets, self._gateways, strict=True)
            if (":" in subnet) is v6
        ]

    def _endpoint_body(self) -> Json:
        interface = {"Address": "", "AddressIPv6": "", "MacAddress": ""}
        for address in self._addresses:
            interface["AddressIPv6" if ":" in address else "Address"] = address
        return {"Interface": interface, "Options": self._sandbox_options() | self._scene.container}

    def _sandbox_options(self) -> Json:
        return {
            _LABEL + "portmap": list(self._scene.ports),
            _LABEL + "endpoint.exposedports": [],
        }


def _take(pool: str, address: str, options: dict[str, str]) -> Call:
    body = {"PoolID": pool, "Address": address.partition("/")[0], "Options": options}
    undo = (_give_back(pool, address),) if address else ()
    return Call(method="IpamDriver.RequestAddress", body=body, undo=undo)


def _give_back(pool: str, address: str) -> Call:
    body = {"PoolID": pool, "Address": address.partition("/")[0]}
    return Call(method="IpamDriver.ReleaseAddress", body=body)


def _release_pool(pool: str) -> Call:
    return Call(method="IpamDriver.ReleasePool", body={"PoolID": pool})
