"""The methods of IpamDriver: decode the request, call the allocator, encode the answer."""

from collections.abc import Callable
from ipaddress import ip_interface
from typing import Final

from ipam.allocator import Allocator
from ipam.errors import UnknownPoolError
from ipam.lease import AddressRequest, Kind, Owner
from ipam.pool import GLOBAL, AddressSpaceName, AddressSpaces, PoolID, PoolRequest, space_of
from plugin.drivers.dhcp import DHCP
from plugin.model.ids import MacAddress
from plugin.model.network import IPAddress, IPInterface
from plugin.server.app import Handler, Undoable
from plugin.server.envelope import Answer
from plugin.service.leased_pool import is_leased
from plugin.service.leased_pools import LeasedPools
from plugin.service.placeholders import is_managers, manager_pool, placeholder
from plugin.wire import ipam_driver as wire
from plugin.wire.decoding import decode

NAME: Final = "IpamDriver"


def constant_methods() -> dict[str, Handler]:
    """What is answered by a plugin that is still starting, too; its capabilities need the store."""
    return {f"{NAME}.GetDefaultAddressSpaces": lambda _: _address_spaces()}


class IpamMethods:
    """One method of this class per method of the protocol.

    ``engine_sockets`` tells one dockerd from another, and ``engine_started`` is called before one
    that was not known is answered.
    """

    def __init__(
        self,
        allocator: Allocator,
        leased: LeasedPools,
        *,
        requires_mac: bool,
        engine_sockets: Callable[[], frozenset[str]] = frozenset,
        engine_started: Callable[[], object] = lambda: None,
    ) -> None:
        self._allocator = allocator
        self._leased = leased
        self._engine_sockets = engine_sockets
        self._engine_started = engine_started
        self._engine: frozenset[str] = frozenset()
        self._requires_mac = requires_mac

    def table(self) -> dict[str, Handler]:
        """Every method, by its path."""
        served: dict[str, Handler] = {
            "GetCapabilities": lambda _: self._capabilities(),
            "RequestPool": Undoable(
                lambda body: self._request_pool(decode(body, wire.RequestPoolRequest)),
                self._undo_pool,
            ),
            "ReleasePool": lambda body: self._release_pool(decode(body, wire.PoolRequest)),
            "RequestAddress": Undoable(
                lambda body: self._request_address(decode(body, wire.RequestAddressRequest)),
                self._undo_address,
            ),
            "ReleaseAddress": lambda body: self._release_address(
                decode(body, wire.ReleaseAddressRequest)
            ),
        }
        methods = {f"{NAME}.{method}": call for method, call in served.items()}
        return methods | constant_methods()

    def _capabilities(self) -> Answer:
        """An engine asks when it starts, and again when its swarm elects it.

        One that starts is asked to replay its networks into a store that was lost, wholly or in part.
        """
        running = self._engine_sockets()
        is_known = bool(running & self._engine)
        self._engine = running
        if is_known:
            self._allocator.elected()
            replay = False
        else:
            self._engine_started()
            replay = self._allocator.restarted()
            if replay:
                self._leased.replay()
        return wire.capabilities(requires_mac=self._requires_mac, requires_replay=replay)

    def _request_pool(self, message: wire.RequestPoolRequest) -> Answer:
        if DHCP.name in message.options:
            asked = self._leased.request(
                message.options, prefix=message.prefix, subpool=message.sub_prefix, v6=message.V6
            )
            by_manager = message.AddressSpace == GLOBAL
            pool_id = manager_pool(asked.parent, asked.subnet) if by_manager else asked.id
            return wire.pool_answer(pool_id, asked.prefix, {})
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
        if is_leased(message.pool_id):
            self._leased.release_pool(message.pool_id)
        elif not is_managers(message.pool_id):
            self._allocator.release_pool(PoolID(message.pool_id))
        return {}

    def _undo_pool(self, body: bytes, answer: Answer) -> None:
        """A global pool may be that of others: every manager of a swarm asks for it."""
        pool = PoolID(str(answer["PoolID"]))
        if not is_leased(pool) and not is_managers(pool) and space_of(pool) != GLOBAL:
            self._allocator.release_pool(pool)

    def _request_address(self, message: wire.RequestAddressRequest) -> Answer:
        if is_leased(message.pool_id):
            return wire.address_answer(self._leased_address(message))
        if is_managers(message.pool_id):
            return wire.address_answer(self._placeholder(message))
        pool = PoolID(message.pool_id)
        wanted = AddressRequest(
            address=message.address,
            kind=Kind.GATEWAY if message.is_gateway else Kind.ENDPOINT,
            owner=Owner(name=message.name, mac=message.mac_address),
        )
        try:
            interface = self._allocator.request_address(pool, wanted)
        except UnknownPoolError:
            self._allocator.expect_replay(pool)
            raise
        return wire.address_answer(interface)

    def _undo_address(self, body: bytes, answer: Answer) -> None:
        """A gateway may have been asked for again, and goes with its pool."""
        message = decode(body, wire.RequestAddressRequest)
        if not message.is_gateway:
            self._release(message.pool_id, ip_interface(str(answer["Address"])).ip)

    def _release_address(self, message: wire.ReleaseAddressRequest) -> Answer:
        self._release(message.pool_id, message.address)
        return {}

    def _leased_address(self, message: wire.RequestAddressRequest) -> IPInterface:
        if message.is_gateway:
            return self._leased.gateway(message.address)
        mac = message.mac_address
        return self._leased.address(
            message.pool_id,
            wanted=message.address,
            name=message.name,
            mac=MacAddress(mac.lower()) if mac else None,
        )

    def _placeholder(self, message: wire.RequestAddressRequest) -> IPInterface:
        if message.is_gateway:
            return self._leased.gateway(message.address)
        return placeholder(message.address)

    def _release(self, pool_id: str, address: IPAddress) -> None:
        if is_leased(pool_id):
            self._leased.release(pool_id, address)
        elif not is_managers(pool_id):
            self._allocator.release_address(PoolID(pool_id), address)


def _address_spaces() -> Answer:
    spaces = AddressSpaces()
    return wire.address_spaces_answer(spaces.local, spaces.global_)
