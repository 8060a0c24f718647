"""Rules that another program flushed come back, and with them what they were for."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.e2e.asking import NOBODY, Question, comes_true, surprises
from tests.lab.commands import wait_until
from tests.lab.namespace import Peer
from tests.lab.site import Site

SOON: Final = 15.0


def _flush_everything(site: Site) -> None:
    """Not Docker's tables: they would stay away."""
    for family in ("inet", "bridge"):
        site.host.run("nft", "delete", "table", family, "pynet")


def _empty_the_sets(site: Site) -> None:
    for container in ("map inet pynet pn_ports4", "set inet pynet pn_bridges"):
        site.host.run("nft", "flush", *container.split())


def _flush_docker_user(site: Site) -> None:
    for command in ("iptables", "ip6tables"):
        if "-N DOCKER-USER" in site.host.run(command, "-w", "-S"):
            site.host.run(command, "-w", "-F", "DOCKER-USER")


def _flush_our_rule(site: Site) -> None:
    rules = site.host.run("iptables", "-w", "-S", "DOCKER-USER").splitlines()
    (ours,) = [rule for rule in rules if "--comment pynet" in rule]
    site.host.run("iptables", "-w", *ours.replace("-A", "-D", 1).split())


@pytest.mark.parametrize(
    "flush",
    [_flush_everything, _empty_the_sets, _flush_docker_user],
    ids=["tables", "elements", "DOCKER-USER"],
)
def test_healed(site: Site, peer: Peer, flush: Callable[[Site], None]) -> None:
    """Ports answer, other networks are shut out and containers get out again, and it is counted."""
    network = site.network("--subnet=10.50.0.0/24")
    web = site.web("--network", network, "-p", "8080:80")
    stranger = site.run("--network", site.network())
    questions: dict[str, Question] = {
        "published": (peer.netns, site.host.address, 8080, web),
        "published, to another network": (site.netns(stranger), site.host.address, 8080, web),
        "not published": (site.netns(stranger), site.address(web, network), 80, NOBODY),
        "out": (site.netns(web), peer.address, 80, str(site.host.address)),
    }
    assert surprises(questions) == {}
    before = _rules(site)

    flush(site)

    wait_until(lambda: _rules(site) == before, "the rules as they were", deadline=SOON)
    assert comes_true(questions, deadline=SOON) == {}
    assert site.installed.ask("/health")["status"] == "ok"


def test_what_the_user_drops_stays_dropped(site: Site, peer: Peer) -> None:
    """In Docker's chain for others, before our rule and, on engines that end without RETURN, after."""
    network = site.network("--subnet=10.50.0.0/24")
    web = site.web("--network", network, "-p", "8080:80", "-p", "8081:80")
    docker_user = ("iptables", "-w", "-S", "DOCKER-USER")
    place = "-I" if "-j RETURN" in site.host.run(*docker_user) else "-A"
    rule = ["DOCKER-USER", "-p", "tcp", "-m", "conntrack"]
    rule += ["--ctorigdstport", "8080", "-j", "DROP"]
    questions: dict[str, Question] = {
        "dropped": (peer.netns, site.host.address, 8080, NOBODY),
        "not mentioned": (peer.netns, site.host.address, 8081, web),
        "out": (site.netns(web), peer.address, 80, str(site.host.address)),
    }

    site.host.run("iptables", "-w", place, *rule)
    try:
        _flush_our_rule(site)
        assert comes_true(questions, deadline=SOON) == {}
        site.host.restart_docker()
        site.installed.wait_ready()
        web = site.web("--network", network, "-p", "8080:80", "-p", "8081:80")
        questions["not mentioned"] = (peer.netns, site.host.address, 8081, web)
        questions["out"] = (site.netns(web), peer.address, 80, str(site.host.address))
        assert comes_true(questions, deadline=SOON) == {}
    finally:
        site.host.run("iptables", "-w", "-D", *rule)


def test_docker_cut_off(site: Site, peer: Peer) -> None:
    """After `iptables -F FORWARD`: Docker's policy stays, and its jump to DOCKER-USER is gone."""
    network = site.network("--subnet=10.50.0.0/24")
    web = site.web("--network", network, "-p", "8080:80")

    site.host.run("iptables", "-w", "-F", "FORWARD")
    try:
        asked: dict[str, Question] = {
            "published": (peer.netns, site.host.address, 8080, web),
            "out": (site.netns(web), peer.address, 80, str(site.host.address)),
        }
        assert comes_true(asked, deadline=SOON) == {}
    finally:
        site.host.restart_docker()
        site.installed.wait_ready()


def test_everything_flushed(site: Site, peer: Peer) -> None:
    """After `nft flush ruleset`, which takes Docker's rules too, pynet's ports answer again."""
    network = site.network("--subnet=10.50.0.0/24")
    web = site.web("--network", network, "-p", "8080:80")

    site.host.run("nft", "flush", "ruleset")
    try:
        asked: dict[str, Question] = {"published": (peer.netns, site.host.address, 8080, web)}
        assert comes_true(asked, deadline=SOON) == {}
    finally:
        # Docker puts its own back when it starts.
        site.host.restart_docker()
        site.installed.wait_ready()


def _rules(site: Site) -> str:
    """Return our tables and our rules in Docker's chains, whatever their handles."""
    tables = [
        "\n".join(
            sorted(
                site.host.run("sh", "-c", f"nft -s list table {family} pynet || true").splitlines()
            )
        )
        for family in ("inet", "bridge")
    ]
    for command in ("iptables", "ip6tables"):
        rules = site.host.run(command, "-w", "-S").splitlines()
        tables += [rule for rule in rules if "--comment pynet" in rule]
    return "\n".join(tables)
