"""A new kind of host object needs a value, a handler, its line in the table and its place in the order."""

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any, Final, cast

import pytest

from plugin.errors import RefusedError
from plugin.firewall.none import NoFirewall
from plugin.kernel import linux
from plugin.kernel.handler import Handler, OneByOne, Session
from plugin.kernel.handlers import Parts, handlers
from plugin.kernel.linux import LinuxKernel
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink import route_messages as routes
from plugin.model import plan
from plugin.model.diff import Delta
from plugin.model.ids import IfName, Key, MacAddress
from plugin.model.links import Bridge
from plugin.model.plan import Plan
from plugin.model.resources import HostResource
from plugin.service.reconcile import Reconciler
from tests.kernel.netns import Netns

PROTOCOL: Final = 0x71
MAIN: Final = 254  # linux/rtnetlink.h
BLACKHOLE: Final = 6
PROHIBIT: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """A prefix that nobody is to reach, silently or not."""

    prefix: IPv4Network
    silent: bool = True

    @property
    def key(self) -> Key:
        return ("unreachable", self.prefix)


class UnreachableHandler(OneByOne[Unreachable]):
    """Routes that lead nowhere, known by their protocol number."""

    def ensure_one(self, session: Session, value: Unreachable) -> None:
        if value.prefix.is_loopback:
            raise RefusedError(f"{value.prefix} is the host itself")
        flags = raw.NLM_F_ACK | raw.NLM_F_CREATE | raw.NLM_F_REPLACE
        session.rtnl.ask(routes.RTM_NEWROUTE, flags, route(value))

    def remove_one(self, session: Session, value: Unreachable) -> None:
        if self.read_one(session, value) is not None:
            session.rtnl.ask(routes.RTM_DELROUTE, raw.NLM_F_ACK, route(value))

    def read_one(self, session: Session, value: Unreachable) -> Unreachable | None:
        return next((each for each in self.read_all(session) if each.key == value.key), None)

    def read_all(self, session: Session) -> Iterable[Unreachable]:
        wanted = routes.own_routes(socket.AF_INET, PROTOCOL)
        for body in session.rtnl.dump(routes.RTM_GETROUTE, wanted):
            _, length, _, _, _, protocol, _, kind, _ = routes.RTMSG.unpack_from(body)
            address = raw.find(body, routes.RTMSG.size, routes.RTA_DST)
            if protocol == PROTOCOL and address is not None:
                yield Unreachable(prefix=IPv4Network((address, length)), silent=kind == BLACKHOLE)


def route(value: Unreachable) -> bytes:
    kind = BLACKHOLE if value.silent else PROHIBIT
    length = value.prefix.prefixlen
    head = routes.RTMSG.pack(socket.AF_INET, length, 0, 0, MAIN, PROTOCOL, 0, kind, 0)
    return head + raw.attribute(routes.RTA_DST, value.prefix.network_address.packed)


def unreachable(prefix: str, *, silent: bool = True) -> HostResource:
    """One of those that the model will name when the kind is pynet's."""
    return cast(HostResource, Unreachable(prefix=IPv4Network(prefix), silent=silent))


BRIDGE: Final = Bridge(
    ifname=IfName("pnb-1"), mac_address=MacAddress("02:00:00:00:00:01"), mtu=1500, owner="n1"
)
LOUD: Final = unreachable("10.7.0.0/24", silent=False)
SILENT: Final = unreachable("10.8.0.0/24")


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line in the table, and the place in the order."""

    def with_one_more(parts: Parts) -> Mapping[type, Handler[Any]]:
        return {**handlers(parts), Unreachable: UnreachableHandler()}

    monkeypatch.setattr(linux, "handlers", with_one_more)
    monkeypatch.setattr(plan, "ORDER", (*plan.ORDER, Unreachable))


@pytest.fixture
def reconciler(known: None, netns: Netns) -> Iterable[Reconciler]:
    kernel = LinuxKernel()
    yield Reconciler(kernel, NoFirewall("it is not needed here"))
    kernel.close()


def drift(reconciler: Reconciler, *wanted: HostResource) -> Delta:
    return reconciler.compare(frozenset(wanted))


def test_it_comes_and_goes_with_a_plan(reconciler: Reconciler) -> None:
    """The reconciler makes, reads, sweeps and removes what it has never heard of."""
    whole = Plan(resources=frozenset({BRIDGE, LOUD, SILENT}))
    assert drift(reconciler, LOUD, SILENT).missing == {LOUD, SILENT}
    reconciler.apply(whole)

    assert not drift(reconciler, LOUD, SILENT)
    assert reconciler.kernel.read_all() == {BRIDGE, LOUD, SILENT}
    reconciler.remove(whole)
    assert reconciler.kernel.read_all() == frozenset()
    reconciler.remove(whole)  # whatever is not there is passed over


def test_what_differs_is_repaired(reconciler: Reconciler) -> None:
    """It is distinguished by its key, and compared by its value."""
    reconciler.apply(Plan(resources=frozenset({LOUD})))
    silenced = unreachable("10.7.0.0/24")
    assert drift(reconciler, silenced) == Delta(changed=frozenset({silenced}))
    reconciler.remove_unwanted([LOUD])
    reconciler.repair([silenced])

    assert not drift(reconciler, silenced)


def test_nothing_is_left_of_a_plan_that_it_ends(reconciler: Reconciler) -> None:
    """What was made before goes, and what the handler did not come to is not touched."""
    refused = unreachable("127.0.0.0/24")
    with pytest.raises(RefusedError, match="is the host itself"):
        reconciler.apply(Plan(resources=frozenset({BRIDGE, refused})))

    assert reconciler.kernel.read_all() == frozenset()
