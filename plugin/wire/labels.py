"""The only place that knows ``com.docker.*`` names.

Docker's names of network options become pynet's short ones here, so that no driver ever
sees two names for one thing.
"""

from collections.abc import Mapping
from typing import Any, Final

from plugin.wire.errors import WireError

PREFIX: Final = "com.docker.network."

ENABLE_IPV4: Final = PREFIX + "enable_ipv4"
ENABLE_IPV6: Final = PREFIX + "enable_ipv6"
INTERNAL: Final = PREFIX + "internal"
GENERIC: Final = PREFIX + "generic"

PORT_MAP: Final = PREFIX + "portmap"
EXPOSED_PORTS: Final = PREFIX + "endpoint.exposedports"
MAC_ADDRESS: Final = PREFIX + "endpoint.macaddress"
ENDPOINT_NAME: Final = PREFIX + "endpoint.name"

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
}


def network_options(options: Mapping[str, Any], path: str) -> dict[str, str]:
    """What the user gave with ``-o``, by short names."""
    generic = options.get(GENERIC) or {}
    if not isinstance(generic, Mapping):
        raise WireError(f"{path}[{GENERIC}]", "expected an object of options")
    short: dict[str, str] = {}
    for label, value in generic.items():
        name = SHORT_NAMES.get(str(label), str(label))
        text = _text(value, f"{path}[{GENERIC}][{label}]")
        if short.setdefault(name, text) != text:
            raise WireError(
                f"{path}[{GENERIC}]",
                f"{label} is {text!r} and {name} is {short[name]!r}: say it once",
            )
    return short


def endpoint_options(options: Mapping[str, Any], path: str) -> dict[str, str]:
    """What the user gave with ``--driver-opt``: dockerd mixes it with labels of its own."""
    return {
        name: _text(value, f"{path}[{name}]")
        for name, value in options.items()
        if not name.startswith(PREFIX)
    }


def pool_options(options: Mapping[str, Any]) -> dict[str, str]:
    """What the user gave with ``--ipam-opt``.

    Swarm leaves words of other calls among them (moby, cnmallocator: RequestAddressType and
    the serial flag), which are no options of a pool.
    """
    return {
        name: str(value)
        for name, value in options.items()
        if not name.startswith(PREFIX) and name != REQUEST_ADDRESS_TYPE
    }


def flag(options: Mapping[str, Any], label: str, *, default: bool, path: str) -> bool:
    """A label that says yes or no; engines before 28 leave some out."""
    value = options.get(label)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise WireError(f"{path}[{label}]", f"expected true or false, got {value!r}")


def _text(value: object, path: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise WireError(path, f"expected text, got {value!r}")
