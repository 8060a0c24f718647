"""Marks are set while other calls save and delete: neither undoes the other."""

import threading
from collections.abc import Callable

import pytest

from plugin.model.network import Endpoint, EndpointState, Network, NetworkState
from plugin.store import memory
from plugin.store.memory import MemoryStore
from tests.fakes.values import a_network, an_endpoint

_SOON = 0.05  # what need not wait is done by then

NETWORK = a_network()
ENDPOINT = an_endpoint(NETWORK)


class Beside:
    """Another thread that begins in the middle of a change; it may have to wait for its end."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._thread = threading.Thread(target=act)

    def begin(self) -> None:
        self._thread.start()
        self._thread.join(_SOON)

    def end(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def store() -> MemoryStore:
    found = MemoryStore()
    found.save_network(NETWORK)
    found.save_endpoint(ENDPOINT)
    return found


class TestMarks:
    def test_an_endpoint_stays_marked(
        self, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A save that had looked before the mark does not take it away."""
        marking = Beside(lambda: store.mark_endpoint_deleting(ENDPOINT.id))
        as_kept = memory.endpoint_as_kept

        def looked(endpoint: Endpoint, known: Endpoint | None) -> Endpoint:
            kept = as_kept(endpoint, known)
            marking.begin()
            return kept

        monkeypatch.setattr(memory, "endpoint_as_kept", looked)
        store.save_endpoint(ENDPOINT)
        marking.end()

        found = store.endpoint(ENDPOINT.id)
        assert found is not None
        assert found.deleting

    def test_a_network_stays_marked(
        self, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The same of a network."""
        marking = Beside(lambda: store.mark_network_deleting(NETWORK.id))
        as_kept = memory.network_as_kept

        def looked(network: Network, known: Network | None) -> Network:
            kept = as_kept(network, known)
            marking.begin()
            return kept

        monkeypatch.setattr(memory, "network_as_kept", looked)
        store.save_network(NETWORK)
        marking.end()

        found = store.network(NETWORK.id)
        assert found is not None
        assert found.state is NetworkState.DELETING

    def test_what_is_deleted_is_not_back(
        self, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An endpoint that is deleted while it is marked is listed nowhere, or no tick gets rid of it."""
        deleting = Beside(lambda: store.delete_endpoint(ENDPOINT.id))
        moved = Endpoint.moved

        def looked(endpoint: Endpoint, state: EndpointState) -> Endpoint:
            deleting.begin()
            return moved(endpoint, state)

        monkeypatch.setattr(Endpoint, "moved", looked)
        store.mark_endpoint_deleting(ENDPOINT.id)
        deleting.end()

        assert store.endpoint(ENDPOINT.id) is None
        assert store.endpoints(NETWORK.id) == ()


def test_what_stays_in_its_place_is_found_there_meanwhile(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls on other networks look for endpoints of a sandbox, and wait for no lock."""
    found: list[tuple[Endpoint, ...]] = []
    joined = ENDPOINT.moved(EndpointState.JOINED, sandbox_key="/run/a")
    store.save_endpoint(joined)

    class Seen(dict):  # type: ignore[type-arg]
        def __setitem__(self, key: object, value: object) -> None:
            found.append(store.endpoints_in("/run/a"))
            super().__setitem__(key, value)

    monkeypatch.setattr(store, "_at", Seen(store._at))  # noqa: SLF001 - the moment that is meant
    store.save_endpoint(joined)

    assert found
    assert all(found)
