"""Leases of DHCP servers: shown, renewed before their time, and given back."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from plugin.errors import RefusedError
from plugin.model.leases import LeaseRecord, Moment
from plugin.model.network import NetworkState
from plugin.service.boot_clock import moment
from plugin.service.bound_networks import BoundNetworks
from plugin.service.leases import Leases
from plugin.service.locks import Locks
from plugin.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class DhcpLeases:
    """All networks' leases."""

    store: Store
    bound: BoundNetworks
    leases: Leases
    locks: Locks

    def view(self) -> list[dict[str, Any]]:
        """A row for each lease; times are seconds from now, and none of a lease without end."""
        now = moment()
        return [_row(record, now) for record in self._records()]

    def renew(self, which: str) -> list[dict[str, Any]]:
        """Ask the servers of some leases now; answers which.  Raises RefusedError."""
        held = [each for each in self._found(which) if not each.is_resting]
        if not held:
            raise RefusedError(
                f"no container has {which} now; its address is asked for when it starts"
            )
        found = [each for each in held if each.lease.seconds is not None]
        if not found:
            raise RefusedError(
                f"the lease of {held[0].lease.address.ip} never ends, so there is nothing to renew; disconnect "
                "the container and connect it again to have its server asked"
            )
        for record in found:
            with self.locks.hold(record.network_id):
                network = self.store.network(record.network_id)
                if network:
                    self.leases.renew(self.bound.as_readable(network), record)
        now = moment()
        return [_row(record, now) for record in found]

    def forget(self, which: str) -> list[dict[str, Any]]:
        """Give leases back that rest; answers which.  Raises RefusedError for one that is held."""
        found, now = self._found(which), moment()
        held = [str(each.lease.address.ip) for each in found if not each.is_resting]
        if held:
            raise RefusedError(f"{held[0]} is held by a container; remove the container first")
        for record in found:
            with self.locks.hold(record.network_id):
                network = self.store.network(record.network_id)
                if network:
                    self.leases.forget(self.bound.as_readable(network), record)
        return [_row(record, now) for record in found]

    def states(self) -> dict[str, int]:
        """How many leases are in each state."""
        return {"held": 0, "resting": 0} | Counter(map(_state, self._records()))

    def _records(self) -> list[LeaseRecord]:
        return [
            record
            for network in self.store.networks()
            if network.state is NetworkState.ACTIVE
            for record in self.store.leases(network.id)
        ]

    def _found(self, which: str) -> list[LeaseRecord]:
        """By address, MAC address, the name that the server was told, or the endpoint's id."""
        found = [
            each
            for each in self._records()
            if which
            and which.lower()
            in {
                str(each.lease.address.ip),
                each.lease.identity.mac,
                (each.lease.identity.host_name or "").lower(),
                each.endpoint_id,
            }
        ]
        if not found:
            raise RefusedError(f"no lease is known by {which!r}; `pynet leases` lists them")
        return found


def _state(record: LeaseRecord) -> str:
    return "resting" if record.is_resting else "held"


def _row(record: LeaseRecord, now: Moment) -> dict[str, Any]:
    lease = record.lease_in(now)
    facts, age = lease.facts, now.boottime - lease.obtained
    timed = lease.seconds is not None
    return {
        "network": record.network_id,
        "endpoint": record.endpoint_id or "",
        "name": lease.identity.host_name or "",
        "seat": record.seat,
        "mac_address": lease.identity.mac,
        "client_id": lease.identity.client_id.hex(),
        "address": str(lease.address),
        "server": str(lease.server),
        "state": _state(record),
        "renews_in": round(lease.t1 - age) if timed and not record.is_resting else None,
        "ends_in": round(lease.seconds - age) if lease.seconds is not None else None,
        "router": str(facts.router or ""),
        "dns": [str(each) for each in facts.dns],
        "ntp": [str(each) for each in facts.ntp],
        "domain": facts.domain or "",
        "search": list(facts.search),
    }
