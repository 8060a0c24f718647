"""Whether pynet runs, Docker finds it, and both are well."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from plugin import __version__
from plugin.kernel.netlink.messages import NetlinkError
from plugin.kernel.netlink.unix_diag import unix_sockets
from plugin.operator.doctor.base import Finding, Fix, UnfixedError
from plugin.operator.doctor.host import Host, UnseenError
from plugin.sockets import are_of_managed

_ADMIN: Final = re.compile(r"/.*pynet.*/admin\.sock")
_OLDEST: Final = (20, 10)
_FOLDERS: Final = ("/run/docker/plugins", "/etc/docker/plugins", "/usr/lib/docker/plugins")
_RESTARTED: Final = frozenset({"always", "unless-stopped", "on-failure"})
_ENDED: Final = frozenset({"exited", "created"})
_PLUGIN_GONE: Final = re.compile(r"pynet|plugin", re.IGNORECASE)
_MOST: Final = 50  # containers that are asked about one by one
# Conditions of the health that another check looks at.
_ELSEWHERE: Final = frozenset(
    {
        *("firewall", "nftables", "iptables", "ip6tables", "firewalld"),
        *("state", "address store", "comparison"),
    }
)
# Of hints that another check has by name: refused_frames.py, parent_checks.py, service/parents.py.
_ELSEWHERE_HINTED: Final = ("the guards dropped ", ", so no router there ", ", so it mistakes one ")
_LOW_BYTES: Final = 16 << 20  # of space for the state: a database with thousands of containers


def not_running(host: Host) -> Iterator[Finding]:
    """No pynet answers."""
    error = host.unanswered
    if error is None:
        return
    disabled = [each for each in _plugins(host) if not each.get("Enabled")]
    if disabled:
        name = disabled[0]["Name"]
        yield Finding(
            cause=f"the managed plugin {name} is disabled",
            remedy=f"run: docker plugin enable {name}",
        )
        return
    yield Finding(
        cause=f"pynet is not running: {error}",
        remedy="run: systemctl start pynet (and see: journalctl -u pynet), or with the managed "
        "plugin: docker plugin enable pynet/pynet",
    )


def installed_twice(_: Host) -> Iterator[Finding]:
    """Two programs that want to be this host's pynet: the second waits.  Raises UnseenError."""
    try:
        sockets = unix_sockets()
    except (NetlinkError, OSError) as error:
        raise UnseenError(f"the host's Unix sockets cannot be read: {error}") from error
    if sockets is None:
        raise UnseenError("the kernel does not tell of Unix sockets")
    # Any user may listen at such a path, or at a name that looks like a row of /proc/net/unix.
    found = {
        each.inode: name
        for each in sockets
        if each.listens
        and each.user in (None, 0)
        and _ADMIN.fullmatch(name := each.name.rstrip("\0"))
    }
    if len(found) > 1:
        where = " and ".join(sorted(found.values()))
        yield Finding(
            cause=f"two pynets run on this host, with admin sockets {where}; the second waits",
            remedy="keep one: systemctl disable --now pynet, or docker plugin disable pynet/pynet",
        )


def unseen_socket(host: Host) -> Iterator[Finding]:
    """Docker looks for a socket in folders of its own mount namespace."""
    host.ask_engine("/version")  # without one it is not known where it looks
    if host.unanswered is not None or any(each.get("Enabled") for each in _plugins(host)):
        return
    names = [path.rpartition("/")[2].removesuffix(".sock") for path in host.setup.sockets]
    wanted = [f"{_FOLDERS[0]}/{name}.sock" for name in names]
    specs = [
        f"{folder}/{name}{end}"
        for folder in _FOLDERS
        for name in names
        for end in (".spec", ".json", f"/{name}.sock")
    ]
    if not wanted or any(host.file(path).exists() for path in specs):
        return
    for path in wanted:
        if host.file(path).exists():
            if _is_served(str(host.file(path))):
                return
            yield Finding(
                cause=f"Docker asks at {path}, where no program listens any more",
                remedy="restart pynet: systemctl restart pynet",
            )
            return
    yield Finding(
        cause=f"Docker looks for a plugin at {wanted[0]}, and sees no socket there; pynet listens at "
        f"{', '.join(host.setup.sockets)}",
        remedy=f"restart pynet; if that does not help, set PYNET_PLUGIN_SOCKETS={wanted[0]}, and see "
        "that Docker has no private /run (systemctl cat docker)",
    )


def unsupported_engine(host: Host) -> Iterator[Finding]:
    """None that answers, too old, or without the host's network."""
    try:
        version = str(host.ask_engine("/version").get("Version", ""))
    except UnseenError:
        if are_of_managed(host.setup.sockets):
            raise  # the command runs in the managed plugin, which sees no socket of the engine's
        yield Finding(
            cause="no Docker Engine answers, so nothing can start or stop a container",
            remedy="run: systemctl start docker (and see: journalctl -u docker), or set DOCKER_HOST "
            "to the Unix socket of the engine",
        )
        return
    numbers = tuple(int(each) for each in re.findall(r"\d+", version)[:2])
    if numbers and numbers < _OLDEST:
        yield Finding(
            cause=f"Docker Engine {version} is older than 20.10, the oldest that pynet works with",
            remedy="upgrade Docker",
        )
    about = host.ask_engine("/info")
    for kind, which in (
        ("rootless", any("rootless" in each for each in about.get("SecurityOptions") or ())),
        ("Docker Desktop's", "Docker Desktop" in about.get("OperatingSystem", "")),
        ("a snap's", str(about.get("DockerRootDir", "")).startswith("/var/snap/")),
    ):
        if which:
            yield Finding(
                cause=f"the engine is {kind}, and does not share the host's network and plugin folders",
                remedy="install Docker Engine from Docker's or the distribution's packages",
            )


def not_restarted(host: Host) -> Iterator[Finding]:
    """Containers with a restart policy that the engine gave up, for want of pynet."""
    names = _of_pynet(host)
    for each in [c for c in host.containers if c.state in _ENDED and names & {*c.networks}][:_MOST]:
        seen = host.inspect(each.id)
        policy = (seen.get("HostConfig", {}).get("RestartPolicy") or {}).get("Name")
        said = seen.get("State", {}).get("Error", "")
        if policy in _RESTARTED and _PLUGIN_GONE.search(said):
            yield Finding(
                cause=f"container {each.name} should run, and Docker gave it up: {said}",
                remedy=f"run: docker start {each.name}; and see that pynet starts before Docker: "
                "systemctl enable pynet",
                about=(each.name, *each.networks),
            )


def conditions(host: Host) -> Iterator[Finding]:
    """What pynet itself misses, as ``pynet status`` shows it."""
    for each in host.ask("/health")["degraded"]:
        if each["what"] not in _ELSEWHERE and not each["what"].startswith("parent "):
            yield Finding(cause=f"{each['what']}: {each['why']}", remedy=each["remedy"])


def hints(host: Host) -> Iterator[Finding]:
    """What works and may surprise, as ``pynet status`` shows it."""
    for each in host.ask("/health")["hints"]:
        if any(words in each for words in _ELSEWHERE_HINTED):
            continue
        cause, _, remedy = each.partition("; ")
        yield Finding(cause=cause, remedy=remedy or "see: pynet status", hint=True)


def differences(host: Host) -> Iterator[Finding]:
    """What the host lacks of what pynet made."""
    rows = host.ask("/v1/check")
    if not rows:
        return
    # What several networks need, as forwarding, each of them misses.
    told = list(dict.fromkeys(f"{row['kind']} {row['which']} {row['fault']}" for row in rows))
    shown = "; ".join(told[:3])
    more = f", and {len(told) - 3} more" if len(told) > 3 else ""
    yield Finding(
        cause=f"the host is not as it should be: {shown}{more}",
        remedy="run: pynet repair",
        fix=Fix(what="asked pynet to repair what differs", do=_repair),
    )


def other_version(host: Host) -> Iterator[Finding]:
    """The command and the plugin are of one version, mostly."""
    runs = host.ask("/health")["version"]
    if runs != __version__:
        yield Finding(
            cause=f"pynet {runs} runs, and this command is of {__version__}",
            remedy="restart pynet, so that the version runs that is installed",
        )


def state_directory(host: Host) -> Iterator[Finding]:
    """The state can be written, and has space to grow.  Raises UnseenError."""
    for each in host.ask("/health")["degraded"]:
        if each["what"] in ("state", "address store"):
            yield Finding(cause=f"{each['what']}: {each['why']}", remedy=each["remedy"])
    where = host.setup.state
    try:
        disk = os.statvfs(where)
    except OSError as error:
        raise UnseenError(f"{where} cannot be looked at from here: {error.strerror}") from error
    left = disk.f_bavail * disk.f_frsize
    if left < _LOW_BYTES:
        yield Finding(
            cause=f"the disk of pynet's state ({where}) has {left // 1024} KiB left; when it is full, "
            "new networks and containers are refused",
            remedy="make space on that disk",
        )


def _repair(host: Host) -> None:
    left = host.ask("/v1/repair", "POST")["left"]
    if left:
        raise UnfixedError(f"pynet could not repair {len(left)} things; run: pynet repair")


def _plugins(host: Host) -> list[dict[str, Any]]:
    """Managed plugins that are pynet, by their settings."""
    with suppress(UnseenError):
        return [each for each in host.ask_engine("/plugins") if _is_pynet(each)]
    return []


def _is_pynet(plugin: dict[str, Any]) -> bool:
    env = (plugin.get("Settings") or {}).get("Env") or ()
    return any(str(each).startswith("PYNET_") for each in env)


def _of_pynet(host: Host) -> frozenset[str]:
    """Names of the engine's networks whose driver is pynet, which need no answer of pynet."""
    listed = host.ask_engine("/networks")
    return frozenset(each["Name"] for each in listed if "pynet" in each.get("Driver", ""))


def _is_served(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as asker:
        asker.settimeout(1)
        try:
            asker.connect(path)
        except OSError:
            return False
    return True
