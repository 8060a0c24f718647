"""How long one operation waits for etcd."""

import socket
from collections.abc import Iterator

import pytest

from etcdgw import Client, Settings, parse_members
from ipam.blocks.base import UnavailableError, UnknownOutcomeError
from plugin.addressing.etcd_registry import EtcdRegistry


@pytest.fixture
def silent() -> Iterator[EtcdRegistry]:
    """The registry of a member that takes connections and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as member:
        port = member.getsockname()[1]
        client = Client(Settings(members=parse_members(f"http://127.0.0.1:{port}"), timeout=60))
        yield EtcdRegistry(client)
        client.close()


def test_the_calls_of_an_operation_share_its_time(silent: EtcdRegistry) -> None:
    """A member that answers nothing keeps a call no longer, however many things are asked."""
    bounded = silent.within(0.2)

    with pytest.raises((UnavailableError, UnknownOutcomeError)):
        bounded.commit({"a": None}, {"a": "1"})
    with pytest.raises(UnavailableError, match=r"has not done all of it within 0\.2 s"):
        bounded.read("a")
    with pytest.raises(UnavailableError, match=r"has not done all of it within 0\.2 s"):
        bounded.commit({}, {}, session={"node": "1"})
