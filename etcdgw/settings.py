"""Which members there are, and how they are spoken to."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from etcdgw.errors import InvalidSettingError

CLIENT_PORT: Final = 2379  # IANA: etcd-client
_EXPECTED: Final = "expected URLs such as http://10.0.0.1:2379 or https://etcd.example:2379"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of the cluster, as clients reach it."""

    host: str
    port: int = CLIENT_PORT
    encrypted: bool = False

    @property
    def authority(self) -> str:
        """Host and port, as the header Host has them (RFC 9110 section 7.2)."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{'https' if self.encrypted else 'http'}://{self.authority}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """PEM files: who signed the members' certificates, and the client's own certificate.

    Without ``ca`` the authorities of the system are trusted.  The JSON gateway takes no client certificate
    for a user: a member may demand one, and rights come from a user and a password.  Where etcd has users,
    the certificate may have no CommonName: the gateway refuses it then.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user of etcd's own (``etcdctl user add``)."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a client is made of; ``timeout`` is for a whole call, in seconds.

    Raises InvalidSettingError.
    """

    members: tuple[Member, ...]
    tls: Tls = Tls()
    credentials: Credentials | None = None
    timeout: float = 2.0

    def __post_init__(self) -> None:
        if not self.members:
            raise InvalidSettingError(f"no member of etcd is named, {_EXPECTED}")
        if self.timeout <= 0:
            raise InvalidSettingError(f"timeout is {self.timeout}, expected seconds above 0")


def parse_members(text: str) -> tuple[Member, ...]:
    """Read URLs with commas between: ``http://10.0.0.1:2379,http://10.0.0.2:2379``.

    Raises InvalidSettingError.
    """
    members = tuple(_parse_member(part.strip()) for part in text.split(",") if part.strip())
    if not members:
        raise InvalidSettingError(f"etcd is {text!r}, {_EXPECTED}")
    for member in members:
        if members.count(member) > 1:
            raise InvalidSettingError(f"etcd has {member} twice; name each member once")
    if len({member.encrypted for member in members}) > 1:
        raise InvalidSettingError(f"etcd is {text!r}, with http and https; use one of them for all")
    return members


def _parse_member(text: str) -> Member:
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError:
        host, port = None, None
    plain = bool(host) and not (url.username or url.query or url.fragment or url.path.strip("/"))
    if not (plain and host and text.isascii() and url.scheme in ("http", "https")) or port == 0:
        raise InvalidSettingError(f"etcd has {text!r}, {_EXPECTED}")
    return Member(host=host, port=port or CLIENT_PORT, encrypted=url.scheme == "https")
