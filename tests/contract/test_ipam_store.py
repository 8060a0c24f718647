"""What every store of ipam must do, whatever it is made of."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ipam.lease import ANONYMOUS, Kind, Lease, Owner, State
from ipam.pool import GLOBAL, LOCAL, Pool, Tenant, pool_id
from ipam.prefixes import parse_address, parse_prefix, parse_range
from ipam.reservation import Reservation
from ipam.store.base import Store, Transaction
from ipam.store.memory import MemoryStore
from ipam.store.sqlite import SqliteStore

WEB = Owner(name="web", mac="02:42:0a:01:02:03", tag="front")
WEB_ALONE = Owner(name="web")


@pytest.fixture(params=[lambda _: MemoryStore(), lambda path: SqliteStore(path / "ipam.db")])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    make: Callable[[Path], Store] = request.param
    store = make(tmp_path)
    yield store
    store.close()


def a_pool(prefix: str = "10.1.2.0/24", tenant: str = "") -> Pool:
    network = parse_prefix(prefix)
    return Pool(
        id=pool_id(LOCAL, Tenant(tenant), network),
        space=LOCAL,
        tenant=Tenant(tenant),
        prefix=network,
        ranges=(parse_range("10.1.2.128/25"), parse_range("10.1.2.7")),
        exclusions=(parse_range("10.1.2.200-10.1.2.210"),),
        group="lan",
        cluster="site",
        owner="another",
        network="net1",
        released=True,
        requested=5.5,
    )


def a_lease(address: str, **changes: object) -> Lease:
    lease = Lease(
        pool=a_pool().id,
        address=parse_address(address),
        kind=Kind.ENDPOINT,
        state=State.RESERVED,
        owner=ANONYMOUS,
        since=10.0,
    )
    return replace(lease, **changes)


def put(store: Store, *things: Pool | Lease | Reservation) -> None:
    """Keep these, in one operation."""

    def operation(stored: Transaction) -> None:
        for thing in things:
            match thing:
                case Pool():
                    stored.pools.put(thing)
                case Lease():
                    stored.leases.put(thing)
                case Reservation():
                    stored.reservations.put(thing)

    store.run(operation)


def _change_everything_and_fail(stored: Transaction) -> None:
    lease = a_lease("10.1.2.3")
    stored.leases.put(replace(lease, state=State.BOUND))
    stored.leases.add(a_lease("10.1.2.4"))
    stored.pools.put(a_pool("10.9.0.0/24"))
    stored.leases.remove(lease.pool, lease.address)
    stored.pools.remove(a_pool().id)
    stored.reservations.put(Reservation(address=parse_address("10.1.2.9"), owner=WEB_ALONE))
    raise ZeroDivisionError


class TestRun:
    def test_what_a_failing_operation_did_is_undone(self, store: Store) -> None:
        """Half of a change is never kept."""
        put(store, a_pool(), a_lease("10.1.2.3"))
        revision = store.run(lambda stored: stored.pools.revision(LOCAL))

        with pytest.raises(ZeroDivisionError):
            store.run(_change_everything_and_fail)

        assert list(store.leases(a_pool().id)) == [a_lease("10.1.2.3")]
        assert store.run(lambda stored: stored.pools.held(LOCAL)) == [a_pool()]
        assert store.run(lambda stored: stored.reservations.all()) == []
        assert store.run(lambda stored: stored.pools.revision(LOCAL)) == revision

    @pytest.mark.parametrize("on_disk", [True, False])
    def test_the_answer_is_the_operation_s(self, store: Store, *, on_disk: bool) -> None:
        """And what it changed can be read by every later operation."""

        def operation(stored: Transaction) -> str:
            stored.pools.put(a_pool())
            return "done"

        assert store.run(operation, on_disk=on_disk) == "done"
        store.sync()
        assert store.run(lambda stored: stored.pools.held(LOCAL)) == [a_pool()]

    def test_revision_tells_of_pools_and_reservations_of_the_space(self, store: Store) -> None:
        """An allocator reads them again when another one changed them, and not for leases."""
        reservation = Reservation(address=parse_address("10.1.2.9"), owner=WEB_ALONE)

        def operation(stored: Transaction) -> None:
            seen = [stored.pools.revision(LOCAL)]
            for change in (
                lambda: stored.pools.put(a_pool()),
                lambda: stored.reservations.put(reservation),
                lambda: stored.reservations.remove(reservation),
                lambda: stored.pools.remove(a_pool().id),
            ):
                change()
                seen.append(stored.pools.revision(LOCAL))
            stored.pools.put(a_pool())
            before = stored.pools.revision(LOCAL)
            stored.leases.put(a_lease("10.1.2.3"))

            assert len(set(seen)) == 5
            assert stored.pools.revision(LOCAL) == before
            assert stored.pools.revision(GLOBAL) == 0

        store.run(operation)


class TestPools:
    def test_a_pool_comes_back_as_it_was_put(self, store: Store) -> None:
        """Nothing of a pool is lost or changed on the way."""
        put(store, a_pool(), a_pool("fd00::/64", tenant="blue"))

        held = store.run(lambda stored: stored.pools.held(LOCAL))

        assert held == [a_pool(), a_pool("fd00::/64", tenant="blue")]
        assert store.run(lambda stored: stored.pools.held(GLOBAL)) == []

    def test_putting_a_pool_again_keeps_its_leases(self, store: Store) -> None:
        """A network that claims its pool does not lose its addresses."""
        put(store, a_pool(), a_lease("10.1.2.3"))
        put(store, replace(a_pool(), network=None, released=False, requested=6.0))

        addresses = store.run(lambda stored: stored.leases.addresses(a_pool().id))

        assert addresses == [parse_address("10.1.2.3")]
        assert store.run(lambda stored: stored.pools.held(LOCAL))[0].requested == 6.0

    def test_removing_a_pool_removes_its_leases(self, store: Store) -> None:
        """A pool that is held again later starts empty."""
        put(store, a_pool(), a_lease("10.1.2.3"))

        def operation(stored: Transaction) -> None:
            stored.pools.remove(a_pool().id)
            stored.pools.remove(a_pool().id)
            stored.pools.put(a_pool())

        store.run(operation)

        assert store.run(lambda stored: stored.leases.addresses(a_pool().id)) == []


class TestLeases:
    @pytest.fixture(autouse=True)
    def _pool(self, store: Store) -> None:
        put(store, a_pool())

    def test_a_lease_comes_back_as_it_was_put(self, store: Store) -> None:
        """Nothing of a lease is lost or changed on the way."""
        lease = a_lease(
            "10.1.2.3", kind=Kind.GATEWAY, state=State.BOUND, owner=WEB, until=7.5, endpoint="e1"
        )
        put(store, lease)

        assert store.run(lambda stored: stored.leases.get(lease.pool, lease.address)) == lease

    def test_an_address_is_added_once(self, store: Store) -> None:
        """This is what makes a double allocation impossible."""
        first = store.run(lambda stored: stored.leases.add(a_lease("10.1.2.3")))
        second = store.run(lambda stored: stored.leases.add(a_lease("10.1.2.3", owner=WEB)))

        assert (first, second) == (True, False)
        (held,) = store.leases(a_pool().id)
        assert held.owner == ANONYMOUS

    def test_leases_are_listed_by_address(self, store: Store) -> None:
        """A list for people is in the order of addresses."""
        put(store, a_lease("10.1.2.30"), a_lease("10.1.2.4"), a_lease("10.1.2.200"))

        listed = [str(lease.address) for lease in store.leases(a_pool().id)]

        assert listed == ["10.1.2.4", "10.1.2.30", "10.1.2.200"]

    def test_addresses_end_with_the_latest(self, store: Store) -> None:
        """After a restart the choice goes on behind it."""
        put(store, a_lease("10.1.2.4", since=3.0), a_lease("10.1.2.9", since=1.0))

        addresses = store.run(lambda stored: stored.leases.addresses(a_pool().id))

        assert [str(address) for address in addresses] == ["10.1.2.9", "10.1.2.4"]

    @pytest.mark.parametrize(
        "owner", [Owner(name="web"), Owner(mac="02:42:0a:01:02:03"), Owner(tag="front")]
    )
    def test_an_owner_is_found_by_any_mark(self, store: Store, owner: Owner) -> None:
        """A name, a MAC or a tag is enough."""
        lease = a_lease("10.1.2.3", owner=WEB)
        put(store, a_lease("10.1.2.4", owner=Owner(name="db")), lease)

        assert store.run(lambda stored: stored.leases.of_owner(lease.pool, owner)) == lease

    @pytest.mark.parametrize(
        "changes", [{"state": State.BOUND}, {"kind": Kind.GATEWAY}, {"owner": Owner(name="db")}]
    )
    def test_an_owner_is_not_given_what_is_in_use_or_another_s(
        self, store: Store, changes: dict[str, object]
    ) -> None:
        """Two containers of one name never share an address."""
        put(store, a_lease("10.1.2.3", **{"owner": WEB, **changes}))

        assert store.run(lambda stored: stored.leases.of_owner(a_pool().id, WEB_ALONE)) is None

    def test_the_owner_s_latest_lease_is_found(self, store: Store) -> None:
        """The address had last is the one to have again."""
        for address, since in (("10.1.2.3", 2.0), ("10.1.2.4", 9.0), ("10.1.2.5", 4.0)):
            put(store, a_lease(address, owner=WEB, since=since))

        found = store.run(lambda stored: stored.leases.of_owner(a_pool().id, WEB_ALONE))

        assert found is not None
        assert str(found.address) == "10.1.2.4"

    def test_the_resting_lease_that_ends_first_is_found(self, store: Store) -> None:
        """An exhausted pool gives away the address that rested longest."""
        put(store, a_lease("10.1.2.3", until=1.0))
        put(store, a_lease("10.1.2.4", state=State.RESTING, until=9.0))
        put(store, a_lease("10.1.2.5", state=State.RESTING, until=4.0))

        found = store.run(lambda stored: stored.leases.first_resting(a_pool().id))

        assert found is not None
        assert str(found.address) == "10.1.2.5"

    def test_due_leases_are_those_that_end_by_now(self, store: Store) -> None:
        """A lease without an end never ends by itself."""
        for address, until in (("10.1.2.3", 5.0), ("10.1.2.4", None), ("10.1.2.5", 5.1)):
            put(store, a_lease(address, until=until))
        put(store, a_lease("10.1.2.6", until=1.0))

        due = store.run(lambda stored: stored.leases.due(LOCAL, 5.0, 10))

        assert [str(lease.address) for lease in due] == ["10.1.2.6", "10.1.2.3"]
        assert len(store.run(lambda stored: stored.leases.due(LOCAL, 5.0, 1))) == 1
        assert store.run(lambda stored: stored.leases.due(GLOBAL, 5.0, 10)) == []

    def test_leases_are_counted_by_state(self, store: Store) -> None:
        """How full a pool is costs no list of its leases."""
        put(store, a_lease("10.1.2.3", state=State.BOUND))
        put(store, a_lease("10.1.2.4", state=State.BOUND))
        put(store, a_lease("10.1.2.5", state=State.RESTING))

        count = store.run(lambda stored: stored.leases.count(a_pool().id))

        assert dict(count) == {State.BOUND: 2, State.RESTING: 1}

    def test_removing_an_unknown_lease_does_nothing(self, store: Store) -> None:
        """A release may be repeated."""
        address = parse_address("10.1.2.3")
        put(store, a_lease("10.1.2.3"))
        for _ in range(2):
            store.run(lambda stored: stored.leases.remove(a_pool().id, address))

        assert store.run(lambda stored: stored.leases.get(a_pool().id, address)) is None
