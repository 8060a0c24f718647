"""What can be refused or go wrong, one class per fact.

A ``RefusedError`` is a fault of the request and changes nothing; a ``HostError`` is a fault of
the host.  Users of ``docker`` read the message, so it is a whole sentence.
"""

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

# Options that open or close something, by the last part of every name they have.
_WHO_REACHES_WHOM: Final = frozenset(
    {
        *("icc", "enable_icc", "icc_allow", "isolation", "spoof_guard", "host_services"),
        *("host_access", "trusted_interfaces", "trusted_host_interfaces", "masquerade"),
        *("enable_ip_masquerade", "host_binding", "host_binding_ipv4", "publish"),
        *("gateway_mode_ipv4", "gateway_mode_ipv6", "gateway", "gateway_container"),
    }
)
_MISSPELT: Final = 0.85  # difflib's ratio: one letter more, less or other


# What people type, and what does it.
_MEANT: Final = {
    "bandwidth": ("rate_to", "rate_from"),
    "rate": ("rate_to", "rate_from"),
    "rate_limit": ("rate_to", "rate_from"),
    "mac_address": ("mac",),
    "vlan_id": ("vlan",),
    "interface": ("parent",),
    "bridge": ("bridge_name",),
    "nat": ("masquerade", "gateway_mode_ipv4"),
}


def likely(name: str, known: Sequence[str]) -> str | None:
    """A question that suggests the option that was probably meant by an unknown name.

    Options that open or close something are suggested for a single typo only, with a warning.  A
    user who follows a vague suggestion might open what should stay closed.
    """
    meant = [each for each in _MEANT.get(name.lower(), ()) if each in known]
    if meant:
        return f"use {' and '.join(meant)}"
    for near in difflib.get_close_matches(name, known, n=len(known) or 1):
        if _last(near) not in _WHO_REACHES_WHOM:
            return f"did you mean {near}?"
        ratio = difflib.SequenceMatcher(None, _last(name), _last(near)).ratio()
        if ratio >= _MISSPELT or near.startswith(name):
            return f"did you mean {near}? It decides who reaches whom"
    return None


def _last(name: str) -> str:
    return name.rpartition(".")[2]


class PynetError(Exception):
    """The base of all errors that pynet answers."""


class RefusedError(PynetError):
    """The request cannot be meant, or cannot be granted as things stand."""


class HostError(PynetError):
    """The kernel, the firewall or the store did not do what was asked."""


class InvalidOptionError(RefusedError):
    """An option has a value that means nothing."""

    def __init__(self, option: str, value: object, expected: str) -> None:
        super().__init__(f"option {option} is {str(value)!r}, expected {expected}")


class UnknownOptionError(RefusedError):
    """An unknown option; ``elsewhere`` says where it belongs, if that is known."""

    def __init__(
        self, option: str, where: str, known: Sequence[str], elsewhere: str | None = None
    ) -> None:
        hint = elsewhere or likely(option, known) or f"it has {', '.join(known) or 'none'}"
        super().__init__(f"option {option} is unknown {where}; {hint}")


class SettingError(RefusedError):
    """A setting from the environment has a value that means nothing."""

    def __init__(self, setting: str, value: object, expected: str) -> None:
        super().__init__(f"{setting} is {str(value)!r}, expected {expected}")
        self.setting = setting


class NetworkNotFoundError(RefusedError):
    """No network of that id was ever created here, or it is gone."""


class EndpointNotFoundError(RefusedError):
    """No endpoint of that id was ever created here, or it is gone."""


class SubnetOverlapError(RefusedError):
    """Two networks of one host would claim the same addresses."""


class GatewayOutsideError(RefusedError):
    """A gateway that its subnet does not contain."""


class ForeignLinkError(RefusedError):
    """A link of that name exists and pynet is not its owner."""


class MissingLinkError(RefusedError):
    """A link that the network stands on does not exist."""


class AbsentAddressError(RefusedError):
    """The host has not, or not yet, the address that containers are to know it by."""


class PortTakenError(RefusedError):
    """A host port that is taken already, with Docker's message, and by whom as far as that is known."""

    def __init__(self, address: object, port: int, holder: str = "") -> None:
        message = f"Bind for {address}:{port} failed: port is already allocated"
        super().__init__(f"{message}; {holder}" if holder else message)
        self.address = address
        self.port = port


class KernelError(HostError):
    """Netlink, /proc/sys or a socket refused."""


class FirewallError(HostError):
    """nftables or iptables refused."""


class StoreError(HostError):
    """The state could not be read or written."""


class ClusterAwayError(HostError):
    """What hosts share cannot be asked just now."""


class NoPermissionError(HostError):
    """This user may not do it; root may."""


class NotReadyError(HostError):
    """The plugin has not finished starting, or cannot."""


class BusyError(HostError):
    """Another call has held the same network for too long."""


class LateError(HostError):
    """The call has been answered already, so its result would reach no caller."""


def reasons(error: BaseException) -> str:
    """The message of an error; for a group, those of all its errors."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(reasons(each) for each in error.exceptions)
    return str(error)


@contextmanager
def gathering(failures: list[Exception]) -> Iterator[None]:
    """Add a failure to the list, and go on behind the block."""
    try:
        yield
    except (PynetError, ExceptionGroup) as error:
        failures.append(error)
