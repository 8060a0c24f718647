"""Trouble between hosts and etcd, between hosts, and among etcd's members, one after the other by chance."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Final

from tests.lab.commands import run
from tests.lab.etcd import MEMBERS, Etcd, peer_port
from tests.lab.host import Host
from tests.lab.namespace import enter

LENGTHS: Final = (1.0, 2.0, 4.0, 8.0)  # seconds; a lease of a host is heard for 30
PAUSES: Final = (0.5, 3.0)
LONG: Final = 20.0  # seconds without any etcd


class Troubles:
    """A thread that makes trouble until ``end``, after which everything is well."""

    def __init__(self, hosts: list[Host], etcd: Etcd, chance: random.Random) -> None:
        self.seen: Counter[str] = Counter()
        self._hosts = hosts
        self._etcd = etcd
        self._chance = chance
        self._ended = threading.Event()
        self._kinds: dict[str, Callable[[float], None]] = {
            "a host cut off from etcd": self._without_etcd,
            "two hosts cut off from each other": self._without_each_other,
            "members cut off from each other": self._members_apart,
            "members stopped": self._stopped,
            "members killed": self._killed,
            "all of etcd stopped": self._all_stopped,
        }
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()
        self._etcd.go_on()

    def _live(self) -> None:
        names = list(self._kinds)
        number = 0
        while not self._ended.wait(self._chance.choice(PAUSES)):
            # Each in turn, so that a short time has all of them, and for how long is chance.
            name = names[number % len(names)]
            number += 1
            self._kinds[name](self._chance.choice(LENGTHS))
            self.seen[name] += 1

    def _without_etcd(self, seconds: float) -> None:
        host = self._chance.choice(self._hosts)
        self._dropping(host.netns, "output", f"ip daddr {self._etcd.address}", seconds)

    def _without_each_other(self, seconds: float) -> None:
        one, other = self._chance.choice(list(combinations(self._hosts, 2)))
        self._dropping(one.netns, "output", f"ip daddr {other.address}", seconds)

    def _members_apart(self, seconds: float) -> None:
        """One hears no other, or none hears another."""
        numbers = self._chance.choice([(0,), (1,), (2,), tuple(range(MEMBERS))])
        ports = ", ".join(str(peer_port(each)) for each in numbers)
        match = f"iifname lo tcp dport {{ {ports} }}"
        self._dropping(self._etcd.netns, "input", match, seconds)

    def _stopped(self, seconds: float) -> None:
        numbers = self._chance.choice([(0,), (1,), (2,), (0, 1), (1, 2)])
        self._etcd.stop(*numbers)
        self._ended.wait(seconds)
        self._etcd.go_on()

    def _killed(self, seconds: float) -> None:
        number = self._chance.randrange(MEMBERS)
        self._etcd.kill(number)
        self._ended.wait(seconds)
        self._etcd.start(number)
        self._etcd.wait_until_well()

    def _all_stopped(self, seconds: float) -> None:
        self._etcd.stop(*range(MEMBERS))
        self._ended.wait(LONG if seconds == LENGTHS[-1] else seconds)
        self._etcd.go_on()

    def _dropping(self, netns: Path, hook: str, match: str, seconds: float) -> None:
        rules = f"type filter hook {hook} priority -300; {match} drop"
        run(enter(netns, "nft", f"table ip cut {{ chain cut {{ {rules}; }}; }}"))
        self._ended.wait(seconds)
        run(enter(netns, "nft", "delete table ip cut"))
