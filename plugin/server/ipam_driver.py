"""The methods of IpamDriver, from the wire's words to the allocator's."""

from typing import Final

from ipam.allocator import Allocator
from ipam.lease import AddressRequest, Kind, Owner
from ipam.pool import AddressSpaceName, PoolID, PoolRequest
from plugin.server.app import Handler
from plugin.server.envelope import Answer
from plugin.wire import ipam_driver as wire
from plugin.wire.decoding import decode

NAME: Final = "IpamDriver"


class IpamMethods:
    """One method of this class per method of the protocol."""

    def __init__(self, allocator: Allocator, *, requires_mac: bool) -> None:
        self._allocator = allocator
        self._requires_mac = requires_mac

    def table(self) -> dict[str, Handler]:
        """Every method, by its path."""
        served: dict[str, Handler] = {
            "GetCapabilities": lambda _: self._capabilities(),
            "GetDefaultAddressSpaces": lambda _: self._address_spaces(),
            "RequestPool": lambda body: self._request_pool(decode(body, wire.RequestPoolRequest)),
            "ReleasePool": lambda body: self._release_pool(decode(body, wire.PoolRequest)),
            "RequestAddress": lambda body: self._request_address(
                decode(body, wire.RequestAddressRequest)
            ),
            "ReleaseAddress": lambda body: self._release_address(
                decode(body, wire.ReleaseAddressRequest)
            ),
        }
        return {f"{NAME}.{method}": call for method, call in served.items()}

    def _capabilities(self) -> Answer:
        """An engine asks when it starts, so that nothing it asked before is under way.

        It is asked to replay its networks into a store that has none: one that was lost.
        """
        self._allocator.restarted()
        return wire.capabilities(
            requires_mac=self._requires_mac, requires_replay=self._allocator.requires_replay
        )

    def _address_spaces(self) -> Answer:
        spaces = self._allocator.default_address_spaces()
        return wire.address_spaces_answer(spaces.local, spaces.global_)

    def _request_pool(self, message: wire.RequestPoolRequest) -> Answer:
        pool = self._allocator.request_pool(
            PoolRequest(
                space=AddressSpaceName(message.AddressSpace),
                prefix=message.prefix,
                subpool=message.sub_prefix,
                options=message.options,
                v6=message.V6,
            )
        )
        return wire.pool_answer(pool.id, pool.prefix, {})

    def _release_pool(self, message: wire.PoolRequest) -> Answer:
        self._allocator.release_pool(PoolID(message.pool_id))
        return {}

    def _request_address(self, message: wire.RequestAddressRequest) -> Answer:
        interface = self._allocator.request_address(
            PoolID(message.pool_id),
            AddressRequest(
                address=message.address,
                kind=Kind.GATEWAY if message.is_gateway else Kind.ENDPOINT,
                owner=Owner(name=message.name, mac=message.mac_address),
            ),
        )
        return wire.address_answer(interface)

    def _release_address(self, message: wire.ReleaseAddressRequest) -> Answer:
        self._allocator.release_address(PoolID(message.pool_id), message.address)
        return {}
