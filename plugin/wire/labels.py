"""The only place that knows ``com.docker.*`` names.

Docker's names of network options become pynet's short ones here, so that no driver ever
sees two names for one thing.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from plugin.drivers.parent_choice import is_for_host
from plugin.drivers.registry import option_names
from plugin.errors import InvalidOptionError, RefusedError, UnknownOptionError, likely
from plugin.wire.errors import WireError

PREFIX: Final = "com.docker.network."

ENABLE_IPV4: Final = PREFIX + "enable_ipv4"
ENABLE_IPV6: Final = PREFIX + "enable_ipv6"
INTERNAL: Final = PREFIX + "internal"
GENERIC: Final = PREFIX + "generic"

PORT_MAP: Final = PREFIX + "portmap"
EXPOSED_PORTS: Final = PREFIX + "endpoint.exposedports"
MAC_ADDRESS: Final = PREFIX + "endpoint.macaddress"
SYSCTLS: Final = PREFIX + "endpoint.sysctls"
# moby, netlabel/labels.go (NoProxy6To4): the sandbox has a gateway for each family; both get it
NO_PROXY_6TO4: Final = PREFIX + "driver.private.no_proxy_6to4"
ENDPOINT_NAME: Final = PREFIX + "endpoint.name"
IFNAME: Final = PREFIX + "endpoint.ifname"

# pynet's own: a swarm's leader has accepted the network, whose options have it from then on
ALLOCATED: Final = "pynet.allocated"

REQUEST_ADDRESS_TYPE: Final = "RequestAddressType"
GATEWAY: Final = PREFIX + "gateway"

# moby, drivers/bridge/labels.go and netlabel/labels.go
SHORT_NAMES: Final = {
    PREFIX + "driver.mtu": "mtu",
    PREFIX + "bridge.name": "bridge_name",
    PREFIX + "bridge.enable_ip_masquerade": "masquerade",
    PREFIX + "bridge.enable_icc": "icc",
    PREFIX + "bridge.host_binding_ipv4": "host_binding",
    PREFIX + "bridge.gateway_mode_ipv4": "gateway_mode_ipv4",
    PREFIX + "bridge.gateway_mode_ipv6": "gateway_mode_ipv6",
    PREFIX + "bridge.inhibit_ipv4": "inhibit_ipv4",
    PREFIX + "bridge.trusted_host_interfaces": "trusted_interfaces",
    PREFIX + "host_ipv4": "host_ipv4",
    PREFIX + "host_ipv6": "host_ipv6",
    PREFIX + "container_iface_prefix": "iface_prefix",
    # moby, drivers/overlay: a number for each subnet
    PREFIX + "driver.overlay.vxlanid_list": "vni",
    PREFIX + "driver.overlay.encrypted": "encrypted",
}


# What engines do for every driver from 28 on, by numbers between these (netlabel/labels.go, osl).
ADVERTISING: Final = {
    PREFIX + "advertise_addr_nmsgs": (0, 3),
    PREFIX + "advertise_addr_ms": (100, 2000),
}
_FLAGS: Final = {ENABLE_IPV4: "--ipv4", ENABLE_IPV6: "--ipv6"}
ENGINES_OWN: Final = (*ADVERTISING, *_FLAGS)
_TRUE: Final = ("true", "t", "1")  # as Go's strconv.ParseBool reads them
_DEFAULT_BRIDGE: Final = PREFIX + "bridge.default_bridge"
_WINDOWS: Final = PREFIX + "windowsshim."  # a Docker of another system reads them
# A name that begins with one of these is meant as an option of Docker or of pynet.
_OUR_WORDS: Final = frozenset(
    {"bridge", "container", "docker", "driver", "endpoint", "host", "network", "pynet"}
)
# Labels of endpoints: one is set by the user for the engine, the other by the engine.
_OF_ENDPOINTS: Final = (IFNAME, SYSCTLS)
_ENGINES_OF_ENDPOINTS: Final = (
    *(PORT_MAP, EXPOSED_PORTS, MAC_ADDRESS, ENDPOINT_NAME),
    PREFIX + "endpoint.dnsservers",
)
_IPV6_OFF: Final = "net.ipv6.conf.IFNAME.disable_ipv6"
_MISSPELT: Final = 0.85  # difflib's ratio: one letter more, less or other


def network_options(options: Mapping[str, Any], path: str) -> dict[str, str]:
    """What the user gave with ``-o``, by short names.

    Docker's own driver passes over names of Docker's that do not exist.

    Raises WireError, RefusedError.
    """
    short: dict[str, str] = {}
    for label, text in _generic(options, path).items():
        name = SHORT_NAMES.get(label, label)
        if name in ENGINES_OWN:
            _check_engines_own(name, text, options, path)
            continue
        if name == ALLOCATED or _is_passed_over(name, text):
            continue
        if short.setdefault(name, text) != text:
            raise WireError(
                f"{path}[{GENERIC}]",
                f"{label} is {text!r} and {name} is {short[name]!r}; set only one of them",
            )
    return short


def engine_options(options: Mapping[str, Any], path: str) -> dict[str, str]:
    """What the user gave with ``-o`` for the engine itself."""
    given = _generic(options, path)
    return {label: text for label, text in given.items() if label in ENGINES_OWN}


def endpoint_options(options: Mapping[str, Any], path: str) -> dict[str, str]:
    """The user's ``--driver-opt`` values, taken out of the labels that dockerd adds.

    The labels depend on the version of the engine.  So an unknown name is refused only if it
    resembles an option.
    """
    stem = PREFIX + "endpoint."
    for name in options:
        if name.startswith(stem) and name not in (*_OF_ENDPOINTS, *_ENGINES_OF_ENDPOINTS):
            known = [each.removeprefix(stem) for each in _OF_ENDPOINTS]
            if difflib.get_close_matches(name.removeprefix(stem), known, cutoff=_MISSPELT):
                raise _unknown(name, "for a container", stem, _OF_ENDPOINTS)
    return {
        name: _text(value, f"{path}[{name}]")
        for name, value in options.items()
        if not name.startswith(PREFIX)
    }


def has_ipv6_off(options: Mapping[str, Any]) -> bool:
    """Whether the label has the engine disable IPv6 on the endpoint's link (engine 27 and later).

    The value is a list of sysctls with commas, and IFNAME in place of the link's name.
    """
    settings = str(options.get(SYSCTLS) or "").split(",")
    pairs = [setting.strip().partition("=") for setting in settings]
    return any(name == _IPV6_OFF and value not in ("", "0") for name, _, value in pairs)


def pool_options(options: Mapping[str, Any]) -> dict[str, str]:
    """The user's ``--ipam-opt`` values.

    Swarm leaves labels of other calls among them (moby, cnmallocator: RequestAddressType and
    the serial flag), which are no options of a pool.
    """
    return {
        name: str(value)
        for name, value in options.items()
        if not name.startswith(PREFIX) and name != REQUEST_ADDRESS_TYPE
    }


def flag(options: Mapping[str, Any], label: str, *, default: bool, path: str) -> bool:
    """A label that is true or false; engines before 28 leave some out.  Raises WireError."""
    value = options.get(label)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise WireError(f"{path}[{label}]", f"expected true or false, got {value!r}")


def _is_passed_over(name: str, text: str) -> bool:
    """Whether a driver may ignore the option: another program reads it, or it is always true here.

    Raises UnknownOptionError for a name that is meant for Docker or pynet, and is unknown.
    """
    if is_for_host(name):
        return False  # the name of a host may have dots
    if name == _DEFAULT_BRIDGE:
        if text.lower() in _TRUE:
            raise RefusedError(
                f"option {name} is {text!r}, and the default bridge is one, and Docker's own; leave it "
                "out"
            )
        return True
    if name.startswith(_WINDOWS):
        return True
    if name.startswith(PREFIX + "endpoint."):
        hint = f"it is an option of a container: --network name=NETWORK,driver-opt={name}=..."
        raise UnknownOptionError(name, "for a network", (), hint)
    if name.startswith(PREFIX):
        raise _unknown(name, "to pynet", PREFIX, (*SHORT_NAMES, *ENGINES_OWN))
    return "." in name and _is_anothers(name)


def _is_anothers(name: str) -> bool:
    """Whether it is a label of another tool, as ``io.drone.network.pod``.

    Raises UnknownOptionError for a misspelt option of Docker or pynet.
    """
    own = {each.rpartition(".")[2]: each for each in (*SHORT_NAMES, *ENGINES_OWN)}
    own |= {each: each for each in option_names()}
    first, last = name.partition(".")[0], name.rpartition(".")[2]
    if last in own:
        raise UnknownOptionError(name, "to pynet", (), f"the option is called {own[last]}")
    if first in _OUR_WORDS:
        hint = f"Docker's options begin with {PREFIX}, and pynet's have no dot"
        raise UnknownOptionError(name, "to pynet", (), hint)
    return True


def _generic(options: Mapping[str, Any], path: str) -> dict[str, str]:
    generic = options.get(GENERIC) or {}
    if not isinstance(generic, Mapping):
        raise WireError(f"{path}[{GENERIC}]", "expected an object of options")
    return {
        str(label): _text(value, f"{path}[{GENERIC}][{label}]") for label, value in generic.items()
    }


def _unknown(name: str, where: str, stem: str, known: Sequence[str]) -> UnknownOptionError:
    """Names with one stem are all near each other: only what follows it is compared."""
    ends = [each.removeprefix(stem) for each in known]
    meant = likely(name.removeprefix(stem), ends)
    hint = (
        meant.replace("did you mean ", f"did you mean {stem}")
        if meant
        else f"{stem} is followed by {', '.join(ends)}"
    )
    return UnknownOptionError(name, where, known, hint)


def _check_engines_own(label: str, text: str, options: Mapping[str, Any], path: str) -> None:
    """Refuse an option that only engines from 28 on know, if this engine is older.

    Raises RefusedError, InvalidOptionError.
    """
    if label in ADVERTISING:
        least, most = ADVERTISING[label]
        if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
            raise InvalidOptionError(label, text, f"a number from {least} to {most}")
    elif label in options:
        is_on = flag(options, label, default=False, path=path)
        if is_on is not (text.lower() in _TRUE):
            raise RefusedError(
                f"option {label} is {text!r}, which this engine (before 28) does not know; "
                f"use {_FLAGS[label]} of docker network create, and leave out the option"
            )


def _text(value: object, path: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise WireError(path, f"expected text, got {value!r}")
