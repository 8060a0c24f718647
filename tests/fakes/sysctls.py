"""Settings of a kernel in memory."""

from dataclasses import replace

from plugin.errors import KernelError
from plugin.model.sysctls import Sysctl
from tests.fakes.host import FakeHost


class FakeSysctls:
    """Those of the host and of its links; an adopted link's are not pynet's to set."""

    def __init__(self, host: FakeHost) -> None:
        self._host = host

    def ensure(self, sysctl: Sysctl) -> None:
        if self._is_anothers(sysctl):
            return
        if self._value(sysctl.name) is None:
            if sysctl.name.startswith("net/ipv6/"):
                return
            raise KernelError(f"this kernel has no setting {sysctl.name}")
        self._host.sysctls[sysctl.name] = sysctl.value

    def read(self, sysctl: Sysctl) -> Sysctl | None:
        if self._is_anothers(sysctl):
            return sysctl
        value = self._value(sysctl.name)
        return None if value is None else replace(sysctl, value=value)

    def _is_anothers(self, sysctl: Sysctl) -> bool:
        link = self._host.links.get(sysctl.adopted) if sysctl.adopted else None
        return link is not None and link.resource is None

    def _value(self, name: str) -> str | None:
        parts = name.split("/")
        per_link = parts[2] == "conf" and parts[3] in self._host.links
        return self._host.sysctls.get(name, "0" if per_link else None)
