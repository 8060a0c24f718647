"""One rule in Docker's own chains, wherever they are."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from plugin.firewall.docker_user import DockerUser
from plugin.firewall.removal import FirewallTraces
from plugin.kernel.netlink.nf_tables import may_drop_forwarded
from plugin.kernel.netlink.nf_transactions import NfTables
from plugin.model.network import Protocol
from tests.fakes.values import a_binding
from tests.kernel.exchange import Answer, Exchange
from tests.kernel.netns import Netns
from tests.kernel.site import HOST4, HOST6, Site

RULE = "-m mark --mark 0x800/0x800 -m comment --comment pynet -j ACCEPT"
THROUGH = RULE.replace("ACCEPT", "DOCKER-USER")
JUMP, RETURN = "-j DOCKER-USER", "-j RETURN"
DROP = "-i eth0 -j DROP"
# What an engine up to 27 leaves in the chain, and what a later one does.
ENGINES = pytest.mark.parametrize("ending", [[RETURN], []], ids=["27", "28"])
FAMILIES = ("iptables", "ip6tables")


@pytest.fixture
def host(netns: Netns) -> Netns:
    """A host on which iptables was never used."""
    return netns


def rules(host: Netns, chain: str, command: str) -> list[str]:
    lines = host.run(command, "-S", chain).splitlines()
    return [line.removeprefix(f"-A {chain} ") for line in lines if line.startswith("-A")]


def add_docker(host: Netns, *before: str, ending: Sequence[str] = (RETURN,)) -> None:
    for command in FAMILIES:
        host.run(command, "-N", "DOCKER-USER")
        for rule in (*before, *ending):
            host.run(command, "-A", "DOCKER-USER", *rule.split())
        host.run(command, "-I", "FORWARD", *JUMP.split())


@pytest.mark.parametrize("command", FAMILIES)
class TestEnsure:
    @ENGINES
    def test_what_the_user_drops_in_dockers_chain_comes_first(
        self, host: Netns, command: str, ending: list[str]
    ) -> None:
        """Loaded at boot, before us."""
        add_docker(host, DROP, ending=ending)
        DockerUser(0x800).ensure()

        assert rules(host, "DOCKER-USER", command) == [DROP, RULE, *ending]

    @ENGINES
    def test_what_the_user_drops_later_comes_first_after_a_heal(
        self, host: Netns, command: str, ending: list[str]
    ) -> None:
        """At the end of the chain; behind a RETURN it has no effect on Docker's ports either."""
        add_docker(host, ending=ending)
        user = DockerUser(0x800)
        user.ensure()
        host.run(command, "-A", "DOCKER-USER", *DROP.split())
        user.ensure()

        expected = [RULE, RETURN, DROP] if ending else [DROP, RULE]
        assert rules(host, "DOCKER-USER", command) == expected

    def test_a_rule_that_came_first_gives_way(self, host: Netns, command: str) -> None:
        """Even if the user put it there."""
        add_docker(host, RULE, DROP, RULE)
        DockerUser(0x800).ensure()

        assert rules(host, "DOCKER-USER", command) == [DROP, RULE, RETURN]

    def test_what_the_user_leaves_to_docker_is_let_in_behind_docker(
        self, host: Netns, command: str
    ) -> None:
        """Docker's rules do not know our networks, and others' in FORWARD refuse strangers."""
        reject = "-j REJECT --reject-with icmp-port-unreachable".replace(
            "icmp", "icmp" if command == "iptables" else "icmp6"
        )
        host.run(command, "-A", "FORWARD", *reject.split())
        add_docker(host, "-i eth1 -j RETURN")
        DockerUser(0x800).ensure()

        assert rules(host, "FORWARD", command) == [JUMP, THROUGH, RULE, reject]

    def test_nobody_slips_past_the_user_while_docker_starts(
        self, host: Netns, command: str
    ) -> None:
        """Docker takes its jump out then and puts it in again, before our rules."""
        add_docker(host)
        DockerUser(0x800).ensure()
        host.run(command, "-D", "FORWARD", *JUMP.split())
        between = rules(host, "FORWARD", command)
        host.run(command, "-I", "FORWARD", *JUMP.split())

        assert between == [THROUGH, RULE]
        assert rules(host, "FORWARD", command) == [JUMP, THROUGH, RULE]

    def test_without_docker_it_is_the_last_in_forward(self, host: Netns, command: str) -> None:
        """A policy of DROP is answered, and no rule of the user's overruled."""
        user = DockerUser(0x800)
        user.ensure()
        host.run(command, "-A", "FORWARD", *DROP.split())
        user.ensure()

        assert rules(host, "FORWARD", command) == [DROP, RULE]

    def test_they_are_there_once(self, host: Netns, command: str) -> None:
        """Every tick makes it so."""
        add_docker(host, DROP)
        for _ in range(3):
            DockerUser(0x800).ensure()

        assert rules(host, "DOCKER-USER", command) == [DROP, RULE, RETURN]
        assert rules(host, "FORWARD", command) == [JUMP, THROUGH, RULE]

    def test_they_move_when_docker_comes(self, host: Netns, command: str) -> None:
        """pynet was started first, as it should be."""
        DockerUser(0x800).ensure()
        host.run(command, "-A", "FORWARD", *DROP.split())
        add_docker(host)
        DockerUser(0x800).ensure()

        assert rules(host, "FORWARD", command) == [JUMP, THROUGH, RULE, DROP]
        assert rules(host, "DOCKER-USER", command) == [RULE, RETURN]

    def test_the_table_can_still_be_saved(self, host: Netns, command: str) -> None:
        """A native rule in it would make this fail."""
        add_docker(host)
        DockerUser(0x800).ensure()

        assert RULE in host.run(f"{command}-save")

    def test_they_can_be_taken_back(self, host: Netns, command: str) -> None:
        """From both chains, however often they are there; the user's stay."""
        user = DockerUser(0x800)
        user.ensure()
        mine = "-m comment --comment pynet -j ACCEPT"
        host.run(command, "-I", "FORWARD", *RULE.split())
        add_docker(host, mine)
        host.run(command, "-I", "DOCKER-USER", *RULE.split())
        user.ensure()
        FirewallTraces((), NfTables()).remove()

        assert rules(host, "FORWARD", command) == [JUMP]
        assert rules(host, "DOCKER-USER", command) == [mine, RETURN]


@pytest.mark.parametrize("command", FAMILIES)
def test_legacy_tables_with_what_the_unit_may(host: Netns, command: str) -> None:
    """Root without NET_RAW is not root to iptables-legacy."""
    unit = (Path(__file__).parents[2] / "packaging/systemd/pynet.service").read_text()
    (bounds,) = re.findall(r"^CapabilityBoundingSet=(.+)$", unit, re.MULTILINE)
    kept = [f"+{each.removeprefix('CAP_').lower()}" for each in bounds.split()]
    legacy = f"{command}-legacy"
    host.run(legacy, "-N", "DOCKER-USER")
    host.run(legacy, "-P", "FORWARD", "DROP")
    program = "from plugin.firewall.docker_user import DockerUser as D; print(D(0x800).ensure())"
    argv = ("setpriv", f"--bounding-set=-all,{','.join(kept)}", sys.executable, "-c", program)

    assert "unserved=()" in host.run(*argv)
    assert rules(host, "DOCKER-USER", legacy) == [RULE]


class TestUnserved:
    """One condition of the health for each family, and only where another program may drop."""

    @pytest.fixture
    def broken(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
        """A host with Docker, where ip6tables fails."""
        path = tmp_path / "ip6tables"
        path.write_text("#!/bin/sh\necho it is broken >&2\nexit 4\n")
        path.chmod(0o755)
        site = Site(docker=True)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        with site.host.entered():
            yield site
            site.close()

    def test_a_family_that_fails_keeps_the_other_from_nothing(self, broken: Site) -> None:
        """Whichever comes first."""
        broken.host.run("iptables", "-F", "DOCKER-USER")
        broken.healer.heal()

        (condition,) = broken.health.conditions
        assert condition.what == "ip6tables"
        assert "it is broken" in condition.why
        assert "IPv6 traffic" in condition.why
        assert rules(broken.host, "DOCKER-USER", "iptables") == [RULE]

    def test_it_does_not_matter_where_nobody_drops(self, broken: Site) -> None:
        """Most hosts do not filter IPv6 at all; older engines do not either."""
        broken.host.run("ip6tables-nft", "-P", "FORWARD", "ACCEPT")
        broken.host.run("ip6tables-nft", "-F", "FORWARD")
        broken.healer.heal()

        assert broken.health.conditions == ()

    def test_it_matters_where_a_rule_drops(self, broken: Site) -> None:
        """Whatever the policy."""
        broken.host.run("ip6tables-nft", "-P", "FORWARD", "ACCEPT")
        broken.host.run("ip6tables-nft", "-A", "FORWARD", "-j", "DROP")
        broken.healer.heal()

        assert [each.what for each in broken.health.conditions] == ["ip6tables"]

    def test_it_is_over_when_it_works(
        self, broken: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The tick finds out."""
        broken.healer.heal()
        (tmp_path / "ip6tables").unlink()
        broken.healer.heal()

        assert broken.health.conditions == ()

    def test_commands_that_are_not_there(
        self, broken: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing else is said of them than what does not work."""
        (tmp_path / "ip6tables").unlink()
        monkeypatch.setenv("PATH", str(tmp_path))
        broken.healer.heal()

        conditions = broken.health.conditions
        assert [each.what for each in conditions] == ["iptables", "ip6tables"]
        assert all("there is no ip" in each.why for each in conditions)
        assert all("isolation" not in each.why for each in conditions)

    def test_commands_that_nobody_needs(
        self, netns: Netns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A host without Docker's rules, or whose Docker has tables of its own."""
        monkeypatch.setenv("PATH", str(tmp_path))
        prepared = DockerUser(0x800).ensure()

        assert [each.version for each in prepared.unserved] == [4, 6]
        assert not any(may_drop_forwarded(version) for version in (4, 6))


@pytest.fixture
def site() -> Iterator[Site]:
    """A host whose Docker drops what nobody has accepted."""
    made = Site(docker=True)
    with made.host.entered():
        yield made
        made.close()


def test_the_user_decides_about_published_ports(site: Site) -> None:
    """Dropped, left to Docker with RETURN, or not mentioned: by both families."""
    server = site.container(
        site.network("blue", "10.1.0.0/24", "fd00:1::/64"),
        2,
        [a_binding(80, 8080), a_binding(81, 8081), a_binding(82, 8082)],
    )
    for command in FAMILIES:
        for port, verdict in ((80, "DROP"), (81, "RETURN")):
            rule = f"DOCKER-USER 1 -i up0 -p tcp --dport {port} -j {verdict}"
            site.host.run(command, "-I", *rule.split())
    wanted = {
        (address, port): Answer.DROPPED if port == 8080 else Answer.REACHED
        for address in (HOST4, HOST6)
        for port in (8080, 8081, 8082)
    }
    site.restart()

    with Exchange() as exchange:
        for port in (80, 81, 82):
            exchange.serve(server.netns, Protocol.TCP, port)
        for target in wanted:
            exchange.ask(target, site.outside, Protocol.TCP, target)
        found = exchange.answers(wanted)

    assert found == wanted


@pytest.fixture
def locked(host: Netns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An iptables that fails for Docker's chain, as with a held lock, as long as the file is there."""
    add_docker(host)
    real = {command: host.run("sh", "-c", f"command -v {command}").strip() for command in FAMILIES}
    lock = tmp_path / "lock"
    lock.touch()
    for command, path in real.items():
        script = tmp_path / command
        script.write_text(
            f"#!/bin/sh\n[ -e {lock} ] && case $* in *'-S DOCKER-USER'*) echo locked >&2; exit 4;; esac\n"
            f'exec {path} "$@"\n'
        )
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return lock


def test_a_chain_that_cannot_be_read_is_not_absent(host: Netns, locked: Path) -> None:
    """Where there is none, the rules are laid out as on a host without Docker."""
    told = DockerUser(0x800).ensure()

    assert [each.version for each in told.unserved] == [4, 6]
    assert all("locked" in each.why for each in told.unserved)
    assert rules(host, "FORWARD", "iptables") == [JUMP]

    locked.unlink()

    assert DockerUser(0x800).ensure().unserved == ()
    assert rules(host, "FORWARD", "iptables") == [JUMP, THROUGH, RULE]
