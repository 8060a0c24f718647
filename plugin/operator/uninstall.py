"""What pynet leaves on a host, and its removal, part by part.

What was switched on for everybody stays: forwarding, and the policy of FORWARD that goes with it.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from plugin.errors import HostError, StoreError
from plugin.firewall.base import Zones
from plugin.kernel.base import Kernel
from plugin.model.addresses import HostRoute
from plugin.model.facts import Fact
from plugin.model.ids import IfName
from plugin.model.plan import in_order
from plugin.model.resources import HostResource
from plugin.model.sysctls import RouteLocalnet
from plugin.operator.base import Traces

# Databases and their journals, damaged ones that were put aside, backups that were put in place.
_OWN_FILES: Final = (
    "pynet.db*",
    "ipam.db*",
    "host-id*",
    "swarm-nodes*",
    "wireguard.key*",
    "replaced-*",
    "restoring*",
    "unpacking-*",
)


class LinkTraces:
    """Links that have pynet as owner, and routes on them.

    ``settle`` returns when links that were removed are gone.
    """

    def __init__(self, kernel: Kernel, settle: Callable[[], None]) -> None:
        self._kernel = kernel
        self._settle = settle

    def found(self) -> tuple[str, ...]:
        """A VLAN that something else needs is not among them.  Raises KernelError."""
        texts = [_text(each) for each in self._read()]
        return tuple(text for text in texts if text)

    def remove(self) -> None:
        """Remove links until none is left: a VLAN may be free only when others are gone.

        Raises KernelError, or a group of them.
        """
        before: list[HostResource] = []
        while (there := self._read()) and there != before:
            self._kernel.remove(there[::-1])
            self._settle()
            before = there

    def _read(self) -> list[HostResource]:
        ordered = in_order(self._kernel.read_all())
        return [each for each in ordered if not isinstance(each, Fact)]


class ZoneTraces:
    """Links of pynet in zones of firewalld."""

    def __init__(self, kernel: Kernel, zones: Zones) -> None:
        self._kernel = kernel
        self._zones = zones

    def found(self) -> tuple[str, ...]:
        """None where firewalld does not filter.  Raises KernelError."""
        return tuple(f"firewalld interface {name}" for name in self._links())

    def remove(self) -> None:
        """Take them out of their zones.  Raises FirewallError."""
        links = self._links()
        if links:
            self._zones.dismiss(links)

    def _links(self) -> list[IfName]:
        return sorted(self._kernel.firewalld_links(()) or ())


class StateTraces:
    """The state directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def found(self) -> tuple[str, ...]:
        """The directory, if it has anything that pynet wrote."""
        return (f"state {self._directory}",) if self._own() else ()

    def remove(self) -> None:
        """Delete what pynet wrote, and the directory if it is empty then.

        Raises StoreError.
        """
        try:
            for path in self._own():
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            others = sorted(path.name for path in self._directory.iterdir())
            if not others:
                self._directory.rmdir()
        except OSError as error:
            raise StoreError(
                f"{self._directory} cannot be removed: {error.strerror or error}"
            ) from error
        if others:
            raise StoreError(
                f"{self._directory} has files that pynet did not write ({', '.join(others)}); "
                f"look at them, then delete it yourself"
            )

    def _own(self) -> list[Path]:
        return [path for pattern in _OWN_FILES for path in sorted(self._directory.glob(pattern))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """The networks in the state, by id, and the traces of pynet in the order of their removal.

    ``containers`` are those that have links of pynet now, whatever the state and engines say.
    """

    networks: tuple[str, ...]
    containers: tuple[str, ...] = ()
    traces: Sequence[Traces]

    def found(self) -> list[str]:
        """Everything there is."""
        return [text for each in self.traces for text in each.found()]

    def remove(self) -> None:
        """Remove every part, also after one that failed; raises one ExceptionGroup at the end.

        The last part, the state, stays if another one failed.
        """
        failures: list[Exception] = []
        for each in self.traces:
            if failures and isinstance(each, StateTraces):
                break
            try:
                each.remove()
            except (HostError, ExceptionGroup) as error:
                failures.append(error)
        if failures:
            raise ExceptionGroup("pynet was not removed wholly", failures)


def containers_on(kernel: Kernel) -> tuple[str, ...]:
    """Containers that have links of pynet, for people.  Raises KernelError."""
    return tuple(sorted(map(_container, kernel.handed_over())))


def _container(owner: str) -> str:
    network, _, endpoint = owner.partition("/")
    if not endpoint:
        return f"link {owner}"
    return f"endpoint {endpoint[:12]} of network {network[:12]}"


def _text(resource: HostResource) -> str | None:
    """As ``ip`` names it; a setting goes with its link."""
    match resource:
        case RouteLocalnet():
            return None
        case HostRoute():
            return f"route {resource.address} dev {resource.ifname}"
    return f"link {resource.key[1]}"
