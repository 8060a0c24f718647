"""An engine's way through the life of a network and its containers, with what it was given."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ipam.pool import AddressSpaces
from tests.reliability.proof import ProofError
from tests.reliability.wire import Json, ask

_LABEL: Final = "com.docker.network."
_SPACE: Final = AddressSpaces().local
_SANDBOX: Final = "/var/run/docker/netns/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """A network as the engine knows it."""

    id: str
    pool: str
    subnet: str
    gateway: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """An endpoint, and the address it was given."""

    id: str
    net: Net
    address: str


class Traveller:
    """One caller; every refusal is a ProofError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def call(self, method: str, **body: Any) -> Json:
        """Call a method that must succeed."""
        status, answer = ask(self._path, method, body)
        if status != 200 or answer.get("Err"):
            raise ProofError(f"{method} {body} was answered {status} {answer}")
        return answer

    def create(self, number: int) -> Net:
        """``docker network create``, of any subnet."""
        asked = {"AddressSpace": _SPACE, "Pool": "", "SubPool": "", "Options": {}, "V6": False}
        pool = self.call("IpamDriver.RequestPool", **asked)
        options = {"RequestAddressType": _LABEL + "gateway"}
        gateway = self._take(pool["PoolID"], options)
        net = Net(
            id=f"{number:08x}".ljust(64, "a"),
            pool=pool["PoolID"],
            subnet=pool["Pool"],
            gateway=gateway,
        )
        data = {"AddressSpace": _SPACE, "Pool": net.subnet, "Gateway": gateway}
        self.call(
            "NetworkDriver.CreateNetwork",
            NetworkID=net.id,
            Options={_LABEL + "generic": {}, _LABEL + "enable_ipv6": False},
            IPv4Data=[data],
            IPv6Data=[],
        )
        return net

    def delete(self, net: Net) -> None:
        """``docker network rm``."""
        self._give_back(net.pool, net.gateway)
        self.call("IpamDriver.ReleasePool", PoolID=net.pool)
        self.call("NetworkDriver.DeleteNetwork", NetworkID=net.id)

    def run(self, net: Net, number: int, *ports: Json) -> Container:
        """``docker run``."""
        address = self._take(net.pool, {})
        container = Container(id=f"{number:08x}".ljust(64, "e"), net=net, address=address)
        ids = {"NetworkID": net.id, "EndpointID": container.id}
        options: Json = {_LABEL + "portmap": list(ports), _LABEL + "endpoint.exposedports": []}
        interface = {"Address": address, "AddressIPv6": "", "MacAddress": ""}
        self.call("NetworkDriver.CreateEndpoint", **ids, Interface=interface, Options=options)
        sandbox = f"{_SANDBOX}{number:012x}"
        self.call("NetworkDriver.Join", **ids, SandboxKey=sandbox, Options=options)
        self.call("NetworkDriver.ProgramExternalConnectivity", **ids, Options=options)
        return container

    def stop(self, container: Container) -> None:
        """``docker stop``."""
        ids = {"NetworkID": container.net.id, "EndpointID": container.id}
        for method in ("RevokeExternalConnectivity", "Leave", "DeleteEndpoint"):
            self.call(f"NetworkDriver.{method}", **ids)
        self._give_back(container.net.pool, container.address)

    def _take(self, pool: str, options: dict[str, str]) -> str:
        found = self.call("IpamDriver.RequestAddress", PoolID=pool, Address="", Options=options)
        return str(found["Address"])

    def _give_back(self, pool: str, address: str) -> None:
        self.call("IpamDriver.ReleaseAddress", PoolID=pool, Address=address.partition("/")[0])
