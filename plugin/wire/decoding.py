"""Bytes to structs, and text in them to values, with a path in every complaint."""

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_interface, ip_network
from typing import Final, TypeVar

import msgspec

from plugin.model.ids import MacAddress, unicast_mac, unscoped
from plugin.model.network import IPAddress, IPInterface, IPNetwork
from plugin.wire.errors import WireError

T = TypeVar("T")

_ID: Final = re.compile(r"[0-9A-Za-z._-]{1,64}")
_AT: Final = re.compile(r"^(?P<problem>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)


def decode(body: bytes, kind: type[T]) -> T:
    """The message of a request.

    An empty body is refused: dockerd repeats a call whose answer was lost without its body
    (moby, pkg/plugins/client.go), and what it asked for then is not known.

    Raises WireError.
    """
    if not body.strip():
        raise WireError("$", "the body is empty; a repeated call comes without what it asks for")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        if not _is_text(body):
            raise WireError("$", "the body is not UTF-8") from error
        found = _AT.match(str(error))
        path = (found and found["path"]) or "$"
        problem = found["problem"] if found else str(error)
        raise WireError(path, problem) from error
    except RecursionError as error:
        raise WireError("$", "the body is nested too deeply") from error


def _is_text(body: bytes) -> bool:
    """msgspec says it in another error since 0.23."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def parse_address(text: str, path: str) -> IPAddress:
    """An address without a length."""
    return _parse(lambda t: ip_address(unscoped(t)), text, path, "an address")


def parse_interface(text: str, path: str) -> IPInterface:
    """An address with the length of its subnet.  Raises WireError."""
    if "/" not in text:
        raise WireError(path, f"{text!r} has no prefix length, expected one as 10.0.0.2/24")
    return _parse(
        lambda t: ip_interface(unscoped(t)), text, path, "an address with a prefix length"
    )


def parse_network(text: str, path: str) -> IPNetwork:
    """A prefix; host bits are dropped, as engines before 25 send them."""
    return _parse(lambda t: ip_network(unscoped(t), strict=False), text, path, "a prefix")


def parse_mac(text: str, path: str) -> MacAddress:
    """A unicast hardware address in any notation, returned in lower case with colons."""
    return _parse(unicast_mac, text, path, "the address of one host, as 02:42:0a:00:00:02")


def require(text: str, path: str) -> str:
    """Text that must not be empty.  Raises WireError."""
    if not text:
        raise WireError(path, "is empty")
    return text


def identifier(text: str, path: str) -> str:
    """An id as engines make them: 64 hexadecimal digits, or in swarm 25 letters and digits.

    Names and marks on the host derive from it, and a mark holds two ids (linux/if.h, IFALIASZ).

    Raises WireError.
    """
    require(text, path)
    if not _ID.fullmatch(text):
        raise WireError(path, f"{text[:80]!r} is not an id: 1 to 64 letters, digits, '.', '_', '-'")
    return text


def _parse(parse: Callable[[str], T], text: str, path: str, what: str) -> T:
    try:
        return parse(text)
    except ValueError:
        raise WireError(path, f"{text!r} is not {what}") from None
