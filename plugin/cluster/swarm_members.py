"""Which nodes of a swarm have which of its networks, as etcd has it.

Each node writes one key: its address in the swarm, and the networks that it has.  The key hangs on a short
lease.  So a node that is silent, that is cut off from etcd or has an older pynet, is none that etcd knows, and nobody leaves it out.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from math import ceil
from typing import Final, Self

from etcdgw import Changed, Client, EtcdError, Found, Listed, Lost, News, Watch
from plugin.cluster import followed
from plugin.log import Log
from plugin.model.ids import NetworkID, short
from plugin.model.network import IPAddress

PERIOD: Final = 2.0  # seconds between two words of a node, where nodes are few
_PERIODS: Final = 3  # that a node is known without a word; etcd's minLeaseTTL is 2 s
_CALL_SECONDS: Final = 1.9  # with which the engine has its answer within 3
_END_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 1.0
_log: Final = Log("swarm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node, and the networks that it has."""

    address: IPAddress
    networks: frozenset[NetworkID]

    @property
    def text(self) -> str:
        """What its key has."""
        return " ".join([str(self.address), *sorted(self.networks)])

    @classmethod
    def read(cls, value: bytes) -> Self | None:
        """The node of a key; None if no node wrote that."""
        try:
            address, *networks = value.decode().split(" ")
            return cls(address=ip_address(address), networks=frozenset(map(NetworkID, networks)))
        except ValueError:
            return None


class SwarmMembers:
    """The nodes that etcd knows below ``prefix``; ``host`` is this one, which has the ``networks``.

    Two threads, which ``show`` starts: one shows this node, and one follows the others.
    """

    def __init__(
        self,
        etcd: Client,
        prefix: str,
        host: str,
        networks: Callable[[], Iterable[NetworkID]],
    ) -> None:
        self._etcd = etcd
        self._prefix = prefix.encode()
        self._key = f"{prefix}{host}".encode()
        self._networks = networks
        self._lock = threading.Condition()
        self._own: IPAddress | None = None
        self._shown: Node | None = None
        self._away = False
        self._lease = self._session = 0
        self._nodes: Mapping[bytes, Node] | None = None  # None while etcd tells nothing certain
        self._latest: dict[bytes, Node] = {}
        self._tell: Callable[[], None] = lambda: None
        self._watch: Watch | None = None
        self._threads: list[threading.Thread] = []
        self._due = threading.Event()
        self._ended = threading.Event()

    def having(self, network: NetworkID) -> frozenset[IPAddress]:
        """Nodes that have the network, as far as they were heard of; never waits."""
        with self._lock:
            return frozenset(
                each.address for each in self._latest.values() if network in each.networks
            )

    def lacking(self, network: NetworkID) -> frozenset[IPAddress]:
        """Nodes that certainly do not have the network: they say so, and etcd tells all that happens.  Never waits."""
        with self._lock:
            nodes = tuple((self._nodes or {}).values())
        # Of two that name one address, one may be another swarm's.
        named = Counter(each.address for each in nodes)
        return frozenset(
            each.address
            for each in nodes
            if network not in each.networks and named[each.address] == 1
        )

    def report_to(self, changed: Callable[[], None]) -> None:
        """Call ``changed``, from any thread, when one of the answers may be another one."""
        self._tell = changed

    def show(self, own: IPAddress) -> None:
        """Have other nodes know this one at the address, from now on."""
        with self._lock:
            self._own = own
            if not self._threads and not self._ended.is_set():
                self._threads = [
                    threading.Thread(target=self._repeat, args=each, name=name, daemon=True)
                    for name, each in (
                        ("swarm node", (self._show, self._due)),
                        ("swarm nodes", (self._follow, self._ended)),
                    )
                ]
                for thread in self._threads:
                    thread.start()
        self._due.set()

    def enter(self, network: NetworkID) -> None:
        """Have other nodes know that the network is here; waits for etcd, unless that was away already."""
        self._due.set()
        with self._lock:
            if self._own is None:
                return
            known = self._lock.wait_for(
                lambda: self._away or self._shows(network), timeout=_CALL_SECONDS
            )
            if not known or self._away:
                _log.warning("network.not_shown", network=short(network), seconds=self._session)

    def leave(self) -> None:
        """Have other nodes know, soon, that a network is here no more."""
        self._due.set()

    @property
    def asks_every(self) -> float:
        """Seconds between two questions to etcd whether it tells everything."""
        watch = self._watch
        return 0.0 if watch is None else watch.period

    def close(self) -> None:
        """Show and follow no more: the lease ends by itself."""
        self._ended.set()
        self._due.set()
        with self._lock:
            watch, threads = self._watch, tuple(self._threads)
        if watch is not None:
            watch.close()
        for thread in threads:
            thread.join(_END_SECONDS)

    def _shows(self, network: NetworkID) -> bool:
        return self._shown is not None and network in self._shown.networks

    def _repeat(self, act: Callable[[], None], due: threading.Event) -> None:
        while not self._ended.is_set():
            try:
                act()
            except Exception:  # noqa: BLE001 - a fault must not be the last that is said or heard
                _log.exception("members.fault")
            due.wait(self._period(PERIOD) if due is self._due else _PAUSE_SECONDS)

    def _period(self, shortest: float) -> float:
        return followed.period(len(self._latest), shortest)

    def _show(self) -> None:
        self._due.clear()
        own = self._own
        if own is None:
            return
        wanted = Node(address=own, networks=frozenset(self._networks()))
        try:
            self._write(wanted)
        except EtcdError as error:
            if not self._away:
                _log.warning("node.not_shown", reason=error)
            shown, away = None, True
        else:
            shown, away = wanted, False
        with self._lock:
            self._shown, self._away = shown, away
            self._lock.notify_all()

    def _write(self, wanted: Node) -> None:
        """Write the key, or have its lease begin anew.  Raises EtcdError."""
        session = ceil(_PERIODS * self._period(PERIOD))
        long_enough = self._lease and self._session >= session
        if long_enough and self._etcd.keep_alive(self._lease, timeout=_CALL_SECONDS):
            # What a member took long ago and did late may have undone a later word.
            if wanted == self._shown == self._latest.get(self._key):
                return
        else:
            self._lease = self._etcd.grant(session, timeout=_CALL_SECONDS)
            self._session = session
        self._etcd.put(
            self._key,
            wanted.text.encode(),
            lease=self._lease,
            repeatable=True,
            timeout=_CALL_SECONDS,
        )

    def _follow(self) -> None:
        with self._lock:
            self._watch = watch = self._etcd.watch(self._prefix)
        if self._ended.is_set():
            watch.close()
        for news in watch.news():
            self._take(news)
            watch.ask_every(self._period(1.0))
            self._tell()

    def _take(self, news: News) -> None:
        with self._lock:
            match news:
                case Listed() | Changed():
                    self._latest = followed.after(self._latest, news, Node.read)
                case Lost():
                    _log.warning("nodes.not_heard", reason=news.reason)
                    self._nodes = None
                    return
                case Found():
                    _log.info("nodes.heard_again")
            self._nodes = self._latest
