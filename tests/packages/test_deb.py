"""The Debian package: from a bare host to networks and back to a bare host."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.clients import http_get
from tests.lab.commands import CommandError, run, wait_until
from tests.lab.debian import CACHE
from tests.lab.host import IMAGE, Host
from tests.lab.installed import REPOSITORY
from tests.lab.managed import ManagedPlugin
from tests.lab.namespace import Peer
from tests.lab.process import Process
from tests.lab.systemd_host import SystemdHost
from tests.packages.conftest import apt, put, remains

Deb = Callable[[int], Path]
ASKED_BY_TAB = ("COMP_WORDS=pynet sta", "COMP_CWORD=1", "_PYNET_COMPLETE=bash_complete")
WEB = "echo here >/www/index.html; exec httpd -f -h /www"


@pytest.fixture
def clean(machine: SystemdHost) -> Iterator[SystemdHost]:
    """The host, with nothing of pynet before and after."""
    assert remains(machine) == set()
    yield machine
    for container in machine.docker("ps", "-aq").split():
        machine.docker("rm", "-f", container)
    for network in machine.docker("network", "ls", "-qf", "driver=pynet").split():
        machine.docker("network", "rm", network)
    if machine.path("/usr/bin/pynet").exists():
        apt(machine, "purge", "pynet")


def installed(host: Host) -> bool:
    """Whether dpkg has the package, its settings or a half of it."""
    try:
        return host.run("dpkg-query", "-Wf", "${db:Status-Status}", "pynet") != "not-installed"
    except CommandError:
        return False


def answers(host: Host, peer: Peer, port: int) -> bool:
    try:
        return http_get(peer.netns, host.address, port) == "here"
    except OSError:
        return False


def test_lintian_finds_no_error(deb: Deb) -> None:
    """Debian's own judge of packages."""
    if not shutil.which("lintian"):
        pytest.skip("needs lintian")
    done = subprocess.run(
        ["lintian", "--tag-display-limit", "0", str(deb(1))],
        capture_output=True,
        text=True,
        check=False,
    )

    assert [line for line in done.stdout.splitlines() if line.startswith("E:")] == []


def test_a_second_build_needs_no_network_and_is_the_same(deb: Deb, tmp_path: Path) -> None:
    """Wheels are kept; times are those of the last commit."""
    script = REPOSITORY / "packaging/deb.py"
    again = run(
        [sys.executable, str(script), f"--out={tmp_path}", f"--work={CACHE / 'deb'}"],
        env={**os.environ, "PIP_NO_INDEX": "1"},
        timeout=300,
    )

    assert Path(again.strip()).read_bytes() == deb(1).read_bytes()


def test_from_nothing_to_nothing(clean: SystemdHost, peer: Peer, deb: Deb) -> None:
    """Installed by one command, upgraded under traffic, refused while in use, purged without trace."""
    apt(clean, "install", put(clean, deb(1)))
    assert clean.run("systemctl", "is-active", "pynet.service", "pynet.socket").split() == [
        "active",
        "active",
    ]
    assert "nothing differs" in clean.run("pynet", "status")
    assert "plain,status" in clean.run("env", *ASKED_BY_TAB, "pynet").split()
    clean.docker("network", "create", "-d", "pynet", "--ipam-driver", "pynet", "lan")
    in_lan = ("run", "-d", "--network", "lan")
    clean.docker(*in_lan, "--name", "web", "-p", "8080:80", IMAGE, "sh", "-c", WEB)
    clean.docker(*in_lan, "--name", "client", IMAGE, "sleep", "3600")
    wait_until(lambda: answers(clean, peer, 8080), "the published port")
    clean.docker("exec", "-d", "client", "sh", "-c", "exec ping -i 0.05 web >/tmp/ping")

    apt(clean, "install", put(clean, deb(2)))
    wait_until(lambda: "nothing differs" in clean.run("pynet", "status"), "the new version")
    clean.docker("exec", "client", "killall", "-INT", "ping")
    heard = wait_until(lambda: _statistics(clean), "what ping says")
    assert " 0% packet loss" in heard
    assert int(heard.split()[0]) > 20
    assert clean.run("dpkg-query", "-Wf", "${Version}", "pynet").endswith("-2")
    assert "endpoint.joined" in clean.run("pynet", "logs")
    assert clean.run("pynet", "logs", "--level", "error", "-n", "5") == ""

    process = _process(clean)
    with pytest.raises(CommandError, match="Docker uses networks of pynet: lan"):
        apt(clean, "purge", "pynet")
    assert _process(clean) == process  # it was not stopped
    assert answers(clean, peer, 8080)

    clean.docker("rm", "-f", "web", "client")
    clean.docker("network", "rm", "lan")
    apt(clean, "purge", "pynet")

    assert remains(clean) == set()
    assert not installed(clean)


def _process(host: Host) -> str:
    assert host.run("systemctl", "is-active", "pynet.service").strip() == "active"
    return host.run("systemctl", "show", "-P", "MainPID", "pynet.service")


def _statistics(host: Host) -> str:
    said = host.docker("exec", "client", "cat", "/tmp/ping")
    return next((line for line in said.splitlines() if "packet loss" in line), "")


def test_removed_and_installed_again(clean: SystemdHost, deb: Deb) -> None:
    """`apt remove` keeps settings and state; a disabled service stays disabled after an upgrade."""
    apt(clean, "install", put(clean, deb(1)))
    clean.run("sh", "-c", "echo PYNET_LOG_LEVEL=debug >>/etc/default/pynet")
    clean.run("pynet", "reserve", "10.208.0.77", "--name", "kept")
    apt(clean, "remove", "pynet")
    assert not clean.path("/usr/bin/pynet").exists()
    assert "table inet pynet" not in clean.run("nft", "list", "tables")

    apt(clean, "install", put(clean, deb(1)))
    assert "kept" in clean.run("pynet", "reservations")
    assert "PYNET_LOG_LEVEL=debug" in clean.run("cat", "/etc/default/pynet")

    clean.run("systemctl", "disable", "--now", "pynet.service", "pynet.socket")
    apt(clean, "install", put(clean, deb(2)))
    states = clean.run("sh", "-c", "systemctl is-active pynet.service pynet.socket; true")
    assert states.split() == ["inactive", "inactive"]


def test_a_secret_in_the_settings(clean: SystemdHost, deb: Deb) -> None:
    """Root alone reads it, and the unit lets wireguard-go have its device."""
    apt(clean, "install", put(clean, deb(1)))
    settings = clean.path("/etc/default/pynet")
    assert settings.stat().st_mode & 0o777 == 0o600
    if not (program := shutil.which("wireguard-go")) or Path("/sys/module/wireguard").exists():
        pytest.skip("needs wireguard-go, and a kernel without WireGuard")
    copy = clean.path("/usr/local/bin/wireguard-go")
    shutil.copy(program, copy)
    clean.run("sh", "-c", f"echo PYNET_SECRET={'s' * 32} >>/etc/default/pynet")
    clean.run("systemctl", "restart", "pynet")

    clean.docker(
        *("network", "create", "-d", "pynet", "-o", "mode=overlay", "-o", "encrypted=true"),
        *("-o", f"peers={clean.address},10.99.0.77", "--subnet", "10.50.0.0/16", "private"),
    )
    assert "nothing differs" in clean.run("pynet", "status")

    clean.docker("network", "rm", "private")
    copy.unlink()


def test_another_installation_is_in_the_way(clean: SystemdHost, deb: Deb) -> None:
    """A unit of an installation by hand would win over the package's, with another program."""
    unit = clean.path("/etc/systemd/system/pynet.service")
    unit.write_text("[Service]\nExecStart=/opt/pynet/bin/pynet serve\n")
    try:
        with pytest.raises(CommandError, match="remove it first: systemctl disable --now pynet"):
            apt(clean, "install", put(clean, deb(1)))
    finally:
        unit.unlink()
    assert not installed(clean)
    assert remains(clean) == set()


def test_the_managed_plugin_is_in_the_way(clean: SystemdHost, deb: Deb) -> None:
    """Two on one host would remove each other's links."""
    managed = ManagedPlugin(clean)
    managed.install()
    try:
        with pytest.raises(CommandError, match="docker plugin disable -f pynet/pynet"):
            apt(clean, "install", put(clean, deb(1)))
        assert managed.enabled
        assert not installed(clean)
    finally:
        managed.disable()
        clean.docker("plugin", "rm", managed.driver)
        for table in ("inet", "bridge"):
            clean.run("nft", "delete", "table", table, "pynet")
        for command in ("iptables", "ip6tables"):
            clean.run("sh", "-c", f"{command}-save | grep -v pynet | {command}-restore")


def test_without_systemd(debian: Host, deb: Deb) -> None:
    """Debian 13, and what comes after it: the process is started by hand, and the page of pynet ui served."""
    apt(debian, "install", put(debian, deb(1)))
    serving = Process(
        debian.enter("pynet", "serve"), log=debian.directory / "pynet.log", lab=debian.lab
    )
    wait_until(lambda: "nothing differs" in _status(debian), "pynet")
    debian.docker("network", "create", "-d", "pynet", "--ipam-driver", "pynet", "lan")
    debian.docker("run", "-d", "--network", "lan", "--name", "one", IMAGE, "sleep", "3600")
    assert "1 packets received" in debian.docker(
        *("run", "--rm", "--network", "lan", IMAGE, "ping", "-c", "1", "one")
    )
    _page(debian)
    debian.docker("rm", "-f", "one")
    debian.docker("network", "rm", "lan")
    serving.end(signal.SIGTERM)
    apt(debian, "purge", "pynet")

    assert remains(debian) == set()


def _page(host: Host) -> None:
    """All files of the page are in the package."""
    page = Process(host.enter("pynet", "ui"), log=host.directory / "ui.log", lab=host.lab)
    wait_until(lambda: "http://127.0.0.1:9611/#" in page.log.read_text(), "pynet ui")
    for path in ("/", "/page.js", "/picture.js", "/addresses.js", "/page.css", "/icon.svg"):
        assert "no such page" not in http_get(host.netns, "127.0.0.1", 9611, path)
    page.end(signal.SIGTERM)
    assert host.path("/usr/share/doc/pynet/reference/ui.png").is_file()


def _status(host: Host) -> str:
    try:
        return host.run("pynet", "status")
    except CommandError:
        return ""
