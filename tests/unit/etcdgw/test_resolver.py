"""Names that are resolved, or not in time."""

import socket
from threading import Event

import pytest

from etcdgw.resolver import Resolver

ENTRY = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 0))


def test_an_address_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the name server does."""
    monkeypatch.delattr(socket, "getaddrinfo")

    assert Resolver().addresses("fd00::1", 1.0) == ["fd00::1"]


def test_a_silent_name_server_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it said last stands in; without that it is said that nothing came."""
    resolver, silence = Resolver(), Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [ENTRY, ENTRY])
    known = resolver.addresses("etcd.example", 60.0)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: silence.wait() and [])

    remembered = resolver.addresses("etcd.example", 0.02)
    with pytest.raises(TimeoutError, match=r"other\.example was not resolved"):
        resolver.addresses("other.example", 0.01)

    silence.set()
    assert known == remembered == ["10.0.0.1"]


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails as it does everywhere."""

    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)

    with pytest.raises(OSError, match="not known"):
        Resolver().addresses("etcd.example", 60.0)
