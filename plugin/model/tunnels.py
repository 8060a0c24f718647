"""A network that spans hosts: its tunnel, and the host's part in it, as values."""

from dataclasses import dataclass
from typing import Final

from plugin.model.ids import IfName, Key, MacAddress
from plugin.model.network import IPAddress, IPInterface

# The address at which a device keeps whom it floods (drivers/net/vxlan, all_zeros_mac).
EVERYBODY: Final = MacAddress("00:00:00:00:00:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vxlan:
    """A bridge port that carries frames to other hosts in UDP datagrams (RFC 7348), up.

    It learns from what arrives behind which host a container is.
    """

    ifname: IfName
    vni: int
    port: int
    local: IPAddress
    mtu: int
    master: IfName
    mark: str

    @property
    def key(self) -> Key:
        return ("link", self.ifname)


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodEntry:
    """A host that gets a copy of each frame whose receiver is not known, or is everybody.

    With another ``mac_address`` it is a lasting word on one receiver, as nobody but somebody else
    gives: such a one keeps a device from learning.
    """

    ifname: IfName
    peer: IPAddress
    mac_address: MacAddress = EVERYBODY

    @property
    def key(self) -> Key:
        return ("flood", self.ifname, self.peer, self.mac_address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """What tells the datagrams of one network from those of others on a host."""

    vni: int
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Underlay:
    """The host's own address among the hosts of a network, and the MTU of the link that has it."""

    local: IPAddress
    mtu: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """That a container is on this host now; ``tunnel`` leads to hosts that may have known it elsewhere."""

    tunnel: IfName
    mac_address: MacAddress
    interfaces: tuple[IPInterface, ...]
