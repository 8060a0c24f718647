"""The other hosts of a network, as etcd has them: each host writes where it is reached when it makes the network.

What etcd has told is kept: an etcd that is away takes no host away.  A process that starts uses what the
network's record has until etcd has told it anything, and so does a host that etcd knows nothing of.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Final, Protocol

from etcdgw import Changed, Event, EventType, Found, Listed, Lost, News, Watch
from plugin.cluster import followed
from plugin.cluster.base import Membership, PeersChange
from plugin.errors import PynetError, RefusedError
from plugin.log import Log
from plugin.model.ids import NetworkID, short
from plugin.model.network import IPAddress, IPNetwork
from plugin.model.tunnels import Terms, is_public_key

_END_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 1.0
_log: Final = Log("etcd")


class Places(Protocol):
    """Where hosts are reached, by the subnet of a network that they share."""

    def agree(self, subnets: Sequence[IPNetwork], terms: Terms, place: str | None) -> int:
        """Have others reach this host there, if they do; the network's number.

        Raises RefusedError, ClusterAwayError.
        """

    def move(self, subnets: Sequence[IPNetwork], place: str) -> None:
        """Have others reach this host there from now on.  Raises RefusedError, StoreError, ClusterAwayError."""

    def watch(self) -> Watch:
        """Every key with such a place, and what becomes of it."""

    def under(self, subnets: Sequence[IPNetwork]) -> bytes:
        """What the keys of one network begin with; the host follows."""


class Etcd:
    """Hosts that share networks by etcd; ``host`` is this one, which ``address`` reaches.

    The first question about a network starts the thread that follows etcd.
    """

    def __init__(self, places: Places, host: str, address: Callable[[], IPAddress | None]) -> None:
        self._shared = places
        self._host = host.encode()
        self._address = address
        self._lock = threading.Lock()
        self._places: dict[bytes, bytes] | None = None
        self._memberships: dict[NetworkID, Membership] = {}
        self._told: dict[NetworkID, dict[IPAddress, str]] = {}
        self._tell: Callable[[PeersChange], None] = lambda _: None
        self._watch: Watch | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    def own_address(self, network: NetworkID) -> IPAddress | None:
        return self._address()

    def agree(self, membership: Membership, terms: Terms) -> int | None:
        local = membership.local
        if local.is_loopback:
            raise RefusedError(
                f"this host reaches etcd from {local}, and other hosts cannot reach it there; give "
                "PYNET_HOST_ADDRESS an address that they can"
            )
        options = {**terms.options, "address_family": f"IPv{local.version}"}
        return self._shared.agree(
            membership.subnets, Terms(options=options, vni=terms.vni), _written(membership)
        )

    def have_alike(self, network: NetworkID, subnets: Sequence[IPNetwork], terms: Terms) -> None:
        self._shared.agree(subnets, terms, None)

    def peers(self, membership: Membership) -> frozenset[IPAddress]:
        with self._lock:
            self._memberships[membership.network] = membership
            found = self._known(membership)
            self._told[membership.network] = found
            if self._thread is None and not self._ended.is_set():
                self._thread = threading.Thread(target=self._follow, name="peers", daemon=True)
                self._thread.start()
            return frozenset(found)

    def lacking(self, membership: Membership) -> frozenset[IPAddress]:
        return frozenset()

    def keys(self, membership: Membership) -> dict[IPAddress, str]:
        with self._lock:
            return self._known(membership)

    def enter(self, membership: Membership) -> None:
        """Tell what was heard while the network was being made."""
        with self._lock:
            self._memberships[membership.network] = membership
        self._tell_changes()

    def leave(self, network: NetworkID) -> None:
        """Do no more than forget: the host leaves when the engine gives the subnet back."""
        with self._lock:
            self._memberships.pop(network, None)
            self._told.pop(network, None)

    def report_to(self, changed: Callable[[PeersChange], None]) -> None:
        self._tell = changed

    @property
    def asks_every(self) -> float:
        """Seconds between two questions to etcd whether it tells everything."""
        watch = self._watch
        return 0.0 if watch is None else watch.period

    def close(self) -> None:
        """Follow no more."""
        self._ended.set()
        with self._lock:
            watch, thread = self._watch, self._thread
        if watch is not None:
            watch.close()
        if thread is not None:
            thread.join(_END_SECONDS)

    def _follow(self) -> None:
        while not self._ended.is_set():
            try:
                self._heard()
            except Exception:  # noqa: BLE001 - a fault must not be the last that is heard
                _log.exception("peers.fault")
            self._ended.wait(_PAUSE_SECONDS)

    def _heard(self) -> None:
        with self._lock:
            self._watch = watch = self._shared.watch()
        if self._ended.is_set():
            watch.close()
        for news in watch.news():
            self._take(news)

    def _take(self, news: News) -> None:
        match news:
            case Listed():
                _say_unreadable(each.value for each in news.items)
            case Changed():
                _say_unreadable(each.kv.value for each in news.events if _is_written(each))
            case Lost():
                _log.warning("peers.not_heard", reason=news.reason)
                return
            case Found():
                _log.info("peers.heard_again")
                return
        with self._lock:
            self._places = followed.after(self._places or {}, news, bytes)
        self._tell_changes()
        self._say_key()
        self._ask_seldom_enough()

    def _ask_seldom_enough(self) -> None:
        """Every host asks its member whether it lives, and all of them have the same etcd."""
        with self._lock:
            watch, hosts = self._watch, {key.rpartition(b"/")[2] for key in self._places or ()}
        if watch is not None:
            watch.ask_every(followed.period(len(hosts), 1.0))

    def _say_key(self) -> None:
        """Tell the others of a key that this host has made since it wrote its place, or has lost."""
        with self._lock:
            places = self._places or {}
            here = {
                network: (each, places.get(self._shared.under(each.subnets) + self._host))
                for network, each in self._memberships.items()
            }
        for network, (membership, place) in here.items():
            wanted = _written(membership)
            if place is None or place.decode(errors="replace") == wanted:
                continue
            try:
                self._shared.move(membership.subnets, wanted)
            except PynetError as error:
                _log.warning("key.not_told", network=short(network), reason=error)

    def _tell_changes(self) -> None:
        with self._lock:
            changes = [
                PeersChange(
                    network=network,
                    added=frozenset(each for each in now if before.get(each) != now[each]),
                    removed=frozenset(before.keys() - now.keys()),
                )
                for network, membership in self._memberships.items()
                if (now := self._known(membership)) != (before := self._told.get(network, {}))
            ]
            for change in changes:
                self._told[change.network] = self._known(self._memberships[change.network])
        for change in changes:
            self._tell(change)

    def _known(self, membership: Membership) -> dict[IPAddress, str]:
        """The other hosts, and what they told; where keys are told, those alone that told one of their own."""
        prefix = self._shared.under(membership.subnets)
        places = self._places or {}
        if prefix + self._host not in places:
            keys = (*membership.recorded_keys, *("" for _ in membership.recorded))
            return dict(zip(membership.recorded, keys, strict=False))
        found = [
            place
            for key, text in sorted(places.items())
            if key.startswith(prefix) and (place := _read(text)) is not None
        ]
        local, taken = membership.local, {"", membership.key}
        known: dict[IPAddress, str] = {}
        for address, told in found:
            if address.version != local.version or address == local:
                continue
            if not membership.key:
                known[address] = ""
            elif told not in taken:
                known[address] = told
                taken.add(told)
        return known


def _is_written(event: Event) -> bool:
    return event.type is not EventType.DELETE


def _written(membership: Membership) -> str:
    """Where this host is reached, and the key that it tells."""
    return f"{membership.local} {membership.key}".rstrip()


def _read(place: bytes) -> tuple[IPAddress, str] | None:
    try:
        address, _, key = place.decode().partition(" ")
        return ip_address(address), key if is_public_key(key) else ""
    except ValueError:
        return None


def _say_unreadable(places: Iterable[bytes]) -> None:
    """Once, when they are heard, and in one line however many another host wrote."""
    odd = [each for each in places if _read(each) is None]
    if odd:
        _log.error("peers.unreadable", place=odd[0][:80], places=len(odd))
