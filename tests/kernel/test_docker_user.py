"""One rule in Docker's own chains, wherever they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.firewall.docker_user import DockerUser
from plugin.kernel.nf_tables import may_drop_forwarded
from tests.kernel.netns import Netns
from tests.kernel.site import Site

RULE = "-m mark --mark 0x800/0x800 -m comment --comment pynet -j ACCEPT"
KNOWN = RULE.replace("-m comment", "-m conntrack --ctstate RELATED,ESTABLISHED -m comment")
FAMILIES = ("iptables", "ip6tables")


@pytest.fixture
def host(netns: Netns) -> Iterator[Netns]:
    """A host on which iptables was never used."""
    return netns


def rules(host: Netns, chain: str, command: str) -> list[str]:
    lines = host.run(command, "-S", chain).splitlines()
    return [line.removeprefix(f"-A {chain} ") for line in lines if line.startswith("-A")]


def add_docker(host: Netns) -> None:
    for command in FAMILIES:
        host.run(command, "-N", "DOCKER-USER")
        host.run(command, "-A", "DOCKER-USER", "-j", "RETURN")
        host.run(command, "-I", "FORWARD", "-j", "DOCKER-USER")


@pytest.mark.parametrize("command", FAMILIES)
class TestEnsure:
    def test_without_docker_it_is_in_forward(self, host: Netns, command: str) -> None:
        """Somebody else may have set the policy to DROP."""
        DockerUser(0x800).ensure()

        assert rules(host, "FORWARD", command) == [RULE]

    def test_with_docker_it_is_first_in_dockers_chain_for_others(
        self, host: Netns, command: str
    ) -> None:
        """Before the RETURN that older engines put there."""
        add_docker(host)
        DockerUser(0x800).ensure()

        assert rules(host, "DOCKER-USER", command) == [RULE, "-j RETURN"]

    def test_what_was_let_in_passes_while_docker_starts(self, host: Netns, command: str) -> None:
        """Docker takes its jump out then and puts it in again, before our second rule."""
        add_docker(host)
        DockerUser(0x800).ensure()
        host.run(command, "-D", "FORWARD", "-j", "DOCKER-USER")
        between = rules(host, "FORWARD", command)
        host.run(command, "-I", "FORWARD", "-j", "DOCKER-USER")

        assert between == [KNOWN]
        assert rules(host, "FORWARD", command) == ["-j DOCKER-USER", KNOWN]

    def test_it_is_there_once(self, host: Netns, command: str) -> None:
        """Every tick makes it so."""
        add_docker(host)
        for _ in range(3):
            DockerUser(0x800).ensure()

        assert rules(host, "DOCKER-USER", command).count(RULE) == 1
        assert rules(host, "FORWARD", command).count(KNOWN) == 1

    def test_it_moves_when_docker_comes(self, host: Netns, command: str) -> None:
        """pynet was started first, as it should be."""
        DockerUser(0x800).ensure()
        add_docker(host)
        DockerUser(0x800).ensure()

        assert rules(host, "FORWARD", command) == ["-j DOCKER-USER", KNOWN]
        assert RULE in rules(host, "DOCKER-USER", command)

    def test_the_table_can_still_be_saved(self, host: Netns, command: str) -> None:
        """A native rule in it would make this fail."""
        add_docker(host)
        DockerUser(0x800).ensure()

        assert RULE in host.run(f"{command}-save")

    def test_it_can_be_taken_back(self, host: Netns, command: str) -> None:
        """From both chains, however often it is there."""
        user = DockerUser(0x800)
        user.ensure()
        host.run(command, "-I", "FORWARD", *RULE.split())
        add_docker(host)
        host.run(command, "-I", "DOCKER-USER", *RULE.split())
        user.ensure()
        user.remove()

        assert rules(host, "FORWARD", command) == ["-j DOCKER-USER"]
        assert rules(host, "DOCKER-USER", command) == ["-j RETURN"]


class TestUnserved:
    """One condition of the health for each family, and only where somebody may drop."""

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
