"""What nodes of a swarm tell each other by etcd, and what is believed while they tell nothing."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from ipaddress import ip_address
from typing import Final

import pytest

from etcdgw import Client, Settings, parse_members
from plugin.cluster import swarm_members
from plugin.cluster.swarm_members import Node, SwarmMembers
from plugin.model.ids import NetworkID
from tests.fakes.etcd import FakeMember
from tests.fakes.etcd_store import EtcdStore
from tests.kernel.netns import wait_until

ONE, TWO, THREE = map(ip_address, ("10.99.0.1", "10.99.0.2", "10.99.0.3"))
RED, BLUE = NetworkID("r" * 25), NetworkID("b" * 25)
PREFIX: Final = "/pynet/1/swarm/"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for seconds here."""
    monkeypatch.setattr(swarm_members, "PERIOD", 0.2)


class Hosts:
    """Hosts of one etcd."""

    def __init__(self, stack: ExitStack) -> None:
        self.store = EtcdStore()
        self._stack = stack
        self._start()

    def _start(self) -> None:
        self.member = FakeMember(self.store)
        self._stack.callback(self.member.close)

    def client(self) -> Client:
        members = parse_members(f"http://127.0.0.1:{self.member.port}")
        return self._stack.enter_context(closing(Client(Settings(members=members, timeout=2.0))))

    def host(self, name: str, networks: set[NetworkID]) -> SwarmMembers:
        made = SwarmMembers(self.client(), PREFIX, name, lambda: tuple(networks))
        return self._stack.enter_context(closing(made))


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    with ExitStack() as stack:
        yield Hosts(stack)


def test_who_has_which_network(hosts: Hosts) -> None:
    """Each difference is told; a network that was entered is known at once, and one that is left soon."""
    networks = {RED}
    here, there = hosts.host("one", {RED}), hosts.host("two", networks)
    told: list[None] = []
    here.report_to(lambda: told.append(None))
    here.show(ONE)
    there.show(TWO)
    wait_until(lambda: here.having(RED) == {ONE, TWO}, "the other host")
    assert here.lacking(BLUE) == {ONE, TWO}
    assert here.lacking(RED) == here.having(BLUE) == frozenset()
    told.clear()
    networks.add(BLUE)
    there.enter(BLUE)

    assert Node.read(hosts.client().list(f"{PREFIX}two".encode()).items[0].value) == Node(
        address=TWO, networks=frozenset({RED, BLUE})
    )
    wait_until(lambda: here.having(BLUE) == {TWO}, "the network")
    assert told
    networks.discard(RED)
    there.leave()
    wait_until(lambda: here.lacking(RED) == {TWO}, "the end of the other")


def test_who_is_silent_is_left_out_of_nothing(hosts: Hosts) -> None:
    """Its session ends."""
    here, there = hosts.host("one", set()), hosts.host("two", set())
    here.show(ONE)
    there.show(TWO)
    wait_until(lambda: here.lacking(RED) == {ONE, TWO}, "the other host")
    there.close()

    wait_until(lambda: here.lacking(RED) == {ONE}, "its end")


def test_who_was_never_heard_is_left_out_of_nothing(hosts: Hosts) -> None:
    """Nor what no host wrote."""
    client = hosts.client()
    for name, value in {"odd": b"\xff", "other": b"", "third": b"nowhere " + RED.encode()}.items():
        client.put(f"{PREFIX}{name}".encode(), value)
    here = hosts.host("one", set())
    here.show(ONE)
    wait_until(lambda: here.lacking(RED) == {ONE}, "the own node")

    assert here.having(RED) == frozenset()


def test_an_address_that_two_name(hosts: Hosts) -> None:
    """One of them is of another swarm: nobody knows whether the node of this one has the network."""
    client = hosts.client()
    for name in ("two", "elsewhere"):
        client.put(f"{PREFIX}{name}".encode(), f"{TWO} {BLUE}".encode())
    here = hosts.host("one", set())
    here.show(ONE)
    wait_until(lambda: here.having(BLUE) == {TWO}, "the others")

    assert here.lacking(RED) == {ONE}


def test_nobody_is_left_out_while_etcd_is_away(hosts: Hosts) -> None:
    """Who has a network is known still, and entering another waits no second time."""
    networks = {BLUE}
    here, there = hosts.host("one", networks), hosts.host("two", {RED})
    here.show(ONE)
    there.show(TWO)
    wait_until(lambda: here.lacking(BLUE) == {TWO}, "the other host")
    hosts.member.close()
    wait_until(lambda: not here.lacking(BLUE), "the loss")
    here.enter(BLUE)

    assert here.having(RED) == {TWO}


def test_a_word_that_was_undone(hosts: Hosts) -> None:
    """A member may do late what it took long ago; the node says it again."""
    here = hosts.host("one", {RED})
    here.show(ONE)
    wait_until(lambda: here.having(RED) == {ONE}, "the own node")
    client, key = hosts.client(), f"{PREFIX}one".encode()
    client.put(key, str(ONE).encode())

    wait_until(lambda: client.list(key).items[0].value == f"{ONE} {RED}".encode(), "its word")
    wait_until(lambda: here.having(RED) == {ONE}, "the own node")


def test_a_session_that_ended(hosts: Hosts) -> None:
    """Begins anew: etcd was away for longer, or has lost everything."""
    here = hosts.host("one", {RED})
    here.show(ONE)
    wait_until(lambda: here.having(RED) == {ONE}, "the own node")
    client = hosts.client()
    for lease in tuple(hosts.store.leases):
        client.revoke(lease)

    wait_until(lambda: here.having(RED) == frozenset(), "the end")
    wait_until(lambda: here.having(RED) == {ONE}, "the next session")


def test_many_nodes_ask_seldom(hosts: Hosts) -> None:
    """All together no more than etcd bears."""
    client = hosts.client()
    for number in range(399):
        client.put(f"{PREFIX}h{number}".encode(), f"10.98.{number // 250}.{number % 250}".encode())
    here = hosts.host("one", set())
    here.show(ONE)

    wait_until(lambda: here.asks_every == 2.0, "another period")
    wait_until(lambda: 6 in {seconds for _, seconds in hosts.store.leases.values()}, "a session")


def test_a_host_that_is_in_no_swarm(hosts: Hosts) -> None:
    """Says nothing, and waits for nothing."""
    here = hosts.host("one", set())
    here.enter(RED)
    here.leave()

    assert hosts.client().list(PREFIX.encode()).items == ()
    assert here.having(RED) == here.lacking(RED) == frozenset()
