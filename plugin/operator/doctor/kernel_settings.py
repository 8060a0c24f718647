"""Settings of the kernel, and programs that configure links."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Final

from plugin.operator.doctor.base import Finding, Fix, UnfixedError
from plugin.operator.doctor.host import Host

_FORWARDING: Final = {4: "net/ipv4/ip_forward", 6: "net/ipv6/conf/all/forwarding"}
_FOLDERS: Final = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/lib/sysctl.d")
_OWN: Final = re.compile(r"pn[bhvcidxws]-")  # prefixes in plugin/model/ids.py
_MATCH: Final = "pnb-* pnh-* pnv-* pnc-* pni-* pnd-* pnx-* pnw-* pns-*"
_NETWORKD: Final = "/etc/systemd/network/05-pynet.network"
_MANAGER: Final = "/etc/NetworkManager/conf.d/05-pynet.conf"
_NETWORKD_TEXT: Final = f"[Match]\nName={_MATCH}\n\n[Link]\nUnmanaged=yes\n"
_MANAGER_TEXT: Final = "[keyfile]\nunmanaged-devices={}\n".format(
    ";".join(f"interface-name:{each}" for each in _MATCH.split())
)
_STRICT: Final = "1"


def forwarding(host: Host) -> Iterator[Finding]:
    """Forwarding is on while a container needs it."""
    for version, path in _FORWARDING.items():
        needs = [
            each
            for each in host.networks
            if each.bridged
            and each.joined
            and not each.internal
            and any(s.version == version for s in each.subnets)
        ]
        if not needs or host.sysctl(path) != "0":
            continue
        name = _named(path)
        by = _file_that_sets(host, name)
        source = f" {by} switches it off." if by else ""
        yield Finding(
            cause=f"{name} is 0, so containers reach nothing outside.{source}",
            remedy=f"run: sysctl -w {name}=1"
            + (f", and set it to 1 in {by}" if by else ", and find what switched it off"),
            about=tuple(each.label for each in needs),
            fix=_set(path, "1", instead_of="0"),
        )


def advertised_route(host: Host) -> Iterator[Finding]:
    """A host that forwards IPv6 loses the route of router advertisements, unless accept_ra is 2."""
    if host.sysctl(_FORWARDING[6]) != "1":
        return
    for name, link in host.links.items():
        path = f"net/ipv6/conf/{name}/accept_ra"
        advertised = any(
            each.get("family") == "inet6" and each.get("dynamic") and each.get("scope") == "global"
            for each in link.get("addr_info", ())
        )
        if advertised and host.sysctl(path) == _STRICT:
            yield Finding(
                cause=f"{name} has its IPv6 address of router advertisements, and accept_ra is 1: with "
                "forwarding on, the host ignores them, and loses its default route",
                remedy=f"run: sysctl -w {_named(path)}=2, and set it in /etc/sysctl.d",
                fix=_set(path, "2", instead_of=_STRICT),
            )


def reverse_path(host: Host) -> Iterator[Finding]:
    """A strict reverse-path filter drops what comes in by another link than answers leave by."""
    ways = {each.get("dev", "") for each in host.routes if _is_way_out(each)} - {""}
    if len(ways) < 2:
        return
    everywhere = host.sysctl("net/ipv4/conf/all/rp_filter")
    for name in sorted(ways):
        path = f"net/ipv4/conf/{name}/rp_filter"
        own = host.sysctl(path)
        if max(everywhere, own) == _STRICT:
            yield Finding(
                cause=f"this host has default routes by {', '.join(sorted(ways))}, and rp_filter is strict "
                f"on {name}: packets whose answers leave by another link are dropped there",
                remedy=f"run: sysctl -w {_named(path)}=2, and set it in /etc/sysctl.d",
            )


def managed_links(host: Host) -> Iterator[Finding]:
    """NetworkManager, systemd-networkd or dhcpcd configures links of pynet."""
    links = {name: each["ifindex"] for name, each in host.links.items() if _OWN.match(name)}
    by_networkd = [name for name, i in links.items() if _networkd_has(host, i)]
    if by_networkd:
        yield Finding(
            cause=f"systemd-networkd configures links of pynet: {', '.join(by_networkd)}; it may remove "
            "their addresses and routes",
            remedy=f"write {_NETWORKD} with [Match] Name={_MATCH} and [Link] Unmanaged=yes, then run: "
            "networkctl reload",
            fix=_written(_NETWORKD, _NETWORKD_TEXT, "networkctl reload"),
        )
    by_manager = [name for name, i in links.items() if _manager_has(host, i)]
    if by_manager:
        yield Finding(
            cause=f"NetworkManager configures links of pynet: {', '.join(by_manager)}; it may remove "
            "their addresses and routes",
            remedy=f"write {_MANAGER} with [keyfile] unmanaged-devices=interface-name:pnb-* and the like, "
            "then run: nmcli general reload",
            fix=_written(_MANAGER, _MANAGER_TEXT, "nmcli general reload"),
        )
    text = host.read("/etc/dhcpcd.conf")
    runs = host.file("/run/dhcpcd/pid").exists() or host.file("/run/dhcpcd.pid").exists()
    if (
        text is not None
        and runs
        and links
        and not re.search(r"^\s*denyinterfaces\s.*\bpn", text, re.MULTILINE)
    ):
        yield Finding(
            cause="dhcpcd gives addresses to every link, those of pynet too (/etc/dhcpcd.conf)",
            remedy="add to /etc/dhcpcd.conf: denyinterfaces pn*, and restart dhcpcd",
        )


def _named(path: str) -> str:
    """The setting as sysctl(8) has it, which turns the dots of a link's name into slashes."""
    return path.translate({ord("/"): ".", ord("."): "/"})


def _set(path: str, value: str, *, instead_of: str) -> Fix:
    return Fix(
        what=f"set {_named(path)} to {value} until the next boot",
        do=partial(_replace, path=path, value=value, old=instead_of),
    )


def _replace(host: Host, *, path: str, value: str, old: str) -> None:
    found = host.sysctl(path)
    if found != old:
        raise UnfixedError(f"{_named(path)} has become {found or 'unreadable'}")
    host.set_sysctl(path, value)


def _written(path: str, text: str, then: str) -> Fix:
    return Fix(what=f"wrote {path}; now run: {then}", do=partial(_write, path=path, text=text))


def _write(host: Host, *, path: str, text: str) -> None:
    try:
        host.write(path, text)
    except FileExistsError:
        if host.read(path) != text:
            raise UnfixedError(f"{path} is there with other text, and is left as it is") from None


def _file_that_sets(host: Host, name: str) -> str:
    """The last file of sysctl.d(5) that sets it to 0, or the one of systemd-networkd that does."""
    wanted = re.compile(
        rf"^\s*-?{re.escape(name)}\s*=\s*0\s*$".replace(r"\.", "[./]"), re.MULTILINE
    )
    found = ["/etc/sysctl.conf"]
    for folder in _FOLDERS:
        found += [f"{folder}/{each.name}" for each in sorted(host.file(folder).glob("*.conf"))]
    for path in found:
        if wanted.search(host.read(path) or ""):
            return path
    folder = "/etc/systemd/network"
    for each in sorted(host.file(folder).glob("*.network")):
        path = f"{folder}/{each.name}"
        if re.search(
            r"^\s*IP(v4|v6)?Forward(ing)?=(no|false|0)\s*$", host.read(path) or "", re.MULTILINE
        ):
            return path
    return ""


def _is_way_out(route: dict[str, object]) -> bool:
    return route["family"] == 4 and route.get("dst") == "default"


def _networkd_has(host: Host, ifindex: int) -> bool:
    """By networkd's own file of the link (systemd, src/network/networkd-state-file.c)."""
    text = host.read(f"/run/systemd/netif/links/{ifindex}") or ""
    return (
        re.search(r"^ADMIN_STATE=(configuring|configured|failed|pending)$", text, re.MULTILINE)
        is not None
    )


def _manager_has(host: Host, ifindex: int) -> bool:
    """By its own file of the link (NetworkManager, nm-config.c: nm_config_device_state_load)."""
    text = host.read(f"/run/NetworkManager/devices/{ifindex}") or ""
    return re.search(r"^managed=(true|1)$", text, re.MULTILINE) is not None
