"""Every order of calls, also such as no engine makes: each state that they lead to, by its shortest way.

Two ways that end in the same state go on alike.  So all ways are few, and none is too long.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from plugin.errors import PynetError
from plugin.model.ids import IfName
from plugin.model.network import Endpoint, Network, PortBinding
from plugin.model.ports import HostPort
from plugin.model.resources import Resource
from tests.fakes.rig import Rig

Call = tuple[str, *tuple[int, ...]]
Way = tuple[Call, ...]

_SANDBOXES: Final = ("/run/one", "/run/other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the calls are about; ``prepare`` makes the host what it has to be."""

    networks: tuple[Network, ...]
    endpoints: tuple[Endpoint, ...]
    bindings: tuple[PortBinding, ...] = ()
    prepare: Callable[[Rig], object] = lambda _: None

    @property
    def calls(self) -> list[Call]:
        """All that an engine can ask, a tick, a restart and a boot."""
        networks, endpoints = range(len(self.networks)), range(len(self.endpoints))
        found: list[Call] = [
            (name, each) for name in ("create_network", "delete_network") for each in networks
        ]
        names = ("create", "leave", "revoke", "delete", "vanish")
        found += [(name, each) for each in endpoints for name in names]
        found += [("join", each, box) for each in endpoints for box in range(len(_SANDBOXES))]
        if self.bindings:
            found += [("program", each, alone) for each in endpoints for alone in (0, 1)]
        return [*found, ("tick",), ("later",), ("restart",), ("boot",)]


@dataclass(slots=True)
class World:
    """One host after some calls."""

    case: Case
    rig: Rig = field(default_factory=Rig)
    faults: list[str] = field(default_factory=list)

    @classmethod
    def after(cls, case: Case, way: Way) -> "World":
        """The world to which a way leads."""
        world = cls(case)
        case.prepare(world.rig)
        for call in way:
            world.act(call)
        return world

    def act(self, call: Call) -> None:
        """Make the call, which may be refused, and by nothing but a refusal."""
        name, *arguments = call
        try:
            getattr(self, f"_{name}")(*arguments)
        except PynetError:
            pass
        except (Exception, ExceptionGroup) as error:  # noqa: BLE001 - whatever it is, it is a find
            self.faults.append(f"{name} was answered {error!r}")

    def wrong(self) -> list[str]:
        """What does not hold, though every call was answered."""
        listed = {
            HostPort(protocol=port.protocol, address=port.host_ip, port=port.host_port)
            for endpoint in self._endpoints()
            for port in endpoint.published
            if port.host_ip is not None
        }
        found = [
            *self.faults,
            *(f"no record lists {each}" for each in self.rig.kernel.ports - listed),
            *(f"nobody needs {each}" for each in self.rig.inspector.surplus()),
            *(f"{each} is missing" for each in self.rig.wanted() - self._held()),
        ]
        indexed = [self.rig.store.endpoint(each.id) for each in self._endpoints()]
        if indexed != self._endpoints():
            found.append("a record is found in one way and not in another")
        if self._twice():
            found.append("two records list one port")
        return found

    def end(self, how: str) -> list[str]:
        """Delete everything; answers what is left, and whatever went wrong."""
        if how == "after a restart":
            self.act(("restart",))
        if how != "networks alone":
            for number in range(len(self.case.endpoints)):
                self.act(("delete", number))
        for number in range(len(self.case.networks)):
            self.act(("delete_network", number))
        self.act(("tick",))
        rig = self.rig
        left: list[object] = [
            *rig.held(),
            *rig.store.networks(),
            *rig.addresses.bound,
            *rig.addresses.groups,
            *rig.cluster.members,
            *rig.health.conditions,
        ]
        ids = [each.id for each in self.case.endpoints if rig.store.endpoint(each.id)]
        return [*self.faults, *(f"{each} is left" for each in [*left, *ids])]

    def state(self) -> str:
        """What tells this world from others."""
        rig = self.rig
        return repr(
            (
                [(each, rig.store.endpoints(each.id)) for each in rig.store.networks()],
                sorted(map(repr, rig.held())),
                sorted(rig.host.links),
                sorted(rig.host.sandboxed),
                sorted(rig.host.ended_sandboxes),
                sorted(rig.addresses.bound),
                sorted(rig.cluster.members),
            )
        )

    def _create_network(self, number: int) -> None:
        self.rig.networks.create(self.case.networks[number])

    def _delete_network(self, number: int) -> None:
        self.rig.networks.delete(self.case.networks[number].id)

    def _create(self, number: int) -> None:
        self.rig.endpoints.create(self.case.endpoints[number])

    def _join(self, number: int, box: int) -> None:
        """And dockerd takes the link."""
        endpoint = self.case.endpoints[number]
        self.rig.host.ended_sandboxes.discard(_SANDBOXES[box])
        attachment = self.rig.endpoints.join(endpoint.network_id, endpoint.id, _SANDBOXES[box])
        if attachment.src_name in self.rig.host.links:
            self.rig.host.hand_over(attachment.src_name or "")

    def _leave(self, number: int) -> None:
        """And dockerd gives the link back."""
        endpoint = self.case.endpoints[number]
        self.rig.endpoints.leave(endpoint.network_id, endpoint.id)
        link = self._link(endpoint)
        if link in self.rig.host.sandboxed:
            self.rig.host.hand_back(link)

    def _vanish(self, number: int) -> None:
        """The sandbox and its link are gone, without a word; a tick will come."""
        link = self._link(self.case.endpoints[number])
        if link in self.rig.host.sandboxed:
            self.rig.host.hand_back(link)
            self.rig.host.delete_link(link)
            self._tick()

    def _program(self, number: int, alone: int) -> None:
        endpoint = self.case.endpoints[number]
        self.rig.gateways.program(
            endpoint.network_id, endpoint.id, self.case.bindings, no_proxy_6to4=bool(alone)
        )

    def _revoke(self, number: int) -> None:
        endpoint = self.case.endpoints[number]
        self.rig.gateways.revoke(endpoint.network_id, endpoint.id)

    def _delete(self, number: int) -> None:
        endpoint = self.case.endpoints[number]
        self.rig.endpoints.delete(endpoint.network_id, endpoint.id)

    def _tick(self) -> None:
        self.rig.healer.heal()
        self.rig.leases.look_after()
        self.rig.peers.follow()
        self.rig.host_addresses.follow()

    def _later(self) -> None:
        """What is idle has been so for long."""
        self._tick()
        self.rig.now += 10_000
        self._tick()

    def _restart(self) -> None:
        self.rig = self.rig.restarted()

    def _boot(self) -> None:
        """Links, rules and sandboxes are gone."""
        self.rig.host.links.clear()
        self.rig.host.sandboxed.clear()
        self.rig.host.ended_sandboxes |= set(_SANDBOXES)
        self.rig.firewall.remove(list(self.rig.firewall.read()))
        self.case.prepare(self.rig)
        self._restart()
        self._later()

    def _link(self, endpoint: Endpoint) -> IfName:
        record = self.rig.store.endpoint(endpoint.id)
        network = self.rig.store.network(endpoint.network_id)
        if record is None or network is None:
            return IfName("")
        return self.rig.bound.of(network).endpoint_plan(record).handoff or IfName("")

    def _endpoints(self) -> list[Endpoint]:
        store = self.rig.store
        return [each for network in store.networks() for each in store.endpoints(network.id)]

    def _held(self) -> frozenset[Resource]:
        """Also what is in sandboxes."""
        inside = [link.resource for link in self.rig.host.sandboxed.values()]
        return self.rig.held().union(each for each in inside if each)

    def _twice(self) -> bool:
        ports = [port for each in self._endpoints() for port in each.published if port.host_ip]
        keys = [(each.protocol, each.host_ip, each.host_port) for each in ports]
        return len(keys) != len(set(keys))


_ENDS: Final = ("as it is", "after a restart", "networks alone")


def finds(case: Case, *, longest: int = 12) -> Iterator[str]:
    """Everything that is wrong in any state, with the way that leads there."""
    seen = {World.after(case, ()).state()}
    ways: deque[Way] = deque([()])
    while ways:
        before = ways.popleft()
        for call in case.calls:
            way = (*before, call)
            world = World.after(case, way)
            state = world.state()
            if state in seen:
                continue
            seen.add(state)
            yield from (_said(way, each) for each in world.wrong())
            for how in _ENDS:
                yield from (
                    _said(way, f"{each}, {how}") for each in World.after(case, way).end(how)
                )
            if len(way) < longest:
                ways.append(way)


def _said(way: Sequence[Call], what: str) -> str:
    return f"{' -> '.join(' '.join(map(str, call)) for call in way)}: {what}"
