"""What dockerd asks of a plugin over the lives of networks and endpoints.

Order and messages are those recorded from engine 28.
"""

import secrets
from dataclasses import dataclass, field
from typing import Any, Final, Self

from tests.benchmarks.plugin_client import PluginClient

NETWORK: Final = "NetworkDriver."
IPAM: Final = "IpamDriver."
TCP: Final = 6
_LABEL: Final = "com.docker.network."


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkLife:
    """A network between its creation and its removal."""

    client: PluginClient
    pool_id: str
    gateway: str
    id: str = field(default_factory=lambda: secrets.token_hex(32))

    @classmethod
    def create(cls, client: PluginClient, subnet: str = "") -> Self:
        """Do what `docker network create` asks for, with any subnet if none is given."""
        options = {
            f"{_LABEL}enable_ipv4": True,
            f"{_LABEL}enable_ipv6": False,
            f"{_LABEL}generic": {},
        }
        client.call(f"{NETWORK}GwAllocCheck", {"Options": options})
        spaces = client.call(f"{IPAM}GetDefaultAddressSpaces")
        space = spaces["LocalDefaultAddressSpace"]
        request = {"AddressSpace": space, "Pool": subnet, "SubPool": "", "Options": {}, "V6": False}
        pool = client.call(f"{IPAM}RequestPool", request)
        gateway = client.call(
            f"{IPAM}RequestAddress",
            {
                "PoolID": pool["PoolID"],
                "Address": "",
                "Options": {"RequestAddressType": f"{_LABEL}gateway"},
            },
        )
        life = cls(client=client, pool_id=pool["PoolID"], gateway=gateway["Address"])
        ipv4 = {"AddressSpace": space, "Gateway": life.gateway, "Pool": pool["Pool"]}
        client.call(
            f"{NETWORK}CreateNetwork",
            {"NetworkID": life.id, "Options": options, "IPv4Data": [ipv4], "IPv6Data": []},
        )
        return life

    def remove(self) -> None:
        self.client.call(f"{NETWORK}DeleteNetwork", {"NetworkID": self.id})
        address, _, _ = self.gateway.partition("/")
        released = {"PoolID": self.pool_id, "Address": address}
        self.client.call(f"{IPAM}ReleaseAddress", released)
        self.client.call(f"{IPAM}ReleasePool", {"PoolID": self.pool_id})


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointLife:
    """An endpoint between `docker run` and the end of its container."""

    network: NetworkLife
    address: str
    id: str = field(default_factory=lambda: secrets.token_hex(32))

    @classmethod
    def create(cls, network: NetworkLife) -> Self:
        answer = network.client.call(
            f"{IPAM}RequestAddress", {"PoolID": network.pool_id, "Address": "", "Options": {}}
        )
        endpoint = cls(network=network, address=answer["Address"])
        interface = {"Address": endpoint.address, "AddressIPv6": "", "MacAddress": ""}
        endpoint._call("CreateEndpoint", Interface=interface, Options=_ports())
        return endpoint

    def join(self) -> str:
        """Enter a sandbox; return the name of the link that belongs into it."""
        key = f"/var/run/docker/netns/{self.id[:12]}"
        answer = self._call("Join", SandboxKey=key, Options=_ports())
        return str(answer["InterfaceName"]["SrcName"])

    def publish(self, *ports: int) -> None:
        """Become the sandbox's gateway, with these ports on any of the host's."""
        self._call("ProgramExternalConnectivity", Options=_ports(*ports))
        self._call("EndpointOperInfo")

    def withdraw(self) -> None:
        """Be the sandbox's gateway no longer, as when another network takes its place."""
        self._call("RevokeExternalConnectivity")

    def remove(self) -> None:
        self.withdraw()
        self._call("Leave")
        self._call("DeleteEndpoint")
        address, _, _ = self.address.partition("/")
        released = {"PoolID": self.network.pool_id, "Address": address}
        self.network.client.call(f"{IPAM}ReleaseAddress", released)

    def _call(self, method: str, **message: object) -> dict[str, Any]:
        identity = {"NetworkID": self.network.id, "EndpointID": self.id}
        return self.network.client.call(f"{NETWORK}{method}", {**identity, **message})


def _ports(*ports: int) -> dict[str, Any]:
    return {
        f"{_LABEL}endpoint.exposedports": [{"Proto": TCP, "Port": port} for port in ports],
        f"{_LABEL}portmap": [
            {"Proto": TCP, "IP": "", "Port": p, "HostIP": "", "HostPort": 0, "HostPortEnd": 0}
            for p in ports
        ],
    }
