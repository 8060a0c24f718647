"""Networks and endpoints as JSON, with the field names of the model.

Decoding follows the types of the dataclasses: an address is IPv4 or IPv6, and msgspec cannot
decode a union of two types that it does not know.
"""

import builtins
import dataclasses
import types
import typing
from base64 import b64decode
from collections.abc import Callable
from enum import Enum
from functools import cache, partial
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any, Final, TypeVar, cast

import msgspec

from plugin.errors import StoreError
from plugin.model.ids import EndpointID, MacAddress, NetworkID
from plugin.model.network import (
    Endpoint,
    IPAddress,
    IPInterface,
    IPNetwork,
    Network,
    NetworkState,
)

T = TypeVar("T")
_Parser = Callable[[Any], Any]

DAMAGED: Final = "(damaged record)"  # in the place of what only the record knows
_ENCODER: Final = msgspec.json.Encoder(enc_hook=str)
_ADDRESSES: Final[dict[frozenset[Any], _Parser]] = {
    frozenset(typing.get_args(IPAddress)): ip_address,
    frozenset(typing.get_args(IPInterface)): ip_interface,
    frozenset(typing.get_args(IPNetwork)): ip_network,
}
_PARSER_OF: Final[dict[Any, _Parser]] = {
    **{kind: parse for kinds, parse in _ADDRESSES.items() for kind in kinds},
    bytes: b64decode,
}


def encode(value: object) -> bytes:
    """The record of a value."""
    return _ENCODER.encode(value)


def decode(record: bytes, kind: type[T]) -> T:
    """The value of a record; fields that it lacks take their defaults.

    Fields of a later version are ignored, and gone when this version writes the record again.
    Raises StoreError for a record that this version cannot read.
    """
    try:
        return cast("T", _parser(cast("Any", kind))(msgspec.json.decode(record)))
    except (msgspec.MsgspecError, AttributeError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"a record of the state cannot be read: {error}") from error


def damaged_network(network_id: NetworkID) -> Network:
    """What stands for a network whose record cannot be read; no plan can be made of it."""
    return Network(id=network_id, mode=DAMAGED, state=NetworkState.ACTIVE)


def damaged_endpoint(endpoint_id: EndpointID, network_id: NetworkID) -> Endpoint:
    """What stands for an endpoint whose record cannot be read: it counts as running."""
    return Endpoint(
        id=endpoint_id, network_id=network_id, mac_address=MacAddress(""), sandbox_key=DAMAGED
    )


@cache
def _parser(kind: Any) -> _Parser:
    """How a field of that type is read from what JSON has."""
    arguments = typing.get_args(kind)
    match typing.get_origin(kind):
        case types.UnionType | typing.Union:
            parse = _union_parser(arguments)
        case builtins.tuple:
            parse = _tuple_parser(arguments[0])
        case builtins.dict:
            parse = _dict_parser(arguments[1])
        case _:
            parse = _plain_parser(kind)
    return parse


def _plain_parser(kind: Any) -> _Parser:
    if kind in _PARSER_OF:
        return _PARSER_OF[kind]
    if dataclasses.is_dataclass(kind):
        return _dataclass_parser(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    return partial(_checked, getattr(kind, "__supertype__", kind))


def _checked(kind: type, value: Any) -> Any:
    """The value, if it is of that kind: a truth value is no number."""
    if type(value) is not kind:
        raise ValueError(f"{value!r} is no {kind.__name__}")
    return value


def _tuple_parser(kind: Any) -> _Parser:
    item = _parser(kind)
    return lambda values: tuple(map(item, values))


def _dict_parser(kind: Any) -> _Parser:
    item = _parser(kind)
    return lambda values: {name: item(value) for name, value in values.items()}


def _union_parser(kinds: tuple[Any, ...]) -> _Parser:
    known = frozenset(kind for kind in kinds if kind is not types.NoneType)
    parse = _ADDRESSES.get(known) or _parser(next(iter(known)))
    return lambda value: None if value is None else parse(value)


def _dataclass_parser(kind: Any) -> _Parser:
    hints = typing.get_type_hints(kind)
    parsers = {field.name: _parser(hints[field.name]) for field in dataclasses.fields(kind)}

    def parse(record: dict[str, Any]) -> Any:
        known = record.keys() & parsers.keys()
        return kind(**{name: parsers[name](record[name]) for name in known})

    return parse
