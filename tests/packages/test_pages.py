"""Pages for who runs the service, each command of them as it is printed: upgrading, and beside nftables.service."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.lab.clients import Address, http_get
from tests.lab.commands import wait_until
from tests.lab.host import IMAGE
from tests.lab.installed import REPOSITORY
from tests.lab.namespace import SUBNET4, Peer
from tests.lab.systemd_host import SystemdHost
from tests.packages.conftest import apt, put, remains

Deb = Callable[[int], Path]
REFERENCE: Final = REPOSITORY / "docs/reference"
BLOCK: Final = re.compile(r"^```(?:sh)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
UPGRADE: Final = "apt install ./pynet_NEXT_amd64.deb"
EARLIER: Final = "./pynet_EARLIER_amd64.deb"
YES: Final = "/etc/apt/apt.conf.d/yes"
FLUSHED: Final = "/etc/nftables.conf"
SAVED: Final = "/var/backups/pynet-before.tar"
WEB: Final = "echo here >/www/index.html; exec httpd -f -h /www"


def blocks(page: str) -> list[str]:
    """What the page has to be pasted."""
    return BLOCK.findall((REFERENCE / page).read_text())


@pytest.fixture(scope="module")
def used(machine: SystemdHost, peer: Peer, deb: Deb) -> Iterator[SystemdHost]:
    """A host with the package, and a container that another machine asks."""
    apt(machine, "install", put(machine, deb(1)))
    machine.path(YES).write_text('APT::Get::Assume-Yes "true";\n')
    machine.docker("network", "create", "-d", "pynet", "--ipam-driver", "pynet", "lan")
    web = ("--network", "lan", "--name", "web", "-p", "8080:80", IMAGE, "sh", "-c", WEB)
    machine.docker("run", "-d", *web)
    wait_until(lambda: answers(machine, peer), "the published port")
    yield machine
    machine.docker("rm", "-f", "web")
    machine.docker("network", "rm", "lan")
    machine.path(YES).unlink()
    apt(machine, "purge", "pynet")
    assert remains(machine) == set()


def answers(host: SystemdHost, peer: Peer, address: Address | None = None) -> bool:
    try:
        return http_get(peer.netns, address or host.address, 8080) == "here"
    except OSError:
        return False


def test_upgrading_and_going_back(used: SystemdHost, peer: Peer, deb: Deb) -> None:
    """The container is reached after each step, and is the same."""
    before, after, back = blocks("upgrading.md")
    assert UPGRADE in (REFERENCE / "upgrading.md").read_text()
    later, earlier = (put(used, deb(revision)) for revision in (2, 1))
    container = used.docker("inspect", "-f", "{{.State.StartedAt}}", "web")

    used.run("sh", "-ec", before)
    used.run("sh", "-ec", UPGRADE.replace("./pynet_NEXT_amd64.deb", later), timeout=300)
    used.run("sh", "-ec", after)
    assert answers(used, peer)
    used.run("sh", "-ec", back.replace(EARLIER, earlier), timeout=300)

    assert used.run("dpkg-query", "-Wf", "${Version}", "pynet").endswith("-1")
    assert answers(used, peer)
    assert used.docker("inspect", "-f", "{{.State.StartedAt}}", "web") == container
    used.path(SAVED).unlink()


def test_a_port_that_is_kept_from_some(used: SystemdHost, peer: Peer) -> None:
    """From machines outside the subnet that the rule names, and from no other."""
    rule = blocks("firewalls.md")[0]
    own = rule.replace("192.168.1.0/24", str(SUBNET4))

    for each, reached in ((rule, False), (own, True)):
        used.run("sh", "-ec", each)
        try:
            assert answers(used, peer) is reached
        finally:
            used.run("sh", "-ec", each.replace("iptables -I", "iptables -D"))
        assert answers(used, peer)


def test_a_port_that_is_kept_from_ipv6(used: SystemdHost, peer: Peer) -> None:
    """What comes to the proxy is for the host, and never meets DOCKER-USER."""
    ipv4, ipv6, *_ = blocks("firewalls.md")
    used.run("sh", "-ec", ipv4)
    try:
        assert answers(used, peer, used.address6)
        used.run("sh", "-ec", ipv6)
        assert not answers(used, peer, used.address6)
        used.run("sh", "-ec", ipv6.replace("tables -I", "tables -D"))
    finally:
        used.run("sh", "-ec", ipv4.replace("tables -I", "tables -D"))


def test_nftables_service(used: SystemdHost, peer: Peer) -> None:
    """Which flushes one table costs pynet nothing, and which flushes all, a second."""
    (own,) = (each for each in blocks("firewalls.md") if each.startswith("#!/usr/sbin/nft"))
    theirs = used.path(FLUSHED).read_text()
    assert "flush ruleset" in theirs
    table = ("nft", "--stateless", "--handle", "list", "table", "inet", "pynet")
    before = used.run(*table)  # the handles are others where a rule was made again
    try:
        used.path(FLUSHED).write_text(own)
        used.run("systemctl", "restart", "nftables")
        assert "table inet filter" in used.run("nft", "list", "tables")
        assert used.run(*table) == before
        assert answers(used, peer)
    finally:
        used.path(FLUSHED).write_text(theirs)

    used.run("systemctl", "restart", "nftables")
    wait_until(lambda: answers(used, peer), "the published port")
    wait_until(lambda: "nothing differs" in used.run("pynet", "status"), "pynet's tables")
    used.run("systemctl", "stop", "nftables")
    used.run("systemctl", "restart", "docker")
    wait_until(lambda: "nothing differs" in used.run("pynet", "status"), "Docker's chains")
    used.docker("start", "web")
    wait_until(lambda: answers(used, peer), "the published port")
