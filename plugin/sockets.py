"""Where pynet listens, as settings have it: a path, or an address and a port."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final

from plugin.errors import SettingError
from plugin.secret_files import absolute

UNIX_PATH_MAX: Final = 107  # linux/un.h: sun_path holds 108 bytes with the NUL
_OF_HOST: Final = "/host/plugins/"  # config.json: the host's folder in a managed plugin


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """An address of the host and a TCP port."""

    address: IPv4Address | IPv6Address
    port: int

    @property
    def text(self) -> str:
        """As people write it."""
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{host}:{self.port}"


def read_listener(name: str, text: str) -> Listener | None:
    """What the setting ``name`` says; None if it is empty.  Raises SettingError."""
    if not text:
        return None
    host, _, number = text.rpartition(":")
    port = int(number) if number.isascii() and number.isdigit() else 0
    try:
        address = ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        address = None
    if address is None or not 0 < port < 1 << 16 or "%" in host:
        raise SettingError(name, text, "an IP address and a port, as 127.0.0.1:9610 or [::1]:9610")
    return Listener(address=address, port=port)


def read_path(name: str, text: str) -> Path:
    """The path of a Unix socket that the setting ``name`` says.  Raises SettingError."""
    if len(text.encode()) > UNIX_PATH_MAX:
        raise SettingError(name, text, f"a path of at most {UNIX_PATH_MAX} bytes")
    return absolute(name, text)


def are_of_managed(paths: Iterable[str]) -> bool:
    """Whether a managed plugin listens at these, which sees its own files and processes only."""
    return any(path.startswith(_OF_HOST) for path in paths)
