"""Settings from the environment, read and checked once, before anything is opened.

Every setting is a row of SETTINGS: its name, its default and what it is for.  The
reference page lists the same rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Final, TypeVar

from plugin.errors import SettingError
from plugin.log import LEVELS

T = TypeVar("T")

_LONGEST: Final = 10 * 365 * 24 * 60 * 60.0  # ten years, in seconds
UNIX_PATH_MAX: Final = 107  # linux/un.h: sun_path holds 108 bytes with the NUL


class Scope(Enum):
    """How far a driver's networks reach, in libnetwork's words."""

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
class Setting:
    """One environment variable."""

    name: str
    default: str
    meaning: str


SETTINGS: Final = (
    Setting(
        name="PYNET_STATE",
        default="/var/lib/pynet",
        meaning="Directory of the databases; made with mode 0700 if it is missing.",
    ),
    Setting(
        name="PYNET_PLUGIN_SOCKETS",
        default="/run/docker/plugins/pynet.sock",
        meaning="Sockets to serve the engine on, with commas between: `path` or `path=scope`. "
        "A path without a scope takes SCOPE.",
    ),
    Setting(
        name="PYNET_ADMIN_SOCKET",
        default="/run/pynet/admin.sock",
        meaning="Socket for `pynet status`, health and metrics.",
    ),
    Setting(
        name="PYNET_LOG_LEVEL",
        default="info",
        meaning="Least important event that is logged: debug, info, warning or error.",
    ),
    Setting(
        name="SCOPE",
        default="local",
        meaning="Scope of the driver: local, or global for networks that swarm hands out.",
    ),
    Setting(
        name="PYNET_ROLES",
        default="network,ipam",
        meaning="What the plugin offers: network, ipam or both.",
    ),
    Setting(
        name="PYNET_POOLS",
        default="",
        meaning="Pools for networks without a subnet, `base:size` with commas between. "
        "Empty: the defaults, 10.208.0.0/12:24 and a /48 of this host's own for IPv6.",
    ),
    Setting(
        name="PYNET_QUARANTINE",
        default="60",
        meaning="Seconds that a freed address rests before somebody else gets it, 0 for none.",
    ),
    Setting(
        name="PYNET_STICKY",
        default="604800",
        meaning="Seconds that an address is kept for the container name or MAC address that "
        "had it, 0 for none.",
    ),
    Setting(
        name="PYNET_RESERVE_TIMEOUT",
        default="120",
        meaning="Seconds until an address that was asked for and that no endpoint has goes back, "
        "0 for never.",
    ),
    Setting(
        name="PYNET_REQUIRES_MAC",
        default="false",
        meaning="Whether the engine chooses a MAC address before it asks for an address. With true "
        "the address of `--mac-address` is sticky on engines before 29 too, but every endpoint "
        "gets a MAC address set, which links that share their parent's (ipvlan) refuse.",
    ),
    Setting(
        name="PYNET_MARK",
        default="0x800",
        meaning="The one bit of the packet mark that tells Docker's FORWARD chain "
        "that pynet let a packet through.",
    ),
    Setting(
        name="PYNET_SYSCTLS",
        default="/proc/sys",
        meaning="Where kernel settings are written: a managed plugin sees /proc/sys read-only.",
    ),
    Setting(
        name="PYNET_TICK",
        default="30",
        meaning="Seconds between two comparisons of the host with what it should hold, 1 to 3600.",
    ),
    Setting(
        name="PYNET_ANSWER_ALWAYS",
        default="false",
        meaning="With true a wrong setting does not end the start: Docker is told of it with every "
        "call, and `pynet status` shows it. For plugins whose output nobody reads, or whose sockets "
        "systemd holds, so that Docker would wait.",
    ),
)
_DOORS: Final = ("PYNET_PLUGIN_SOCKETS", "PYNET_ADMIN_SOCKET", "PYNET_ANSWER_ALWAYS")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressSettings:
    """What the IPAM is told; times are in seconds."""

    pools: str
    quarantine: float
    sticky: float
    reserve_timeout: float
    requires_mac: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one process."""

    state: Path
    plugin_sockets: tuple[PluginSocket, ...]
    admin_socket: Path
    log_level: str
    roles: frozenset[Role]
    addresses: AddressSettings
    mark: int
    sysctls: Path
    tick: float
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
    _boolean("PYNET_ANSWER_ALWAYS", values["PYNET_ANSWER_ALWAYS"])
    return Config(
        state=_absolute("PYNET_STATE", values["PYNET_STATE"]),
        plugin_sockets=_plugin_sockets(values["PYNET_PLUGIN_SOCKETS"], scope),
        admin_socket=_socket_path("PYNET_ADMIN_SOCKET", values["PYNET_ADMIN_SOCKET"]),
        log_level=_log_level(values["PYNET_LOG_LEVEL"]),
        roles=_roles(values["PYNET_ROLES"]),
        addresses=_addresses(values),
        mark=_mark(values["PYNET_MARK"]),
        sysctls=_absolute("PYNET_SYSCTLS", values["PYNET_SYSCTLS"]),
        tick=_number("PYNET_TICK", values["PYNET_TICK"], low=1, high=3600),
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


def _plugin_sockets(text: str, scope: Scope) -> tuple[PluginSocket, ...]:
    name = "PYNET_PLUGIN_SOCKETS"
    sockets = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        path, _, own = item.partition("=")
        sockets.append(
            PluginSocket(
                path=_socket_path(name, path),
                scope=_scope(name, own) if own else scope,
            )
        )
    if len({socket.path for socket in sockets}) < len(sockets):
        raise SettingError(name, text, "each path once")
    if not sockets:
        raise SettingError(name, text, "at least one absolute path")
    return tuple(sockets)


def _absolute(name: str, text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise SettingError(name, text, "an absolute path")
    return path


def _socket_path(name: str, text: str) -> Path:
    if len(text.encode()) > UNIX_PATH_MAX:
        raise SettingError(name, text, f"a path of at most {UNIX_PATH_MAX} bytes")
    return _absolute(name, text)


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
