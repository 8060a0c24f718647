"""Clients that do not take an offer at once: to look for a server, or to have the offer saved first."""

from collections.abc import Callable
from random import Random

from plugin.dhcp import timing
from plugin.dhcp.client import Client, Taken
from plugin.dhcp.client4 import Client4
from plugin.dhcp.client6 import Client6
from plugin.dhcp.frames6 import Speaker
from plugin.dhcp.states import Action, Offered, State
from plugin.dhcp.values import AnyWish, Wish
from plugin.model.leases import Lease


class LookingClient4(Client4):
    """Never takes one."""

    def _choose(self, offer: Lease, now: float) -> list[Action]:
        self.stop()
        return [Offered(offer=offer, over=True)]


class _Holding(Client):
    """Takes its first one when it is told to, so that it can be saved before anything is granted."""

    def _choose(self, offer: Lease, now: float) -> list[Action]:
        if self.held is not None:
            return self._accept(offer, now)
        self.held = offer
        self.state, self.due = State.OFFERED, now + timing.OFFER_PATIENCE
        return [Offered(offer=offer, over=False)]


class HoldingClient4(_Holding, Client4):
    """For IPv4."""


class HoldingClient6(_Holding, Client6):
    """For IPv6; what a router's prefix gives nobody offers."""


def client_for(
    wish: AnyWish,
    chance: Random,
    taken: Taken,
    speaker: Callable[[], Speaker | None],
    *,
    holds: bool,
) -> Client4 | Client6:
    """The client of a container, which holds its first offer or takes it."""
    if isinstance(wish, Wish):
        return (HoldingClient4 if holds else Client4)(wish, chance, taken)
    return (HoldingClient6 if holds else Client6)(wish, chance, speaker, taken)
