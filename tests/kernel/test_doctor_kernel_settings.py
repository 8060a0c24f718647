"""What the doctor says of the kernel's settings and of programs that configure links."""

import pytest

from plugin.operator.doctor.base import UnfixedError
from tests.kernel.doctored import BRIDGE, UPLINK, Doctored, the


def test_d13_forwarding_is_off(doctored: Doctored) -> None:
    """With the file that switches it off, and the fix."""
    doctored.netns.sysctl("net/ipv4/ip_forward", 0)
    unknown = the(doctored.finds("D13"))
    doctored.write("/etc/sysctl.d/90-hardening.conf", "net.ipv4.ip_forward = 0\n")
    found = the(doctored.finds("D13"))

    assert "net.ipv4.ip_forward is 0, so containers reach nothing outside" in unknown.cause
    assert "/etc/sysctl.d/90-hardening.conf switches it off" in found.cause
    assert found.fix
    found.fix.do(doctored.host())
    assert doctored.finds("D13") == []


def test_d14_the_route_of_router_advertisements(doctored: Doctored) -> None:
    """Forwarding makes the host ignore them, unless accept_ra is 2."""
    doctored.netns.ip(
        f"address add 2001:db8::5/64 dev {UPLINK} valid_lft 3000 preferred_lft 3000 nodad"
    )
    doctored.netns.sysctl(f"net/ipv6/conf/{UPLINK}/accept_ra", 1)
    before = doctored.finds("D14")
    doctored.netns.sysctl("net/ipv6/conf/all/forwarding", 1)
    found = the(doctored.finds("D14"))

    assert before == []
    assert (
        f"{UPLINK} has its IPv6 address of router advertisements, and accept_ra is 1" in found.cause
    )
    assert found.fix
    found.fix.do(doctored.host())
    assert doctored.finds("D14") == []


def test_d15_a_strict_reverse_path_filter(doctored: Doctored) -> None:
    """With two ways out."""
    doctored.netns.sysctl(f"net/ipv4/conf/{UPLINK}/rp_filter", 1)
    doctored.netns.sysctl("net/ipv4/conf/all/rp_filter", 0)
    before = doctored.finds("D15")
    doctored.netns.ip(
        "link add vpn type bridge",
        "link set vpn up",
        "address add 198.51.100.2/24 dev vpn",
        "route add default via 198.51.100.1 metric 50",
    )
    doctored.netns.sysctl("net/ipv4/conf/vpn/rp_filter", 0)

    assert before == []
    assert f"rp_filter is strict on {UPLINK}" in the(doctored.finds("D15")).cause


def test_d17_systemd_networkd_has_a_link(doctored: Doctored) -> None:
    """By its own file; the fix writes one that keeps it away."""
    number = doctored.netns.index_of(BRIDGE)
    doctored.write(f"/run/systemd/netif/links/{number}", "ADMIN_STATE=unmanaged\n")
    before = doctored.finds("D17")
    doctored.write(f"/run/systemd/netif/links/{number}", "ADMIN_STATE=configured\n")
    found = the(doctored.finds("D17"))

    assert before == []
    assert f"systemd-networkd configures links of pynet: {BRIDGE}" in found.cause
    assert found.fix
    found.fix.do(doctored.host())
    written = doctored.root / "etc/systemd/network/05-pynet.network"
    assert "Name=pnb-* " in written.read_text()
    assert written.stat().st_mode & 0o777 == 0o644


def test_d17_network_manager_has_a_link(doctored: Doctored) -> None:
    """By its own file."""
    number = doctored.netns.index_of(BRIDGE)
    doctored.write(f"/run/NetworkManager/devices/{number}", "[device]\nmanaged=true\n")
    found = the(doctored.finds("D17"))

    assert f"NetworkManager configures links of pynet: {BRIDGE}" in found.cause
    assert found.fix
    found.fix.do(doctored.host())
    written = doctored.root / "etc/NetworkManager/conf.d/05-pynet.conf"
    assert "interface-name:pnb-*;" in written.read_text()


def test_d17_dhcpcd_has_every_link(doctored: Doctored) -> None:
    """Unless its configuration names pynet's."""
    doctored.write("/run/dhcpcd/pid", "1\n")
    doctored.write("/etc/dhcpcd.conf", "hostname\n")
    found = the(doctored.finds("D17"))
    doctored.write("/etc/dhcpcd.conf", "hostname\ndenyinterfaces veth* pn*\n")

    assert "dhcpcd gives addresses to every link" in found.cause
    assert doctored.finds("D17") == []


def test_d14_of_a_vlan(doctored: Doctored) -> None:
    """The printed command reaches the link, whose name has a dot."""
    name = "up0.100"
    doctored.netns.ip(
        f"link add {name} type bridge",
        f"link set {name} up",
        f"address add 2001:db8::5/64 dev {name} valid_lft 3000 preferred_lft 3000 nodad",
    )
    doctored.netns.sysctl("net/ipv6/conf/all/forwarding", 1)
    doctored.netns.sysctl(f"net/ipv6/conf/{name}/accept_ra", 1)
    found = the(doctored.finds("D14"))
    command = found.remedy.removeprefix("run: ").partition(",")[0]
    doctored.netns.run(*command.split())

    assert command == "sysctl -w net.ipv6.conf.up0/100.accept_ra=2"
    assert doctored.finds("D14") == []


def test_d14_is_not_fixed_after_a_change(doctored: Doctored) -> None:
    """The user switched it off after the look: the choice stays."""
    path = f"net/ipv6/conf/{UPLINK}/accept_ra"
    doctored.netns.ip(
        f"address add 2001:db8::5/64 dev {UPLINK} valid_lft 3000 preferred_lft 3000 nodad"
    )
    doctored.netns.sysctl("net/ipv6/conf/all/forwarding", 1)
    doctored.netns.sysctl(path, 1)
    found = the(doctored.finds("D14"))
    doctored.netns.sysctl(path, 0)
    assert found.fix

    with pytest.raises(UnfixedError, match=r"accept_ra has become 0"):
        found.fix.do(doctored.host())
    assert doctored.host().sysctl(path) == "0"


def test_d17_a_file_of_the_users(doctored: Doctored) -> None:
    """It is left as it is, and no draft beside it."""
    path = "/etc/systemd/network/05-pynet.network"
    number = doctored.netns.index_of(BRIDGE)
    doctored.write(f"/run/systemd/netif/links/{number}", "ADMIN_STATE=configured\n")
    doctored.write(path, "# mine\n")
    found = the(doctored.finds("D17"))
    assert found.fix

    with pytest.raises(UnfixedError, match=r"05-pynet\.network is there with other text"):
        found.fix.do(doctored.host())
    folder = (doctored.root / path.lstrip("/")).parent
    assert [(each.name, each.read_text()) for each in folder.iterdir()] == [
        ("05-pynet.network", "# mine\n")
    ]
