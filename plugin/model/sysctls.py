"""Kernel settings as values."""

from dataclasses import dataclass

from plugin.model.ids import IfName, Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Sysctl:
    """A kernel setting below ``/proc/sys``; ``name`` uses slashes as the path does.

    Removal leaves it: a link's settings go with the link, and others may need the host-wide ones
    (forwarding) by then.  With ``adopted`` the link may have another owner, who then decides on the
    setting.
    """

    name: str
    value: str
    adopted: IfName | None = None

    @property
    def key(self) -> Key:
        return ("sysctl", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteLocalnet:
    """Leave for a link of the host's to carry packets from and to 127.0.0.0/8 (route_localnet).

    By it 127.0.0.1 can be translated to a container there (kernel doc ip-sysctl).  Removal
    switches it off on a link that pynet made; a link of another owner keeps it.
    """

    ifname: IfName

    @property
    def key(self) -> Key:
        return ("route_localnet", self.ifname)
