"""Kernel settings below /proc/sys, which shows those of the caller's network namespace."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from plugin.errors import KernelError
from plugin.model.resources import Sysctl

ROOT: Final = Path("/proc/sys")


def ensure(sysctl: Sysctl, root: Path) -> None:
    """Write the setting, unless it has the value already.

    Reading first spares the forwarding switches, which walk over all links when written.
    """
    path = root / sysctl.name
    try:
        if path.read_text().strip() != sysctl.value:
            path.write_text(sysctl.value)
    except FileNotFoundError:
        # A kernel without IPv6 has nothing to switch off there.
        if not sysctl.name.startswith("net/ipv6/"):
            raise KernelError(f"this kernel has no setting {sysctl.name}") from None
    except OSError as error:
        raise KernelError(f"cannot set {sysctl.name} to {sysctl.value}: {error}") from error


def read(sysctl: Sysctl, root: Path) -> Sysctl | None:
    """The setting as it is; None if the kernel does not have it."""
    try:
        return replace(sysctl, value=(root / sysctl.name).read_text().strip())
    except OSError:
        return None
