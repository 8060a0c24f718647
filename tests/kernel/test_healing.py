"""Rules that another program removed come back: the watches tell, and the healer restores them."""

import re
import threading
from collections.abc import Callable, Iterator

import pytest

from plugin.kernel.link_watch import Bridges, LinkWatch
from plugin.kernel.netlink import nf_tables
from plugin.kernel.watches import RulesetWatch, name_process
from plugin.model.facts import Fact
from plugin.model.ids import port_name
from plugin.model.rules import Rule
from plugin.model.traffic import DockerBridge
from plugin.telemetry import DRIFT
from tests.fakes.values import a_binding
from tests.kernel.netns import wait_until
from tests.kernel.site import HOST4, OUTSIDE4, Container, Site
from tests.kernel.talk import tcp

DUAL = ("10.1.0.0/24", "fd00:1::/64")
PORT = 7000
FAMILIES = ("iptables", "ip6tables")


class Caretaker:
    """What the plugin's own loop does: heals when a watch tells of another program's change."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._changed = threading.Event()
        self._stopped = threading.Event()
        started = threading.Event()
        with site.host.entered():
            changed = self._changed.set
            self._watches = [RulesetWatch(changed), LinkWatch(Bridges(changed))]
            self._thread = threading.Thread(target=self._run, args=(started,))
            self._thread.start()
        assert started.wait(60)

    def _run(self, started: threading.Event) -> None:
        name_process()
        started.set()
        while not self._stopped.is_set():
            if self._changed.wait(0.05):
                self._changed.clear()
                self._site.healer.heal()

    def close(self) -> None:
        self._stopped.set()
        self._thread.join()
        for watch in self._watches:
            watch.close()


@pytest.fixture(params=[True, False], ids=["docker", "alone"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A host with Docker's chains and policy, or without."""
    made = Site(docker=request.param)
    with made.host.entered():
        yield made
        made.close()


@pytest.fixture
def container(site: Site) -> Container:
    """A container with a published port and every guard."""
    options = {"icc": "false", "host_services": "53/udp"}
    return site.container(site.network("blue", *DUAL, options=options), 2, [a_binding(PORT)])


@pytest.fixture
def caretaker(site: Site, container: Container) -> Iterator[Caretaker]:
    """Started when everything is there."""
    site.healer.heal()
    made = Caretaker(site)
    yield made
    made.close()


COUNTED = re.compile(r"set pn_refusals \{.*?\n\t\}\n", re.DOTALL)


def works(site: Site, container: Container) -> None:
    assert tcp(container.netns, ("10.1.0.2", PORT), site.outside, (HOST4, 8080)) == OUTSIDE4
    assert tcp(site.outside, (OUTSIDE4, PORT), container.netns, (OUTSIDE4, PORT)) == HOST4


def state(site: Site) -> tuple[object, ...]:
    """Everything of pynet's in the host's filters, except what packets leave there."""
    tables = [
        COUNTED.sub("", site.host.run("nft", "-s", "list", "table", family, "pynet"))
        for family in ("inet", "bridge")
    ]
    return (site.firewall.read(), *tables, *(_marked(site, command) for command in FAMILIES))


def _marked(site: Site, command: str) -> list[str]:
    return [rule for rule in site.host.run(command, "-S").splitlines() if "pynet" in rule]


def drift(kind: type) -> float:
    """How many of a kind, or of those that are such, were healed."""
    known: list[type] = [kind, *kind.__subclasses__()]
    kinds = {each.__name__ for each in known}
    samples = (each for metric in DRIFT.collect() for each in metric.samples)
    counts = (s.value for s in samples if s.name.endswith("_total") and s.labels["kind"] in kinds)
    return sum(counts)


def _rules_of(site: Site, chain: str) -> list[str]:
    return [r for r in site.host.run("iptables", "-S", chain).splitlines() if r[:2] == "-A"]


def comes_back(site: Site, harm: Callable[[], object]) -> None:
    """Break something and wait until everything is as before."""
    before = state(site)
    harm()
    wait_until(lambda: _state_or_none(site) == before, "it does not come back")


def _state_or_none(site: Site) -> tuple[object, ...] | None:
    try:
        return state(site)
    except AssertionError:  # a table is not there at all
        return None


class TestComesBack:
    @pytest.mark.parametrize("family", ["inet", "bridge"])
    @pytest.mark.parametrize("verb", ["delete", "flush"])
    def test_a_table(
        self, site: Site, container: Container, caretaker: Caretaker, verb: str, family: str
    ) -> None:
        """Deleted, or emptied of its rules."""
        comes_back(site, lambda: site.host.run("nft", verb, "table", family, "pynet"))

        works(site, container)

    def test_the_whole_ruleset(
        self, site: Site, container: Container, caretaker: Caretaker
    ) -> None:
        """A restart of nftables.service; Docker's chains are Docker's to bring back."""
        before = site.firewall.read()
        counted = drift(Fact)
        site.host.run("nft", "flush", "ruleset")
        wait_until(lambda: site.firewall.read() == before, "it does not come back")

        assert drift(Fact) - counted == len(before)
        works(site, container)

    @pytest.mark.parametrize(
        "element",
        [
            "inet pynet pn_ports4 { tcp . 8080 }",
            "inet pynet pn_masquerade4 { 10.1.0.0/24 }",
            'bridge pynet pn_separate { "PORT" }',
            'bridge pynet pn_guard_mac { "PORT" . 02:00:00:00:00:02 }',
        ],
    )
    def test_an_element(
        self, site: Site, container: Container, caretaker: Caretaker, element: str
    ) -> None:
        """One of thousands."""
        text = element.replace("PORT", port_name(container.endpoint.id))
        counted = drift(Fact)
        comes_back(site, lambda: site.host.run("nft", "delete", "element", *text.split()))

        assert drift(Fact) - counted == 1

    @pytest.mark.parametrize("chain", ["pn_forward", "pn_postrouting"])
    def test_rules_of_a_chain(
        self, site: Site, container: Container, caretaker: Caretaker, chain: str
    ) -> None:
        """Its elements would look well; each rule is counted."""
        counted = drift(Rule)
        number = len(nf_tables.rules("inet", "pynet")[chain])
        comes_back(site, lambda: site.host.run("nft", "flush", "chain", "inet", "pynet", chain))
        site.healer.heal()  # a heal that was under way has counted by then

        assert drift(Rule) - counted == number
        works(site, container)

    def test_rules_that_a_call_put_back(self, site: Site, container: Container) -> None:
        """It could not wait for the healer; the healer counts them all the same."""
        site.healer.heal()
        counted = drift(Rule)
        number = sum(len(rules) for rules in nf_tables.rules("bridge", "pynet").values())
        site.host.run("nft", "delete", "table", "bridge", "pynet")
        site.container(container.network, 3)
        site.healer.heal()

        assert drift(Rule) - counted == number

    @pytest.mark.parametrize("command", FAMILIES)
    def test_the_rule_in_dockers_chain(
        self, site: Site, container: Container, caretaker: Caretaker, command: str
    ) -> None:
        """Another program flushes the chain."""
        counted = drift(Rule)
        chain = "DOCKER-USER" if "DOCKER-USER" in site.host.run(command, "-S") else "FORWARD"
        comes_back(site, lambda: site.host.run(command, "-F", chain))
        site.healer.heal()  # a heal that was under way has counted by then

        assert drift(Rule) - counted == 1

    @pytest.mark.parametrize("site", [True], indirect=True)
    def test_new_connections_after_forward_was_emptied(
        self, site: Site, container: Container, caretaker: Caretaker
    ) -> None:
        """Docker puts its jump in again when it starts; its policy would drop everything."""
        site.host.run("iptables", "-F", "FORWARD")
        wait_until(lambda: len(_rules_of(site, "FORWARD")) == 2, "it does not come back")

        works(site, container)

        site.host.run("iptables", "-I", "FORWARD", "-j", "DOCKER-USER")
        site.healer.heal()

        assert len(_rules_of(site, "FORWARD")) == 3
        works(site, container)


class TestQuiet:
    """Changes are told in their order: when the last is heard, all before it have been."""

    @pytest.fixture
    def heard(self, site: Site, container: Container) -> Iterator[list[None]]:
        site.healer.heal()
        told: list[None] = []
        watch = RulesetWatch(lambda: told.append(None))
        yield told
        watch.close()

    def flush_chain(self, site: Site, heard: list[None]) -> None:
        before = len(heard)
        site.host.run("nft", "flush", "chain", "inet", "pynet", "pn_pass")
        wait_until(lambda: len(heard) > before, "it is not heard")

    def test_what_concerns_nobody_wakes_nobody(self, site: Site, heard: list[None]) -> None:
        """Tables of other programs change with every container that these make."""
        site.host.run("nft", "add table inet other")
        site.host.run("nft", "add chain inet other FORWARD")
        site.host.run("nft", "delete table inet other")
        self.flush_chain(site, heard)

        assert len(heard) == 1

    def test_what_it_repairs_does_not_wake_it_again(self, site: Site, heard: list[None]) -> None:
        """It would never end."""
        site.host.run("nft", "delete", "table", "inet", "pynet")
        wait_until(lambda: heard, "it is not heard")

        def heal() -> None:
            name_process()
            site.healer.heal()

        healing = threading.Thread(target=heal)
        healing.start()
        healing.join()
        self.flush_chain(site, heard)

        assert len(heard) == 2

    def test_what_is_whole_is_not_made_again(self) -> None:
        """Nor announced: the kernel counts no change."""
        site = Site()
        with site.host.entered(), nf_tables.conversation() as sock:
            site.container(site.network("blue", *DUAL))
            site.host.run("nft", "delete", "table", "inet", "pynet")
            site.healer.heal()
            before = nf_tables.generation(sock)
            site.healer.heal()

            assert nf_tables.generation(sock) == before
            site.close()


class TestBridges:
    def test_a_bridge_that_docker_makes_is_known(
        self, site: Site, container: Container, caretaker: Caretaker
    ) -> None:
        """Before its first container could ask."""
        site.host.ip("link add br-0123456789ab type bridge")

        wait_until(lambda: "br-0123456789ab" in _docker(site), "it is not known")

    def test_one_that_goes_is_forgotten(
        self, site: Site, container: Container, caretaker: Caretaker
    ) -> None:
        """At once: another program may make a link of that name."""
        site.host.ip("link add br-0123456789ab type bridge")
        wait_until(lambda: "br-0123456789ab" in _docker(site), "it is not known")
        counted = drift(Fact)
        site.host.ip("link delete br-0123456789ab")

        wait_until(lambda: "br-0123456789ab" not in _docker(site), "it is not forgotten")
        site.healer.heal()
        assert drift(Fact) == counted  # nothing was repaired

    def test_one_with_a_name_of_its_own_is_known_by_its_ports(
        self, site: Site, container: Container, caretaker: Caretaker
    ) -> None:
        """As with ``com.docker.network.bridge.name``; forgotten as the others are."""
        site.host.ip("link add dk0 type bridge")
        site.host.ip("link add veth0123abc master dk0 type veth peer name other0")

        wait_until(lambda: "dk0" in _docker(site), "it is not known")
        site.host.ip("link delete dk0")
        wait_until(lambda: "dk0" not in _docker(site), "it is not forgotten")

    def test_a_bridge_of_another_program_is_not_dockers(
        self, site: Site, container: Container, caretaker: Caretaker
    ) -> None:
        """Programs that run virtual machines make such bridges."""
        site.host.ip("link add virbr0 type bridge")
        site.host.ip("link add vnet0 master virbr0 type veth peer name other0")
        site.healer.heal()

        assert "virbr0" not in _docker(site)


def _docker(site: Site) -> set[str]:
    return {fact.bridge for fact in site.firewall.read() if isinstance(fact, DockerBridge)}
