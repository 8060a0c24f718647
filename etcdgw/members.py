"""Which member is asked first: the one that answered last, and those that failed at the end."""

import random
import time
from collections.abc import Sequence
from typing import Final

from etcdgw.settings import Member

REST: Final = 5.0  # seconds that a member that failed is asked last


class Members:
    """The order in which members are asked; hosts begin with different ones, by chance."""

    def __init__(self, members: Sequence[Member]) -> None:
        first = random.randrange(len(members))  # noqa: S311 - it spreads load
        self._members = (*members[first:], *members[:first])
        self._first = self._members[0]
        self._failed: dict[Member, float] = {}

    def in_order(self) -> list[Member]:
        """All members, the best first."""
        now = time.monotonic()
        failed = self._failed

        def rank(member: Member) -> tuple[bool, bool]:
            return now < failed.get(member, 0.0) + REST, member != self._first

        return sorted(self._members, key=rank)

    def answered(self, member: Member) -> None:
        """Ask this one from now on."""
        if member != self._first or member in self._failed:
            self._failed.pop(member, None)
            self._first = member

    def failed(self, member: Member) -> None:
        """Ask this one last for a while."""
        self._failed[member] = time.monotonic()
