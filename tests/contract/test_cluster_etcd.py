"""Peers by etcd: who has the network, told by change, and kept when nobody tells anything any more."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final

import pytest

from etcdgw import Put
from ipam.pool import Pool, PoolRequest
from plugin.bootstrap.cluster import Cluster
from plugin.cluster.base import Membership, PeersChange
from plugin.errors import ClusterAwayError, RefusedError, SettingError
from plugin.model.ids import NetworkID
from plugin.model.network import IPAddress
from plugin.model.tunnels import Terms
from tests.fakes.etcd import FakeMember
from tests.fakes.etcd_store import EtcdStore
from tests.kernel.netns import wait_until
from tests.unit.bootstrap.test_cluster import PLAIN, joined

POOL: Final = ip_network("10.50.0.0/16")
BLUE: Final = NetworkID("blue")
ONE, TWO, THREE = map(ip_address, ("10.99.0.1", "10.99.0.2", "10.99.0.3"))
TERMS: Final = Terms(options={"mode": "overlay"})


@pytest.fixture
def member() -> Iterator[FakeMember]:
    """An etcd."""
    made = FakeMember(EtcdStore())
    yield made
    made.close()


class Host:
    """One with the network, or without."""

    def __init__(self, cluster: Cluster, local: IPAddress) -> None:
        self.cluster = cluster
        self.etcd = cluster.peers
        self.told: list[PeersChange] = []
        self.part = Membership(network=BLUE, local=local, subnets=(POOL,))
        self._pool: Pool | None = None
        self.etcd.report_to(self.told.append)

    def create(self) -> int | None:
        self._pool = self.cluster.allocator.request_pool(PoolRequest(prefix=POOL))
        number = self.etcd.agree(self.part, TERMS)
        self.etcd.peers(self.part)
        self.etcd.enter(self.part)
        return number

    def remove(self) -> None:
        self.etcd.leave(BLUE)
        if self._pool is not None:
            self.cluster.allocator.release_pool(self._pool.id)
        self.cluster.attend()

    def sees(self, *others: IPAddress) -> None:
        wait_until(lambda: self.etcd.peers(self.part) == set(others), f"others than {others}")


@pytest.fixture
def hosts(member: FakeMember, tmp_path: Path) -> Iterator[list[Host]]:
    """Three hosts, none of which has the network."""
    settings = replace(PLAIN, etcd=f"http://127.0.0.1:{member.port}")
    made = [
        Host(joined(tmp_path / f"{local}.db", settings, f"host{local}"), local)
        for local in (ONE, TWO, THREE)
    ]
    yield made
    for host in made:
        host.cluster.close()


def test_who_has_the_network(hosts: list[Host]) -> None:
    """And no other host, however many there are; each difference is told once."""
    one, two, three = hosts
    assert one.create() == two.create()
    one.sees(TWO)
    two.sees(ONE)
    three.create()
    two.sees(ONE, THREE)
    one.told.clear()
    two.remove()
    one.sees(THREE)

    gone = PeersChange(network=BLUE, removed=frozenset({TWO}))
    wait_until(lambda: one.told == [gone], f"not told, but {one.told}")


def _key(number: int) -> str:
    return b64encode(bytes([number] * 32)).decode()


def test_hosts_tell_their_keys(hosts: list[Host]) -> None:
    """Each is told with its host; one that has another key says so, and the rest are told."""
    one, two, three = hosts
    for number, host in enumerate(hosts):
        host.part = replace(host.part, key=_key(number))
    one.create()
    two.create()
    one.sees(TWO)
    assert one.etcd.keys(one.part) == {TWO: _key(1)}
    one.told.clear()
    two.part = replace(two.part, key=_key(7))
    two.etcd.enter(two.part)
    three.create()
    one.sees(TWO, THREE)

    wait_until(lambda: one.etcd.keys(one.part) == {TWO: _key(7), THREE: _key(2)}, "the new key")
    assert any(TWO in each.added for each in one.told)


@pytest.mark.parametrize(
    "place", [b"10.99.0.2", b"10.99.0.2 AAAA", b"10.99.0.2 " + _key(0).encode(), b"\xff"]
)
def test_who_tells_no_key(hosts: list[Host], place: bytes) -> None:
    """Is nobody to encrypt for: no key, half a one, or one that is another's."""
    one, _, _ = hosts
    one.part = replace(one.part, key=_key(0))
    one.create()
    one.cluster.etcd.put(b"/pynet/1/places/10.50.0.0-16/host2", place)
    one.cluster.etcd.put(b"/pynet/1/places/10.50.0.0-16/host3", f"{THREE} {_key(3)}".encode())
    one.sees(THREE)

    assert one.etcd.keys(one.part) == {THREE: _key(3)}


def test_keys_that_were_told_are_kept(hosts: list[Host], member: FakeMember) -> None:
    """A process that starts while etcd is away has those of the record."""
    *_, three = hosts
    member.close()
    part = replace(three.part, key=_key(2), recorded=(ONE, TWO), recorded_keys=(_key(0), _key(1)))

    assert three.etcd.keys(part) == {ONE: _key(0), TWO: _key(1)}


def test_nothing_is_lost_with_etcd(hosts: list[Host], member: FakeMember) -> None:
    """A host that knew others knows them still; one that starts has them from the record."""
    one, two, three = hosts
    one.create()
    two.create()
    one.sees(TWO)
    member.close()

    assert one.etcd.peers(one.part) == {TWO}
    assert three.etcd.peers(replace(three.part, recorded=(ONE, TWO))) == {ONE, TWO}
    with pytest.raises(ClusterAwayError):
        three.etcd.agree(three.part, TERMS)


@pytest.mark.parametrize(("hosts_there", "period"), [(1000, 5.0), (2500, 10.0)])
def test_all_hosts_together_ask_no_more_than_etcd_bears(
    hosts: list[Host], hosts_there: int, period: float
) -> None:
    """Each once a second while they are few; with a thousand each less often, but no name makes it seldom."""
    one, *_ = hosts
    one.create()
    wait_until(lambda: one.etcd.asks_every == 1.0, "another period")
    for first in range(0, hosts_there - 1, 100):
        one.cluster.etcd.txn(
            [],
            [
                Put(key=b"/pynet/1/places/10.60.0.0-16/h%d" % each, value=b"10.98.0.1")
                for each in range(first, min(first + 100, hosts_there - 1))
            ],
        )

    wait_until(lambda: one.etcd.asks_every == period, "still as often")


def test_places_that_cannot_be_read(hosts: list[Host], caplog: pytest.LogCaptureFixture) -> None:
    """Are said once, when they are heard, and not with all that is heard after them."""
    one, *_ = hosts
    one.create()
    one.cluster.etcd.put(b"/pynet/1/places/10.50.0.0-16/odd", b"nowhere")
    for address in (TWO, THREE):
        one.cluster.etcd.put(
            f"/pynet/1/places/10.50.0.0-16/{address}".encode(), b"%s" % str(address).encode()
        )
    one.sees(TWO, THREE)

    assert caplog.text.count("peers.unreadable") == 1


@pytest.mark.parametrize("key", [b"blocks/10.50.0.0-16/\xff", b"places/\xff", b"kept/\xff/\xff"])
def test_what_is_no_text(hosts: list[Host], key: bytes) -> None:
    """No host wrote it, and it keeps none from its network."""
    one, two, _ = hosts
    one.cluster.etcd.put(b"/pynet/1/" + key, b"\xff")
    assert one.create() == two.create()
    one.cluster.attend()

    one.sees(TWO)


def test_an_etcd_that_has_lost_everything(hosts: list[Host], member: FakeMember) -> None:
    """It knows nothing of this host either, and is not believed."""
    one, two, _ = hosts
    one.create()
    two.create()
    one.sees(TWO)
    for key in _places(member):
        one.cluster.etcd.delete(key)
    one.sees()

    assert one.etcd.peers(replace(one.part, recorded=(TWO,))) == {TWO}


def _places(member: FakeMember) -> list[bytes]:
    return [key for key in member.store.keys if key.startswith(b"/pynet/1/places/")]


def test_what_is_refused(hosts: list[Host]) -> None:
    """An address that others cannot reach, a subnet that is not shared here, another family."""
    one, two, three = hosts
    with pytest.raises(RefusedError, match="PYNET_HOST_ADDRESS"):
        one.etcd.agree(replace(one.part, local=ip_address("127.0.0.1")), TERMS)
    with pytest.raises(RefusedError, match=r"10\.50.0.0/16 is not the cluster's on this host"):
        three.etcd.agree(three.part, TERMS)
    one.create()
    two.part = replace(two.part, local=ip_address("fd00::2"))
    with pytest.raises(RefusedError, match=r"address_family of .* is 'IPv4' in .* and 'IPv6' here"):
        two.create()


def test_a_network_of_each_host(hosts: list[Host]) -> None:
    """Has the options of the others, or is refused with both values; it makes no peers."""
    one, two, three = hosts
    terms = Terms(options={"mode": "bridge", "icc": "false"})
    for host in (one, two):
        host.cluster.allocator.request_pool(PoolRequest(prefix=POOL))
        host.etcd.have_alike(BLUE, [POOL], terms)

    with pytest.raises(RefusedError, match=r"icc of .* is 'false' in the cluster and not set here"):
        two.etcd.have_alike(BLUE, [POOL], Terms(options={"mode": "bridge"}))
    with pytest.raises(RefusedError, match=r"mode of .* is 'bridge' in the cluster and 'overlay'"):
        three.create()
    assert one.etcd.peers(one.part) == set()


def test_the_hosts_own_address(member: FakeMember, tmp_path: Path) -> None:
    """The one that was given; else that from which etcd is reached, which nobody knows before."""
    settings = replace(PLAIN, etcd=f"http://127.0.0.1:{member.port}")
    with closing(joined(tmp_path / "one.db", settings)) as one:
        assert one.peers.own_address(BLUE) is None
        one.attend()
        assert one.peers.own_address(BLUE) == ip_address("127.0.0.1")
    with closing(joined(tmp_path / "two.db", replace(settings, address="10.99.0.7"))) as two:
        assert two.peers.own_address(BLUE) == ip_address("10.99.0.7")


@pytest.mark.parametrize("text", ["web1", "0.0.0.0", "127.0.0.1", "ff02::1"])
def test_an_address_that_is_none(tmp_path: Path, text: str) -> None:
    """Said at the start."""
    with pytest.raises(SettingError, match="PYNET_HOST_ADDRESS is"):
        joined(tmp_path / "one.db", replace(PLAIN, address=text))
