"""Which bridges of this host are Docker's, and which are known to be of other programs.

Docker is not asked: a plugin that calls the engine while the engine waits for it hangs both.
Docker's rules are not read either.  A bridge of Docker is known by the name that Docker gives it.
If the user named it, it is known by the names of its ports, once a container is on it.  So a
bridge without ports may become Docker's, and a bridge of others is known by its ports, too.
"""

import re
from typing import Final

from plugin.kernel.links import seen_links
from plugin.kernel.links.ownership import is_ours
from plugin.kernel.netlink.rtnl import Rtnl
from plugin.model.parents import ForeignBridges

# moby, drivers/bridge: docker0, docker_gwbridge, and br- with twelve digits of the network's id.
_BRIDGE: Final = re.compile("docker0|docker_gwbridge|br-[0-9a-f]{12}")
# moby, netutils.GenerateIfaceName: seven digits; those of other programs have more or letters.
_PORT: Final = re.compile("veth[0-9a-f]{7}")


def read(rtnl: Rtnl) -> ForeignBridges:
    """The bridges that do not belong to pynet.  Costs a look at all links, if none is shared."""
    found = list(seen_links.links(rtnl))
    masters = {link.master for link in found}
    dockers = {link.master for link in found if is_port(link.ifname)}
    bridges = [link for link in found if link.kind == "bridge"]
    docker = {each.ifname for each in bridges if is_bridge(each.ifname) or each.index in dockers}
    used = {each.ifname for each in bridges if each.index in masters and not is_ours(each)}
    return ForeignBridges(docker=frozenset(docker), others=frozenset(used - docker))


def is_bridge(ifname: str) -> bool:
    """Whether Docker gives that name to bridges."""
    return _BRIDGE.fullmatch(ifname) is not None


def is_port(ifname: str) -> bool:
    """Whether Docker gives that name to the ports of its bridges."""
    return _PORT.fullmatch(ifname) is not None
