"""Mode macvlan and ipvlan: what cannot be is refused, and nothing is left."""

import pytest

from tests.e2e.parents import OTHER_LINK
from tests.lab.commands import CommandError
from tests.lab.site import Site


def test_refused(site: Site, second: str) -> None:
    """What cannot be is refused at creation, with the remedy, and leaves nothing."""
    host = site.host
    host.run("ip", "link", "add", "br9", "type", "bridge")
    on_second = ("mode=macvlan", f"parent={OTHER_LINK}")
    try:
        _refused(site, "no link eth7 on this host; choose a parent", "mode=macvlan", "parent=eth7")
        _refused(site, "expected a link that leads out", "mode=macvlan", "parent=lo")
        _refused(site, "no link eth7", "mode=macvlan", "parent=eth7.100")
        _refused(site, "from 1 to 4094", *on_second, "vlan=4095")
        _refused(site, "set parent, too", "mode=macvlan", "vlan=100")
        _refused(site, "expected bridge, private, vepa or passthru", *on_second, "macvlan_mode=l2")
        _refused(site, "it belongs to mode macvlan or ipvlan: add -o mode=macvlan", "parent=eth0")
        _refused(site, "did you mean parent", *on_second, "parnet=eth0")
        _refused(site, "at most 1500 bytes, the MTU of parent", *on_second, "mtu=9000")
        host.run("ip", "link", "set", OTHER_LINK, "master", "br9")
        _refused(site, "is a port of a bridge.*choose the bridge itself", *on_second)
        host.run("ip", "link", "set", OTHER_LINK, "nomaster")
    finally:
        host.run("ip", "link", "delete", "br9")
    site.network(*(word for each in on_second for word in ("-o", each)))
    _refused(site, "choose mode=macvlan or another", "mode=ipvlan", f"parent={OTHER_LINK}")


def test_what_the_kernel_has_not(site: Site, second: str) -> None:
    """The creation says which module is missing, not the first container."""
    kinds = {"ipvlan": "mode l2", "vlan": "id 7"}
    lacking = [kind for kind, options in kinds.items() if not _makes(site, kind, options)]
    if not lacking:
        pytest.skip("this kernel has both")
    if "ipvlan" in lacking:
        _refused(site, "makes no ipvlan links.*load its module", "mode=ipvlan", "parent=eth0")
    if "vlan" in lacking:
        _refused(site, "makes no vlan links.*module .8021q", "mode=macvlan", "parent=eth0.100")


def _refused(site: Site, said: str, *options: str) -> None:
    with pytest.raises(CommandError, match=said):
        site.network(*(word for each in options for word in ("-o", each)))


def _makes(site: Site, kind: str, options: str) -> bool:
    try:
        site.host.run(*f"ip link add link {OTHER_LINK} name try9 type {kind} {options}".split())
    except CommandError:
        return False
    site.host.run("ip", "link", "delete", "try9")
    return True
