"""Kernel settings below /proc/sys, which shows those of the caller's network namespace."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from plugin.errors import KernelError
from plugin.kernel import open_files, proc_files
from plugin.kernel.handler import OneByOne, Session
from plugin.kernel.links import ownership
from plugin.kernel.netlink.conversations import conversation
from plugin.kernel.netlink.link_messages import IFA_F_PERMANENT
from plugin.kernel.netlink.rtnl import Rtnl
from plugin.log import Log
from plugin.model.ids import IfName
from plugin.model.sysctls import RouteLocalnet, Sysctl

ROOT: Final = Path("/proc/sys")

_log: Final = Log("sysctls")
_IPV6: Final = "net/ipv6/"
_CONF6: Final = "net/ipv6/conf"
_FORWARDING6: Final = "net/ipv6/conf/all/forwarding"
_ADDRESSES6: Final = Path("/proc/thread-self/net/if_inet6")
_GLOBAL: Final = 0  # net/ipv6.h, IPV6_ADDR_SCOPE_GLOBAL as the file shows it


def ensure(sysctl: Sysctl, root: Path) -> None:
    """Write the setting, unless it has the value already.

    Reading first spares the forwarding switches, which walk over all links when written.

    Raises KernelError.
    """
    path = f"{root}/{sysctl.name}"
    try:
        if proc_files.read(path) != sysctl.value:
            if (sysctl.name, sysctl.value) == (_FORWARDING6, "1"):
                _keep_listening(root)
            proc_files.write(path, sysctl.value)
    except FileNotFoundError:
        # A kernel without IPv6 has nothing to switch off there.
        if not sysctl.name.startswith(_IPV6):
            raise KernelError(f"this kernel has no setting {sysctl.name}") from None
    except OSError as error:
        raise open_files.refusal(f"cannot set {sysctl.name} to {sysctl.value}", error) from error


def read(sysctl: Sysctl, root: Path) -> Sysctl | None:
    """The setting as it is; None if the kernel does not have it.

    A kernel without IPv6 has no IPv6 settings, which counts as right.

    Raises KernelError if no more files can be opened.
    """
    try:
        value = proc_files.read(f"{root}/{sysctl.name}")
    except OSError as error:
        if open_files.is_limit(error):
            raise open_files.refusal(f"cannot read {sysctl.name}", error) from error
        without = sysctl.name.startswith(_IPV6) and not (root / _CONF6).is_dir()
        return sysctl if without else None
    return sysctl if value == sysctl.value else replace(sysctl, value=value)


class SysctlHandler(OneByOne[Sysctl]):
    """Settings of pynet's links, and host-wide ones."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def ensure_one(self, session: Session, value: Sysctl) -> None:
        if not _is_others(session.rtnl, value):
            ensure(value, self._root)

    def remove_one(self, session: Session, value: Sysctl) -> None:
        """Leave the setting: it goes with its link, or others need it by now."""

    def read_one(self, session: Session, value: Sysctl) -> Sysctl | None:
        return value if _is_others(session.rtnl, value) else read(value, self._root)


class RouteLocalnetHandler(OneByOne[RouteLocalnet]):
    """The setting that lets a link carry 127.0.0.0/8."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def ensure_one(self, session: Session, value: RouteLocalnet) -> None:
        ensure(_route_localnet(value.ifname, on=True), self._root)

    def remove_one(self, session: Session, value: RouteLocalnet) -> None:
        """Switch it off, if the link is still there and belongs to pynet."""
        link = session.rtnl.link(value.ifname)
        if link is not None and ownership.is_ours(link):
            ensure(_route_localnet(value.ifname, on=False), self._root)

    def read_one(self, session: Session, value: RouteLocalnet) -> RouteLocalnet | None:
        return self._read(value.ifname)

    def read_all(self, session: Session) -> Iterable[RouteLocalnet]:
        """Those of links that lead to containers: bridges and shims."""
        owned = session.look(ownership.OwnedLinks)
        for link in (*owned.of("bridge"), *owned.of_networks("macvlan", "ipvlan")):
            found = self._read(link.ifname)
            if found is not None:
                yield found

    def _read(self, ifname: IfName) -> RouteLocalnet | None:
        wanted = _route_localnet(ifname, on=True)
        return RouteLocalnet(ifname=ifname) if read(wanted, self._root) == wanted else None


def _is_others(rtnl: Rtnl, sysctl: Sysctl) -> bool:
    """Whether it is a setting of a link that pynet did not make."""
    if sysctl.adopted is None:
        return False
    link = rtnl.link(sysctl.adopted)
    return link is not None and not ownership.is_ours(link)


def _route_localnet(ifname: IfName, *, on: bool) -> Sysctl:
    return Sysctl(name=f"net/ipv4/conf/{ifname}/route_localnet", value=str(int(on)))


def _keep_listening(root: Path) -> None:
    """Keep the addresses and the route that the host has from router advertisements.

    A host that begins to forward IPv6 ignores advertisements, and deletes routes from them at once
    (net/ipv6/route.c, rt6_purge_dflt_routers), on links with accept_ra 1.  With 2 it keeps them
    (kernel doc ip-sysctl).  A host whose own program reads advertisements has 0.  On pynet's links
    only a container can have sent advertisements, so those links are left out.
    """
    advertised = _advertised()
    if not advertised:
        return
    with conversation() as rtnl:
        own = {link.ifname for link in rtnl.links() if ownership.is_ours(link)}
    for ifname in advertised - own:
        path = root / _CONF6 / ifname / "accept_ra"
        with suppress(OSError):  # it may be gone by now
            if path.read_text().strip() == "1":
                path.write_text("2")
                _log.info("accept_ra.kept", link=ifname)


def _advertised() -> frozenset[str]:
    """Links with a global address that the kernel has from a router's advertisement."""
    try:
        rows = [line.split() for line in _ADDRESSES6.read_text().splitlines()]
    except OSError:
        return frozenset()
    return frozenset(
        ifname
        for _, _, _, scope, flags, ifname in rows
        if int(scope, 16) == _GLOBAL and not int(flags, 16) & IFA_F_PERMANENT
    )
