"""Upper bounds for what goes through a link: a token bucket, and an ifb link for what comes in.

A bucket holds the bytes of a tenth of a second, and at least one large segment of 64 KiB.  What
waits longer than 25 ms for tokens is dropped, as in CNI's bandwidth plugin.
"""

import errno
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar, Final

from plugin.kernel.handler import OneByOne, Session
from plugin.kernel.links import ownership
from plugin.kernel.links.link_handler import LinkHandler
from plugin.kernel.netlink.conversations import traffic_control
from plugin.kernel.netlink.link_messages import LinkChange
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.ids import IfName
from plugin.model.links import OWNER_PREFIX
from plugin.model.shaping import IngressRedirect, RateLimit

LATENCY: Final = "25ms"
MIN_BURST: Final = 1 << 16
_ROOT: Final = 0xFFFFFFFF  # linux/pkt_sched.h: TC_H_ROOT
_HANDLE: Final = 0x10000
_INGRESS: Final = 0xFFFF0000
_ALL_PROTOCOLS: Final = 0x0003  # linux/if_ether.h: ETH_P_ALL


class RateLimitHandler(OneByOne[RateLimit]):
    """The bucket of a link."""

    def ensure_one(self, session: Session, value: RateLimit) -> None:
        """Put the bucket on the link, or give it another rate."""
        with traffic_control() as ipr:
            ipr.tc(
                "replace",
                "tbf",
                ownership.index_of(value.ifname),
                _HANDLE,
                parent=_ROOT,
                rate=value.rate // 8,
                burst=burst(value),
                latency=LATENCY,
            )

    def remove_one(self, session: Session, value: RateLimit) -> None:
        """Leave the bucket: it goes with its link."""

    def read_one(self, session: Session, value: RateLimit) -> RateLimit | None:
        """The bucket with the rate it has."""
        link = session.link(value.ifname)
        if link is None:
            return None
        with traffic_control() as ipr:
            for queue in ipr.get_qdiscs(link.index):
                if queue.get_attr("TCA_KIND") == "tbf":
                    rate = queue.get_nested("TCA_OPTIONS", "TCA_TBF_PARMS")["rate"] * 8
                    return RateLimit(ifname=value.ifname, rate=rate)
        return None


class IngressRedirectHandler(LinkHandler[IngressRedirect]):
    """The ifb links that what comes in goes over."""

    patient: ClassVar[bool] = True

    def make(self, rtnl: Rtnl, redirect: IngressRedirect) -> None:
        """Make the redirect, and send what comes in by its source over it."""
        try:
            made = LinkChange(ifname=redirect.ifname, group=ownership.GROUP_OURS, up=True)
            rtnl.add_link("ifb", made)
        except RtnlError as error:
            if error.code != errno.EEXIST:
                raise
            ownership.owned_link(rtnl, redirect.ifname, redirect.owner, "ifb")
        target = ownership.index_of(redirect.ifname)
        rtnl.change_link(target, LinkChange(alias=OWNER_PREFIX + redirect.owner, up=True))
        _redirect(ownership.index_of(redirect.source), target)

    def read_one(self, session: Session, value: IngressRedirect) -> IngressRedirect | None:
        """The redirect, if it belongs to pynet and is in use; one that is down drops all packets."""
        link = session.link(value.ifname)
        if link is None or not ownership.is_ours(link):
            return None
        if not _is_taken(session.rtnl, value, link.index):
            return None
        return replace(value, owner=ownership.owner_if_right(link))

    def read_all(self, session: Session) -> Iterable[IngressRedirect]:
        for link in session.look(ownership.OwnedLinks).of_endpoints("ifb"):
            owner = ownership.owner_of(link) or ""
            yield IngressRedirect(ifname=link.ifname, source=IfName(""), owner=owner)


def _is_taken(rtnl: Rtnl, redirect: IngressRedirect, target: int) -> bool:
    """Whether what comes in by the source goes over this very link."""
    source = rtnl.link(redirect.source)
    if source is None:
        return False
    with traffic_control() as ipr:
        return _leads_to(ipr, source.index) == target


def _redirect(source: int, target: int) -> None:
    with traffic_control() as ipr:
        if _leads_to(ipr, source) == target:
            return
        if any(queue.get_attr("TCA_KIND") == "ingress" for queue in ipr.get_qdiscs(source)):
            # To a link that is gone: what the container sends would be lost.
            ipr.tc("del", "ingress", source, _INGRESS)
        ipr.tc("add", "ingress", source, _INGRESS)
        ipr.tc(
            "add-filter",
            "u32",
            source,
            parent=_INGRESS,
            prio=1,
            protocol=_ALL_PROTOCOLS,
            target=0x10000,
            keys=["0x0/0x0+0"],
            action=[
                {"kind": "mirred", "direction": "egress", "action": "redirect", "ifindex": target}
            ],
        )


def _leads_to(ipr: Any, source: int) -> int | None:
    """The number of the link that what comes in by a source goes to; 0 if that link is gone."""
    if not any(queue.get_attr("TCA_KIND") == "ingress" for queue in ipr.get_qdiscs(source)):
        return None
    path = ("TCA_U32_ACT", "TCA_ACT_PRIO_1", "TCA_ACT_OPTIONS", "TCA_MIRRED_PARMS")
    for each in ipr.get_filters(source, parent=_INGRESS):
        options = each.get_attr("TCA_OPTIONS")
        if each.get_attr("TCA_KIND") == "u32" and options is not None:
            found = options.get_nested(*path)
            if found is not None:
                return int(found["ifindex"])
    return None


def burst(limit: RateLimit) -> int:
    """How many bytes the bucket of a link holds."""
    return max(limit.rate // 80, MIN_BURST)
