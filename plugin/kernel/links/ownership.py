"""How a link is known to belong to pynet, and to which network or endpoint.

The group of a link is set in the message that makes it.  So the link is known even if the process
is killed before the alias (which names the network) is written: the kernel accepts no alias at
creation (net/core/rtnetlink.c, rtnl_create_link).
"""

import socket
from collections import defaultdict
from typing import Final

from plugin.errors import ForeignLinkError, KernelError
from plugin.kernel.links import seen_links
from plugin.kernel.netlink.link_messages import LinkChange, LinkInfo
from plugin.kernel.netlink.rtnl import Rtnl
from plugin.model.ids import IfName
from plugin.model.links import OWNER_PREFIX
from plugin.model.resources import LinkResource

GROUP_OURS: Final = 0x706E
GROUP_DELETING: Final = 0x706F
# Who put an address there (linux/if_addr.h, IFA_PROTO; 0 to 3 are the kernel's own): an adopted
# bridge keeps the addresses it had.
ADDRESS_PROTOCOL: Final = 0x70


class OwnedLinks:
    """Every link of pynet that is not left to the reaper, by its kind; read once."""

    def __init__(self, rtnl: Rtnl) -> None:
        self._found: defaultdict[str, list[LinkInfo]] = defaultdict(list)
        for link in seen_links.links(rtnl):
            if is_ours(link):
                self._found[link.kind].append(link)

    def of_networks(self, *kinds: str) -> list[LinkInfo]:
        """Those whose alias names a network."""
        return [link for link in self.of(*kinds) if is_of_network(link)]

    def of_endpoints(self, *kinds: str) -> list[LinkInfo]:
        """Those whose alias names an endpoint, or is not written yet."""
        return [link for link in self.of(*kinds) if not is_of_network(link)]

    def of(self, *kinds: str) -> list[LinkInfo]:
        """Those of the kinds."""
        return [link for kind in kinds for link in self._found[kind]]


def is_ours(link: LinkInfo) -> bool:
    """Whether the link belongs to pynet and is not left to the reaper already."""
    return link.group == GROUP_OURS


def is_deleting(link: LinkInfo) -> bool:
    """Whether the link is left to the reaper."""
    return link.group == GROUP_DELETING


def is_of_network(link: LinkInfo) -> bool:
    """Whether the alias names a network, and no endpoint of one."""
    owner = owner_of(link)
    return bool(owner) and "/" not in (owner or "")


def delete_later(rtnl: Rtnl, resource: LinkResource) -> bool:
    """Leave the link to the reaper; False if it is not there or does not belong to pynet."""
    link = rtnl.link(resource.ifname)
    if link is None or not is_ours(link) or owner_of(link) not in (None, resource.owner):
        return False
    rtnl.change_link(link.index, LinkChange(group=GROUP_DELETING, up=False))
    return True


def index_of(ifname: IfName) -> int:
    """The number of a link that must be there.  Raises KernelError."""
    try:
        return socket.if_nametoindex(ifname)
    except OSError as error:
        raise KernelError(
            f"link {ifname} is not there; plug it in or restore its name if it is the host's, a link "
            "of pynet's comes back with the next tick"
        ) from error


def owned_link(rtnl: Rtnl, ifname: IfName, owner: str, *kinds: str) -> LinkInfo:
    """The link of that name, which must be of one of the kinds and have that owner.

    Raises ForeignLinkError if it belongs to another owner, KernelError if it is gone.
    """
    link = rtnl.link(ifname)
    if link is None:
        raise KernelError(f"link {ifname} went away while it was being made")
    if link.kind not in kinds or not is_ours(link) or owner_of(link) not in (None, owner):
        raise ForeignLinkError(
            f"a link named {ifname} exists and is not this network's; "
            f"remove it or choose another name"
        )
    return link


def owner_of(link: LinkInfo) -> str | None:
    """The network, or network and endpoint, in the alias; None before it is written."""
    if not link.alias.startswith(OWNER_PREFIX):
        return None
    return link.alias.removeprefix(OWNER_PREFIX)


def owner_if_right(link: LinkInfo) -> str:
    """The owner; empty if the link is down or not of pynet, so that it differs from any plan."""
    return (owner_of(link) or "") if link.up and is_ours(link) else ""
