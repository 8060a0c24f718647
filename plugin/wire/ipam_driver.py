"""The messages of IpamDriver (moby, libnetwork/ipams/remote/api/api.go)."""

from typing import Any

from msgspec import Struct

from plugin.model.network import IPAddress, IPInterface, IPNetwork
from plugin.wire import labels
from plugin.wire.decoding import parse_address, parse_network, require


class RequestPoolRequest(Struct, frozen=True, kw_only=True):
    """A pool: any (``Pool`` empty), any of a size (``0.0.0.0/28``), or this one."""

    AddressSpace: str = ""
    Pool: str = ""
    SubPool: str = ""
    Options: dict[str, Any] | None = None
    V6: bool = False

    @property
    def prefix(self) -> IPNetwork | None:
        return parse_network(self.Pool, "$.Pool") if self.Pool else None

    @property
    def sub_prefix(self) -> IPNetwork | None:
        return parse_network(self.SubPool, "$.SubPool") if self.SubPool else None

    @property
    def options(self) -> dict[str, str]:
        """``--ipam-opt``, as text."""
        return labels.pool_options(self.Options or {})


class PoolRequest(Struct, frozen=True, kw_only=True):
    """ReleasePool."""

    PoolID: str

    @property
    def pool_id(self) -> str:
        return require(self.PoolID, "$.PoolID")


class RequestAddressRequest(PoolRequest, frozen=True, kw_only=True):
    """An address: any (``Address`` empty), or this one."""

    Address: str = ""
    Options: dict[str, Any] | None = None

    @property
    def address(self) -> IPAddress | None:
        return parse_address(self.Address.partition("/")[0], "$.Address") if self.Address else None

    @property
    def is_gateway(self) -> bool:
        """Whether the address is for the network's gateway."""
        return (self.Options or {}).get(labels.REQUEST_ADDRESS_TYPE) == labels.GATEWAY

    @property
    def mac_address(self) -> str | None:
        """The user's, or dockerd's where the IPAM requires one."""
        return (self.Options or {}).get(labels.MAC_ADDRESS) or None

    @property
    def name(self) -> str | None:
        """The container's name, from engine 29 on."""
        return (self.Options or {}).get(labels.ENDPOINT_NAME) or None


class ReleaseAddressRequest(PoolRequest, frozen=True, kw_only=True):
    """An address that its container has given up."""

    Address: str

    @property
    def address(self) -> IPAddress:
        text = require(self.Address, "$.Address")
        return parse_address(text.partition("/")[0], "$.Address")


def address_spaces_answer(local: str, global_: str) -> dict[str, object]:
    """GetDefaultAddressSpaces."""
    return {"LocalDefaultAddressSpace": local, "GlobalDefaultAddressSpace": global_}


def capabilities(*, requires_mac: bool, requires_replay: bool) -> dict[str, object]:
    """GetCapabilities."""
    return {"RequiresMACAddress": requires_mac, "RequiresRequestReplay": requires_replay}


def pool_answer(pool_id: str, prefix: IPNetwork, data: dict[str, str]) -> dict[str, object]:
    """RequestPool."""
    return {"PoolID": pool_id, "Pool": str(prefix), "Data": data}


def address_answer(interface: IPInterface) -> dict[str, object]:
    """RequestAddress."""
    return {"Address": str(interface), "Data": {}}
