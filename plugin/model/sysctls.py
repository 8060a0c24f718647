"""Kernel settings as values."""

from dataclasses import dataclass

from plugin.model.ids import IfName, Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Sysctl:
    """A kernel setting below ``/proc/sys``; ``name`` uses slashes as the path does.

    Removal leaves it alone: a link's settings go with the link, and the host-wide ones
    (forwarding) may be needed by others by then.  With ``adopted`` it is one of a link that may
    be somebody else's, who then has it as he likes.
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
    switches it off on a link of ours; a link of somebody else's keeps it.
    """

    ifname: IfName

    @property
    def key(self) -> Key:
        return ("route_localnet", self.ifname)
