"""The messages of NetworkDriver (moby, libnetwork/drivers/remote/api/api.go).

Tolerant of what engines send: absent and null maps, unknown keys, empty texts.  Strict in
what is meant: an id, a prefix or a port that is none is refused with its path.
"""

import base64
from typing import Any, Final

from msgspec import Struct, convert
from msgspec import ValidationError as ConversionError

from plugin.errors import InvalidOptionError
from plugin.model import ids
from plugin.model.network import (
    Endpoint,
    IPInterface,
    Network,
    PoolData,
    PortBinding,
)
from plugin.wire import labels
from plugin.wire.decoding import (
    identifier,
    parse_interface,
    parse_mac,
    parse_network,
    require,
)
from plugin.wire.errors import WireError
from plugin.wire.port_bindings import PortBindingMessage, rank

OptionMap = dict[str, Any]

_MODE: Final = "mode"


class IPAMData(Struct, frozen=True, kw_only=True):
    """One subnet; the values are CIDR, although docs/remote.md shows addresses."""

    AddressSpace: str = ""
    Pool: str = ""
    Gateway: str | None = ""
    AuxAddresses: dict[str, str] | None = None


class CreateNetworkRequest(Struct, frozen=True, kw_only=True):
    """``docker network create``, after the IPAM has given addresses."""

    NetworkID: str
    Options: OptionMap | None = None
    IPv4Data: list[IPAMData] | None = None
    IPv6Data: list[IPAMData] | None = None

    def network(self, default_mode: str) -> Network:
        """The network that is asked for."""
        options = self.Options or {}
        own = labels.network_options(options, "$.Options")
        pools = _pools(self.IPv4Data, "$.IPv4Data") + _pools(self.IPv6Data, "$.IPv6Data")
        return Network(
            id=ids.NetworkID(identifier(self.NetworkID, "$.NetworkID")),
            mode=own.get(_MODE, default_mode),
            options=own,
            pools=pools,
            internal=labels.flag(options, labels.INTERNAL, default=False, path="$.Options"),
            ipv6=labels.flag(options, labels.ENABLE_IPV6, default=False, path="$.Options")
            or any(pool.prefix.version == 6 for pool in pools),
            announced=labels.ENABLE_IPV4 in options,
        )


class AllocateNetworkRequest(CreateNetworkRequest, frozen=True, kw_only=True):
    """The same on a swarm manager, where the network gets no host yet.

    Its options are the user's alone, and what was answered before (moby, cnmallocator and
    remote/api: a map of texts, where that of a node has labels and the options within one).
    """

    def network(self, default_mode: str) -> Network:
        asked = CreateNetworkRequest(
            NetworkID=self.NetworkID,
            Options=self._as_of_a_node(),
            IPv4Data=self.IPv4Data,
            IPv6Data=self.IPv6Data,
        )
        return asked.network(default_mode)

    @property
    def network_id(self) -> ids.NetworkID:
        """Raises WireError."""
        return ids.NetworkID(identifier(self.NetworkID, "$.NetworkID"))

    @property
    def is_again(self) -> bool:
        """Whether a leader has accepted the network before."""
        return labels.ALLOCATED in (self.Options or {})

    def engine_options(self) -> dict[str, str]:
        """The options that the engines of the nodes get back with CreateNetwork."""
        return labels.engine_options(self._as_of_a_node(), "$.Options")

    def _as_of_a_node(self) -> OptionMap:
        return {labels.GENERIC: self.Options or {}}


class GwAllocCheckRequest(Struct, frozen=True, kw_only=True):
    """Asked before the IPAM, by engine 28 and later."""

    Options: OptionMap | None = None

    def network(self, default_mode: str) -> Network:
        """The network as far as it is known before it has an id and addresses."""
        return CreateNetworkRequest(NetworkID="unknown", Options=self.Options).network(default_mode)


class NetworkRequest(Struct, frozen=True, kw_only=True):
    """DeleteNetwork and FreeNetwork."""

    NetworkID: str

    @property
    def network_id(self) -> ids.NetworkID:
        return ids.NetworkID(identifier(self.NetworkID, "$.NetworkID"))


class EndpointRequest(NetworkRequest, frozen=True, kw_only=True):
    """EndpointOperInfo, DeleteEndpoint, Leave and RevokeExternalConnectivity."""

    EndpointID: str

    @property
    def endpoint_id(self) -> ids.EndpointID:
        return ids.EndpointID(identifier(self.EndpointID, "$.EndpointID"))


class EndpointInterface(Struct, frozen=True, kw_only=True):
    """The values that dockerd has for an endpoint; the driver chooses a value that is empty."""

    Address: str = ""
    AddressIPv6: str = ""
    MacAddress: str = ""


class CreateEndpointRequest(EndpointRequest, frozen=True, kw_only=True):
    """A container is about to be connected."""

    Interface: EndpointInterface | None = None
    Options: OptionMap | None = None

    def endpoint(self) -> Endpoint:
        """The endpoint that is asked for; an empty MAC address is the driver's to choose."""
        interface = self.Interface or EndpointInterface()
        options = self.Options or {}
        ipv4 = _interface(interface.Address, "$.Interface.Address", 4)
        ipv6 = _interface(interface.AddressIPv6, "$.Interface.AddressIPv6", 6)
        return Endpoint(
            id=self.endpoint_id,
            network_id=self.network_id,
            mac_address=self._mac_address(interface, options),
            mac_chosen=labels.MAC_ADDRESS in options,
            ipv4=ipv4,  # type: ignore[arg-type]
            ipv6=ipv6,  # type: ignore[arg-type]
            ipv6_off=labels.has_ipv6_off(options),
            ifname=_ifname(options),
            options=labels.endpoint_options(options, "$.Options"),
        )

    @property
    def chose_mac(self) -> bool:
        """Whether dockerd filled in the MAC address; then the answer must leave it out."""
        return bool(self.Interface and self.Interface.MacAddress)

    @property
    def has_address(self) -> bool:
        """Whether an IPAM gave an IPv4 address."""
        return bool(self.Interface and self.Interface.Address)

    @property
    def has_ipv6_address(self) -> bool:
        """Whether an IPAM gave an IPv6 address."""
        return bool(self.Interface and self.Interface.AddressIPv6)

    def _mac_address(self, interface: EndpointInterface, options: OptionMap) -> ids.MacAddress:
        if interface.MacAddress:
            return parse_mac(interface.MacAddress, "$.Interface.MacAddress")
        encoded = options.get(labels.MAC_ADDRESS)
        if not encoded:
            return ids.MacAddress("")
        path = f"$.Options[{labels.MAC_ADDRESS}]"
        try:
            octets = base64.b64decode(str(encoded), validate=True)
        except ValueError:  # binascii.Error is one, and so is what is not ASCII
            raise WireError(path, f"{encoded!r} is not base64 of six octets") from None
        return parse_mac(octets.hex(":"), path)


class ProgramRequest(EndpointRequest, frozen=True, kw_only=True):
    """ProgramExternalConnectivity: the endpoint is its sandbox's gateway now."""

    Options: OptionMap | None = None

    def bindings(self) -> tuple[PortBinding, ...]:
        """The ports to publish, in Docker's order (moby, cmpPortBindingReqs): engines send any.

        Exact host ports come before ranges that may hold them, and next to each other come
        bindings that differ only in their host address.

        Raises WireError.
        """
        wishes = (self.Options or {}).get(labels.PORT_MAP) or []
        path = f"$.Options[{labels.PORT_MAP}]"
        try:
            messages = convert(wishes, list[PortBindingMessage])
        except ConversionError as error:
            raise WireError(path, str(error)) from error
        found = [each.binding(f"{path}[{i}]") for i, each in enumerate(messages)]
        return tuple(sorted(found, key=rank))

    @property
    def no_proxy_6to4(self) -> bool:
        """Whether the host's IPv6 is not to be carried to IPv4: the sandbox has a gateway for it."""
        options = self.Options or {}
        return labels.flag(options, labels.NO_PROXY_6TO4, default=False, path="$.Options")


class JoinRequest(ProgramRequest, frozen=True, kw_only=True):
    """The sandbox that the endpoint enters; before engine 28 it does not exist yet.

    It comes with the sandbox's ports, whether the endpoint is its gateway or not.
    """

    SandboxKey: str = ""

    @property
    def sandbox_key(self) -> str:
        return require(self.SandboxKey, "$.SandboxKey")


def _pools(data: list[IPAMData] | None, path: str) -> tuple[PoolData, ...]:
    return tuple(_pool(each, f"{path}[{i}]") for i, each in enumerate(data or ()))


def _pool(data: IPAMData, path: str) -> PoolData:
    gateway = parse_interface(data.Gateway, f"{path}.Gateway") if data.Gateway else None
    return PoolData(
        space=data.AddressSpace,
        prefix=parse_network(data.Pool, f"{path}.Pool"),
        gateway=gateway,
        auxiliary={
            name: parse_interface(address, f"{path}.AuxAddresses[{name}]")
            for name, address in (data.AuxAddresses or {}).items()
        },
    )


def _ifname(options: OptionMap) -> ids.IfName | None:
    text = options.get(labels.IFNAME)
    if not text:
        return None
    try:
        return ids.link_name(str(text))
    except ValueError:
        raise InvalidOptionError(labels.IFNAME, text, ids.LINK_NAME) from None


def _interface(text: str, path: str, version: int) -> IPInterface | None:
    if not text:
        return None
    interface = parse_interface(text, path)
    if interface.version != version:
        raise WireError(path, f"{text!r} is not an IPv{version} address")
    return interface
