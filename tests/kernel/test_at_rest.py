"""A host on which nothing changes costs next to nothing to look at."""

import os
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from plugin.firewall.docker_user import DockerUser
from plugin.firewall.nftables import NftablesFirewall
from plugin.kernel.netlink.nf_transactions import NfTables
from plugin.kernel.netlink.rtnl import Rtnl
from tests.contract.test_firewall import BRIDGE, MARK, PORT
from tests.kernel.netns import Netns
from tests.kernel.site import Site

pytestmark = pytest.mark.kernels


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that are run from now on."""
    found: list[str] = []
    run = subprocess.run

    def noted(words: list[str], **options: object) -> object:
        found.append(" ".join(words))
        return run(words, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", noted)
    return found


@pytest.fixture
def firewall(netns: Netns) -> NftablesFirewall:
    """Of a host with a Docker and a published port, where all is well."""
    for command in ("iptables", "ip6tables"):
        netns.run(command, "-N", "DOCKER-USER")
    made = NftablesFirewall(DockerUser(MARK), MARK, NfTables())
    made.prepare()
    made.ensure([BRIDGE, PORT])
    made.prepare()
    made.read()
    return made


def test_rules_are_looked_at_again_only_after_a_change(
    firewall: NftablesFirewall, netns: Netns, commands: list[str]
) -> None:
    """By any program, to any table: the kernel counts them."""
    assert firewall.prepare().restored == ()
    assert commands == []
    netns.run("nft", "add table inet other")
    del commands[:]

    assert firewall.prepare().restored == ()
    assert any("iptables" in each for each in commands)


def test_rules_are_looked_at_again_after_a_while(
    firewall: NftablesFirewall, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look may have come between the kernel's count of a change and the change."""
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 3600)
    firewall.prepare()

    assert any("iptables" in each for each in commands)


def test_a_rule_that_could_not_be_set_is_tried_again(
    firewall: NftablesFirewall, netns: Netns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though nothing has changed since: the command failed."""
    accept = ("-s", "10.9.0.0/16", "-j", "ACCEPT")
    netns.run("iptables", "-t", "nat", "-A", "POSTROUTING", *accept)
    path, real = os.environ["PATH"], shutil.which("iptables")
    busy = tmp_path / "iptables"
    busy.write_text(f'#!/bin/sh\ncase "$*" in *"-t nat"*) exit 4;; esac\nexec {real} "$@"\n')
    busy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{path}")
    failed = [firewall.prepare().obeyed for _ in range(2)]
    monkeypatch.setenv("PATH", path)

    assert failed == [(), ()]
    assert firewall.prepare().obeyed == (4,)


@pytest.mark.parametrize(
    "command",
    [
        "iptables -D DOCKER-USER 1",
        "ip6tables -F DOCKER-USER",
        "nft delete chain inet pynet pn_forward",
        "nft flush ruleset",
    ],
)
def test_what_another_program_removes_is_restored(
    firewall: NftablesFirewall, netns: Netns, command: str
) -> None:
    """All that was there, at the first look."""
    netns.run(*command.split())

    assert firewall.prepare().restored
    assert firewall.prepare().restored == ()


def test_facts_are_read_again_after_a_change(firewall: NftablesFirewall, netns: Netns) -> None:
    """Also after one that came from another program."""
    before = firewall.read()
    netns.run("nft", "flush map inet pynet pn_ports4")

    assert firewall.read() < before


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often all links are listed."""
    found: Counter[str] = Counter()
    links = Rtnl.links

    def counted(rtnl: Rtnl, nsid: int | None = None) -> object:
        found["links"] += nsid is None
        return links(rtnl, nsid)

    monkeypatch.setattr(Rtnl, "links", counted)
    return found


def test_links_are_listed_once_in_a_tick(site: Site, listings: Counter[str]) -> None:
    """However many networks there are."""
    for number in (1, 2, 3):
        network = site.network(f"n{number}", f"10.{number}.0.0/24")
        site.container(network, 2)
    site.healer.restore()
    listings.clear()
    site.healer.restore()

    assert listings == {"links": 1}
