"""Which bridges of this host are Docker's own.

Docker is not asked (a plugin that calls the engine which waits for it hangs both), and its
rules are not read.  A bridge of its is known by the name that Docker gives it; one that got a
name from the user by the names that Docker gives to its
ports, as soon as there is a container on it.
"""

import re
from typing import Final

from plugin.kernel.rtnl import Rtnl
from plugin.model.ids import IfName

# moby, drivers/bridge: docker0, docker_gwbridge, and br- with twelve digits of the network's id.
_BRIDGE: Final = re.compile("docker0|docker_gwbridge|br-[0-9a-f]{12}")
# moby, netutils.GenerateIfaceName: seven digits; those of other programs have more or letters.
_PORT: Final = re.compile("veth[0-9a-f]{7}")


def read(rtnl: Rtnl) -> frozenset[IfName]:
    """The names of Docker's bridges.  Costs a look at all links."""
    links = rtnl.links()
    masters = {link.master for link in links if is_port(link.ifname)}
    return frozenset(
        link.ifname
        for link in links
        if link.kind == "bridge" and (is_bridge(link.ifname) or link.index in masters)
    )


def is_bridge(ifname: str) -> bool:
    """Whether Docker gives that name to bridges."""
    return _BRIDGE.fullmatch(ifname) is not None


def is_port(ifname: str) -> bool:
    """Whether Docker gives that name to the ports of its bridges."""
    return _PORT.fullmatch(ifname) is not None
