"""Read the properties of a link of the host that matter before a network uses it as parent.

Some are not in netlink (whether it is Wi-Fi, the driver of the card) and are read from /sys.  /sys
may show links of another namespace than the socket, so the entry must be the same link.
"""

from collections.abc import Collection, Iterable
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import Final

from plugin.kernel.handler import name_of
from plugin.kernel.links import ownership
from plugin.kernel.links.vlan import vlan_number
from plugin.kernel.netlink import link_messages as words
from plugin.kernel.netlink.link_messages import AddressInfo, LinkInfo
from plugin.kernel.netlink.rtnl import Rtnl
from plugin.model.ids import IfName
from plugin.model.network import IPAddress, IPInterface, IPNetwork, is_within
from plugin.model.parents import HostLink

_PASSING: Final = (
    words.IFA_F_SECONDARY | words.IFA_F_DADFAILED | words.IFA_F_DEPRECATED | words.IFA_F_TENTATIVE
)
# What they call themselves in their firmware's tables.  Amazon's whole machines do too, and have
# the same cards.
_HYPERVISORS: Final = (
    *("Amazon EC2", "Apple Virtualization", "BHYVE", "Bochs", "Google Compute Engine", "HVM domU"),
    *("KVM", "OpenStack", "Parallels", "QEMU", "VMware", "Virtual Machine", "VirtualBox", "Xen"),
    *("innotek", "oVirt"),
)
SYS: Final = Path("/sys/class/net")


def read(rtnl: Rtnl, ifnames: Iterable[IfName], root: Path = SYS) -> dict[IfName, HostLink]:
    """Those of ``ifnames`` that are there."""
    found = {}
    for ifname in ifnames:
        link = rtnl.link(ifname)
        if link is not None and not ownership.is_deleting(link):
            found[ifname] = _host_link(link, _lasting(rtnl.addresses(link.index)), root)
    return found


def read_with(rtnl: Rtnl, addresses: Iterable[IPAddress]) -> dict[IPAddress, HostLink]:
    """Those of ``addresses`` that a link of the host has, and the link."""
    wanted = {each.packed: each for each in addresses}
    there = [each for each in rtnl.addresses() if each.address in wanted]
    links = {wanted[each.address]: name_of(each.ifindex) for each in there}
    found = read(rtnl, links.values())
    return {address: found[ifname] for address, ifname in links.items() if ifname in found}


def read_on(rtnl: Rtnl, prefixes: Collection[IPNetwork]) -> tuple[HostLink, ...]:
    """Those with a lasting address on a LAN that has one of these prefixes."""
    there = [
        name_of(each.ifindex)
        for each in rtnl.addresses()
        if any(
            is_within(prefix, address.network)
            for address in _lasting([each])
            for prefix in prefixes
        )
    ]
    return tuple(read(rtnl, sorted(set(there))).values())


def _host_link(link: LinkInfo, addresses: tuple[IPInterface, ...], root: Path) -> HostLink:
    entry = _entry(link, root)
    return HostLink(
        ifname=link.ifname,
        kind=link.kind,
        mac_address=link.mac_address,
        mtu=link.mtu,
        up=link.up,
        carrier=link.running,
        loopback=link.loopback,
        ethernet=link.ethernet,
        wireless=entry is not None
        and any((entry / name).exists() for name in ("wireless", "phy80211")),
        master_kind=link.master_kind,
        bus_driver=_driver(entry) if entry else "",
        virtual_function=entry is not None and (entry / "device" / "physfn").exists(),
        in_guest=_is_guest(root.parent / "dmi" / "id"),
        lower=name_of(link.parent) or None,
        vlan=vlan_number(link),
        addresses=addresses,
        ours=ownership.is_ours(link),
    )


def _lasting(found: Iterable[AddressInfo]) -> tuple[IPInterface, ...]:
    """Those of global scope that a neighbour may keep; of each family the primary one first."""
    lasting = [
        each for each in found if each.scope == words.RT_SCOPE_GLOBAL and not each.flags & _PASSING
    ]
    interfaces = (ip_interface(f"{ip_address(each.address)}/{each.prefixlen}") for each in lasting)
    return tuple(sorted(interfaces, key=lambda each: each.version))


def _entry(link: LinkInfo, root: Path) -> Path | None:
    entry = root / link.ifname
    same = _text(entry / "ifindex") == str(link.index)
    return entry if same and _text(entry / "address") == link.mac_address else None


def _driver(entry: Path) -> str:
    driver = entry / "device" / "driver"
    return driver.resolve().name if driver.exists() else ""


def _is_guest(entry: Path) -> bool:
    """Whether the machine's maker is one of virtual machines."""
    said = [_text(entry / name) for name in ("sys_vendor", "product_name")]
    return any(each.startswith(_HYPERVISORS) for each in said)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
