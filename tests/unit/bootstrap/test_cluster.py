"""A host's cluster from its settings: what they mean, and which are refused."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from ipam.pool import PoolRequest
from ipam.settings import Settings
from ipam.store.sqlite import SqliteStore
from plugin.bootstrap.cluster import Cluster, join
from plugin.config import ClusterSettings
from plugin.errors import ClusterAwayError, RefusedError, SettingError
from tests.fakes.etcd import FakeMember
from tests.fakes.etcd_store import EtcdStore

POOL = ip_network("10.50.0.0/16")
PLAIN = ClusterSettings(
    etcd="http://127.0.0.1:1",
    ranges="10.48.0.0/12",
    ca=None,
    certificate=None,
    key=None,
    user="",
    password="",
)


def joined(path: Path, settings: ClusterSettings, host: str = "one") -> Cluster:
    return join(
        settings,
        SqliteStore(path),
        Settings(host_id=host),
        occupied=tuple,
        in_use=lambda _: False,
        of_swarm=tuple,
    )


@pytest.fixture
def member() -> Iterator[FakeMember]:
    """An etcd."""
    made = FakeMember(EtcdStore())
    yield made
    made.close()


def test_two_hosts_share_a_subnet(member: FakeMember, tmp_path: Path) -> None:
    """One that lies in the ranges; each shows that it runs."""
    settings = replace(PLAIN, etcd=f"http://127.0.0.1:{member.port}")
    with (
        closing(joined(tmp_path / "one.db", settings)) as one,
        closing(joined(tmp_path / "two.db", settings, "two")) as two,
    ):
        hosts = (one.allocator, two.allocator)
        pools = [host.request_pool(PoolRequest(prefix=POOL)) for host in hosts]
        given = {host.request_address(pool.id).ip for host, pool in zip(hosts, pools, strict=True)}
        one.attend()

    assert [pool.cluster for pool in pools] == ["default"] * 2
    assert len(given) == 2


def test_a_host_that_is_refused(member: FakeMember, tmp_path: Path) -> None:
    """It has the name of another: nothing is wrong with etcd."""
    settings = replace(PLAIN, etcd=f"http://127.0.0.1:{member.port}")
    with (
        closing(joined(tmp_path / "one.db", settings)) as one,
        closing(joined(tmp_path / "copy.db", settings)) as copy,
    ):
        one.attend()
        with pytest.raises(RefusedError, match="another machine is host one"):
            copy.attend()


def test_an_etcd_that_is_away(tmp_path: Path) -> None:
    """The start does not ask it; what does, says so."""
    with (
        closing(joined(tmp_path / "one.db", PLAIN)) as one,
        pytest.raises(ClusterAwayError, match="etcd is not available"),
    ):
        one.attend()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (replace(PLAIN, etcd="10.0.0.1:2379"), "PYNET_ETCD is '10.0.0.1:2379', expected an etcd"),
        (replace(PLAIN, etcd="http://a,https://b"), "use one of them for all"),
        (replace(PLAIN, ca=Path("/nowhere")), "expected https:// for every member"),
        (replace(PLAIN, etcd="https://a", ca=Path("/nowhere")), "/nowhere"),
        (replace(PLAIN, ranges="10.48.0.1/12"), "PYNET_CLUSTER is '10.48.0.1/12', expected"),
        (replace(PLAIN, ranges="10.208.0.0/16"), "choose other ranges"),
    ],
)
def test_settings_that_are_refused(tmp_path: Path, settings: ClusterSettings, said: str) -> None:
    """With the setting, its value, and what would be right."""
    with pytest.raises(SettingError) as refusal:
        joined(tmp_path / "one.db", settings)

    assert said in str(refusal.value)
