"""Settings from the environment, read and checked once, before anything is opened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Final, TypeVar

from plugin.errors import SettingError
from plugin.log import LEVELS
from plugin.secret_files import absolute, read_secret
from plugin.settings import SETTINGS
from plugin.sockets import Listener, read_listener, read_path

T = TypeVar("T")

_LONGEST: Final = 10 * 365 * 24 * 60 * 60.0  # ten years, in seconds
_MARKS: Final = range(1 << 32)  # linux/skbuff.h: the mark is a __u32
_SHORTEST_SECRET: Final = 32  # characters


class Scope(Enum):
    """How far a driver's networks reach, with libnetwork's values."""

    LOCAL = "local"
    GLOBAL = "global"


class Role(Enum):
    """The protocols that the plugin offers to the engine."""

    NETWORK = "network"
    IPAM = "ipam"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginSocket:
    """Where dockerd finds the plugin; the file's name is the driver's name."""

    path: Path
    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedMark:
    """The packet marks that have ``value`` in the bits of ``mask``."""

    value: int
    mask: int


# Settings that mean nothing without another one.
_NEEDED_BY: Final = (
    ("PYNET_CLUSTER", "PYNET_ETCD"),
    ("PYNET_HOST_ADDRESS", "PYNET_ETCD"),
    ("PYNET_ETCD_CA", "PYNET_ETCD"),
    ("PYNET_ETCD_CERT", "PYNET_ETCD"),
    ("PYNET_ETCD_KEY", "PYNET_ETCD_CERT"),
    ("PYNET_ETCD_PASSWORD_FILE", "PYNET_ETCD_USER"),
    ("PYNET_ETCD_USER", "PYNET_ETCD"),
    ("PYNET_ETCD_USER", "PYNET_ETCD_PASSWORD_FILE"),
)
_DOORS: Final = ("PYNET_PLUGIN_SOCKETS", "PYNET_ADMIN_SOCKET", "PYNET_ANSWER_ALWAYS")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressSettings:
    """Settings of the IPAM; times are in seconds."""

    pools: str
    quarantine: float
    sticky: float
    reserve_timeout: float
    requires_mac: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """The etcd by which hosts share pools; ``etcd``, ``ranges``, ``address`` are read where backends are picked."""

    etcd: str
    ranges: str
    ca: Path | None
    certificate: Path | None
    key: Path | None
    user: str
    password: str = field(repr=False)
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one process."""

    state: Path
    plugin_sockets: tuple[PluginSocket, ...]
    admin_socket: Path
    metrics: Listener | None
    log_level: str
    roles: frozenset[Role]
    addresses: AddressSettings
    mark: int
    accepted: AcceptedMark | None
    sysctls: Path
    tick: float
    cluster: ClusterSettings | None = None
    secret: str = field(default="", repr=False)
    fault: str = ""  # why it may not be served, with PYNET_ANSWER_ALWAYS; empty if it may


def read_served_config(environ: Mapping[str, str]) -> Config:
    """The settings of a plugin: with PYNET_ANSWER_ALWAYS a wrong one becomes the ``fault``.

    Raises SettingError as ``read_config`` does without it, and for what names the sockets.
    """
    try:
        return read_config(environ)
    except SettingError as error:
        always = environ.get("PYNET_ANSWER_ALWAYS", "").strip()
        if error.setting in _DOORS or not (always and _boolean("PYNET_ANSWER_ALWAYS", always)):
            raise
        others = {name: value for name, value in environ.items() if name != error.setting}
        config = read_served_config(others)
        return replace(config, fault=f"{error}; {config.fault}".rstrip("; "))


def read_config(environ: Mapping[str, str]) -> Config:
    """Parse the settings.

    Raises SettingError, naming the variable, its value and what would be right.
    """
    values = {s.name: environ.get(s.name, "").strip() or s.default for s in SETTINGS}
    scope = _scope("SCOPE", values["SCOPE"])
    mark = _mark(values["PYNET_MARK"])
    _boolean("PYNET_ANSWER_ALWAYS", values["PYNET_ANSWER_ALWAYS"])
    return Config(
        state=absolute("PYNET_STATE", values["PYNET_STATE"]),
        plugin_sockets=_plugin_sockets(values["PYNET_PLUGIN_SOCKETS"], scope),
        admin_socket=read_path("PYNET_ADMIN_SOCKET", values["PYNET_ADMIN_SOCKET"]),
        metrics=read_listener("PYNET_METRICS", values["PYNET_METRICS"]),
        log_level=_log_level(values["PYNET_LOG_LEVEL"]),
        roles=_roles(values["PYNET_ROLES"]),
        addresses=_addresses(values),
        mark=mark,
        accepted=_accepted(values["PYNET_ACCEPT_FWMARK"], mark),
        sysctls=absolute("PYNET_SYSCTLS", values["PYNET_SYSCTLS"]),
        tick=_number("PYNET_TICK", values["PYNET_TICK"], low=1, high=3600),
        cluster=_cluster(values),
        secret=_secret(values["PYNET_SECRET"], values["PYNET_SECRET_FILE"]),
    )


def _addresses(values: Mapping[str, str]) -> AddressSettings:
    def seconds(name: str) -> float:
        return _number(name, values[name], low=0, high=_LONGEST)

    return AddressSettings(
        pools=values["PYNET_POOLS"],
        quarantine=seconds("PYNET_QUARANTINE"),
        sticky=seconds("PYNET_STICKY"),
        reserve_timeout=seconds("PYNET_RESERVE_TIMEOUT"),
        requires_mac=_boolean("PYNET_REQUIRES_MAC", values["PYNET_REQUIRES_MAC"]),
    )


def _cluster(values: Mapping[str, str]) -> ClusterSettings | None:
    for name, needed in _NEEDED_BY:
        if values[name] and not values[needed]:
            raise SettingError(name, values[name], f"nothing where {needed} is empty")
    if not values["PYNET_ETCD"]:
        return None
    if Role.IPAM not in _roles(values["PYNET_ROLES"]):
        raise SettingError("PYNET_ETCD", values["PYNET_ETCD"], "the role ipam in PYNET_ROLES too")

    def file(name: str) -> Path | None:
        return absolute(name, values[name]) if values[name] else None

    return ClusterSettings(
        etcd=values["PYNET_ETCD"],
        ranges=values["PYNET_CLUSTER"],
        ca=file("PYNET_ETCD_CA"),
        certificate=file("PYNET_ETCD_CERT"),
        key=file("PYNET_ETCD_KEY"),
        user=values["PYNET_ETCD_USER"],
        password=_password(values["PYNET_ETCD_PASSWORD_FILE"]),
        address=values["PYNET_HOST_ADDRESS"],
    )


def _password(path: str) -> str:
    name = "PYNET_ETCD_PASSWORD_FILE"
    password = read_secret(name, path) if path else ""
    if path and not password:
        raise SettingError(name, path, "a file with the password, and this one is empty")
    return password


def _plugin_sockets(text: str, scope: Scope) -> tuple[PluginSocket, ...]:
    name = "PYNET_PLUGIN_SOCKETS"
    sockets = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        path, _, own = item.partition("=")
        sockets.append(
            PluginSocket(
                path=read_path(name, path),
                scope=_scope(name, own) if own else scope,
            )
        )
    if len({socket.path for socket in sockets}) < len(sockets):
        raise SettingError(name, text, "each path once")
    if not sockets:
        raise SettingError(name, text, "at least one absolute path")
    return tuple(sockets)


def _scope(name: str, text: str) -> Scope:
    try:
        return Scope(text)
    except ValueError:
        raise SettingError(name, text, "local or global as the scope") from None


def _log_level(text: str) -> str:
    if text.lower() not in LEVELS:
        raise SettingError("PYNET_LOG_LEVEL", text, f"one of {', '.join(LEVELS)}")
    return text.lower()


def _roles(text: str) -> frozenset[Role]:
    try:
        roles = frozenset(Role(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        roles = frozenset()
    if not roles:
        raise SettingError("PYNET_ROLES", text, "network, ipam or network,ipam")
    return roles


def _mark(text: str) -> int:
    mark = _parse(int, text, 0)
    if mark is None or not 0 < mark < 1 << 32 or mark & (mark - 1):
        raise SettingError("PYNET_MARK", text, "a number with one bit set, as 0x800")
    return mark


def _accepted(text: str, own: int) -> AcceptedMark | None:
    """As dockerd's bridge-accept-fwmark, but nothing that every packet or none has."""
    name = "PYNET_ACCEPT_FWMARK"
    if not text:
        return None
    first, slash, second = text.partition("/")
    value = _parse(int, first, 0)
    mask = _parse(int, second, 0) if slash else _MARKS[-1]
    if not value or not mask or mask not in _MARKS or value & ~mask:
        raise SettingError(name, text, "a mark within its mask and not 0, as 0x2/0x3 or 0x2")
    if value & own:
        raise SettingError(name, text, f"a mark without the bit of PYNET_MARK, {own:#x}")
    return AcceptedMark(value=value, mask=mask)


def _secret(text: str, path: str) -> str:
    """The secret; no message has it."""
    if not path:
        return _strong("PYNET_SECRET", text) if text else ""
    name = "PYNET_SECRET_FILE"
    if text:
        raise SettingError(name, path, "nothing where PYNET_SECRET is given, too")
    return _strong(name, read_secret(name, path))


def _strong(name: str, secret: str) -> str:
    """Refuse a short secret: it can be found by trying secrets on recorded handshakes of hosts."""
    if len(secret) < _SHORTEST_SECRET:
        expected = f"a secret of at least {_SHORTEST_SECRET}, as from 'openssl rand -base64 32'"
        raise SettingError(name, f"{len(secret)} characters long", expected)
    return secret


def _boolean(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise SettingError(name, text, "true or false")
    return text.lower() == "true"


def _number(name: str, text: str, *, low: float, high: float) -> float:
    number = _parse(float, text)
    if number is None or not low <= number <= high:
        raise SettingError(name, text, f"a number from {low:g} to {high:g}")
    return number


def _parse(kind: Callable[..., T], text: str, *arguments: int) -> T | None:
    """Numbers as people write them: Python takes 1_0 and other alphabets' digits, too."""
    if "_" in text or not text.isascii():
        return None
    try:
        return kind(text, *arguments)
    except ValueError:
        return None
