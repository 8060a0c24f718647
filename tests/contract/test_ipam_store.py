"""What every store of ipam must do, whatever it is made of."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ipam.lease import ANONYMOUS, Kind, Lease, Owner, State
from ipam.pool import GLOBAL, LOCAL, NO_TENANT, Pool, Tenant, pool_id
from ipam.prefixes import parse_address, parse_prefix, parse_range
from ipam.reservation import Reservation
from ipam.store.base import Store
from ipam.store.memory import MemoryStore
from ipam.store.sqlite import SqliteStore

WEB = Owner(name="web", mac="02:42:0a:01:02:03", tag="front")


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
        owner="somebody",
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


def _change_everything_and_fail(store: Store, lease: Lease) -> None:
    with store.transaction():
        store.put_lease(replace(lease, state=State.BOUND))
        store.add_lease(a_lease("10.1.2.4"))
        store.put_pool(a_pool("10.9.0.0/24"))
        store.remove_lease(lease.pool, lease.address)
        store.remove_pool(a_pool().id)
        raise ZeroDivisionError


class TestTransaction:
    def test_what_is_done_in_a_failing_block_is_undone(self, store: Store) -> None:
        """Half of a change is never kept."""
        lease = a_lease("10.1.2.3")
        with store.transaction():
            store.put_pool(a_pool())
            store.put_lease(lease)

        with pytest.raises(ZeroDivisionError):
            _change_everything_and_fail(store, lease)

        assert list(store.leases(lease.pool)) == [lease]
        with store.transaction():
            assert store.pools(LOCAL) == [a_pool()]

    def test_revision_tells_of_pools_and_reservations_of_the_space(self, store: Store) -> None:
        """An allocator reads again when somebody else changed them, and not for leases."""
        reservation = Reservation(address=parse_address("10.1.2.9"), owner=Owner(name="web"))
        seen = []
        with store.transaction():
            seen.append(store.revision(LOCAL))
            for change in (
                lambda: store.put_pool(a_pool()),
                lambda: store.put_reservation(reservation),
                lambda: store.remove_reservation(reservation),
                lambda: store.remove_pool(a_pool().id),
            ):
                change()
                seen.append(store.revision(LOCAL))
            store.put_pool(a_pool())
            before = store.revision(LOCAL)
            store.put_lease(a_lease("10.1.2.3"))

            assert len(set(seen)) == 5
            assert store.revision(LOCAL) == before
            assert store.revision(GLOBAL) == 0


class TestPools:
    def test_a_pool_comes_back_as_it_was_put(self, store: Store) -> None:
        """Nothing of a pool is lost or changed on the way."""
        with store.transaction():
            store.put_pool(a_pool())
            store.put_pool(a_pool("fd00::/64", tenant="blue"))

            assert store.pools(LOCAL) == [a_pool(), a_pool("fd00::/64", tenant="blue")]
            assert store.pools(GLOBAL) == []

    def test_putting_a_pool_again_keeps_its_leases(self, store: Store) -> None:
        """A network that claims its pool does not lose its addresses."""
        with store.transaction():
            store.put_pool(a_pool())
            store.put_lease(a_lease("10.1.2.3"))
            store.put_pool(replace(a_pool(), network=None, released=False, requested=6.0))

            assert store.addresses(a_pool().id) == [parse_address("10.1.2.3")]
            assert store.pools(LOCAL)[0].requested == 6.0

    def test_removing_a_pool_removes_its_leases(self, store: Store) -> None:
        """A pool that is held again later starts empty."""
        with store.transaction():
            store.put_pool(a_pool())
            store.put_lease(a_lease("10.1.2.3"))
            store.remove_pool(a_pool().id)
            store.remove_pool(a_pool().id)
            store.put_pool(a_pool())

            assert store.addresses(a_pool().id) == []


class TestLeases:
    @pytest.fixture(autouse=True)
    def _pool(self, store: Store) -> None:
        with store.transaction():
            store.put_pool(a_pool())

    def test_a_lease_comes_back_as_it_was_put(self, store: Store) -> None:
        """Nothing of a lease is lost or changed on the way."""
        lease = a_lease(
            "10.1.2.3", kind=Kind.GATEWAY, state=State.BOUND, owner=WEB, until=7.5, endpoint="e1"
        )
        with store.transaction():
            store.put_lease(lease)

            assert store.lease(lease.pool, lease.address) == lease

    def test_an_address_is_added_once(self, store: Store) -> None:
        """This is what makes a double allocation impossible."""
        with store.transaction():
            first = store.add_lease(a_lease("10.1.2.3"))
            second = store.add_lease(a_lease("10.1.2.3", owner=WEB))

            assert (first, second) == (True, False)
            held = store.lease(a_pool().id, parse_address("10.1.2.3"))
            assert held is not None
            assert held.owner == ANONYMOUS

    def test_leases_are_listed_by_address(self, store: Store) -> None:
        """A list for people is in the order of addresses."""
        leases = [a_lease("10.1.2.30"), a_lease("10.1.2.4"), a_lease("10.1.2.200")]
        with store.transaction():
            for lease in leases:
                store.put_lease(lease)

        listed = [str(lease.address) for lease in store.leases(a_pool().id)]

        assert listed == ["10.1.2.4", "10.1.2.30", "10.1.2.200"]

    def test_addresses_end_with_the_latest(self, store: Store) -> None:
        """After a restart the choice goes on behind it."""
        with store.transaction():
            store.put_lease(a_lease("10.1.2.4", since=3.0))
            store.put_lease(a_lease("10.1.2.9", since=1.0))

            assert [str(address) for address in store.addresses(a_pool().id)] == [
                "10.1.2.9",
                "10.1.2.4",
            ]

    @pytest.mark.parametrize(
        "owner", [Owner(name="web"), Owner(mac="02:42:0a:01:02:03"), Owner(tag="front")]
    )
    def test_an_owner_is_found_by_any_mark(self, store: Store, owner: Owner) -> None:
        """A name, a MAC or a tag is enough."""
        lease = a_lease("10.1.2.3", owner=WEB)
        with store.transaction():
            store.put_lease(a_lease("10.1.2.4", owner=Owner(name="db")))
            store.put_lease(lease)

            assert store.lease_of(lease.pool, owner) == lease

    @pytest.mark.parametrize(
        "changes", [{"state": State.BOUND}, {"kind": Kind.GATEWAY}, {"owner": Owner(name="db")}]
    )
    def test_an_owner_is_not_given_what_is_in_use_or_another_s(
        self, store: Store, changes: dict[str, object]
    ) -> None:
        """Two containers of one name never share an address."""
        with store.transaction():
            store.put_lease(a_lease("10.1.2.3", **{"owner": WEB, **changes}))

            assert store.lease_of(a_pool().id, Owner(name="web")) is None

    def test_the_owner_s_latest_lease_is_found(self, store: Store) -> None:
        """The address had last is the one to have again."""
        with store.transaction():
            store.put_lease(a_lease("10.1.2.3", owner=WEB, since=2.0))
            store.put_lease(a_lease("10.1.2.4", owner=WEB, since=9.0))
            store.put_lease(a_lease("10.1.2.5", owner=WEB, since=4.0))

            found = store.lease_of(a_pool().id, Owner(name="web"))

            assert found is not None
            assert str(found.address) == "10.1.2.4"

    def test_the_resting_lease_that_ends_first_is_found(self, store: Store) -> None:
        """An exhausted pool gives away the address that rested longest."""
        with store.transaction():
            store.put_lease(a_lease("10.1.2.3", until=1.0))
            store.put_lease(a_lease("10.1.2.4", state=State.RESTING, until=9.0))
            store.put_lease(a_lease("10.1.2.5", state=State.RESTING, until=4.0))

            found = store.resting(a_pool().id)

            assert found is not None
            assert str(found.address) == "10.1.2.5"

    def test_due_leases_are_those_that_end_by_now(self, store: Store) -> None:
        """A lease without an end never ends by itself."""
        with store.transaction():
            for address, until in (("10.1.2.3", 5.0), ("10.1.2.4", None), ("10.1.2.5", 5.1)):
                store.put_lease(a_lease(address, until=until))
            store.put_lease(a_lease("10.1.2.6", until=1.0))

            due = [str(lease.address) for lease in store.due(LOCAL, 5.0, 10)]

            assert due == ["10.1.2.6", "10.1.2.3"]
            assert len(store.due(LOCAL, 5.0, 1)) == 1
            assert store.due(GLOBAL, 5.0, 10) == []

    def test_leases_are_counted_by_state(self, store: Store) -> None:
        """How full a pool is costs no list of its leases."""
        with store.transaction():
            store.put_lease(a_lease("10.1.2.3", state=State.BOUND))
            store.put_lease(a_lease("10.1.2.4", state=State.BOUND))
            store.put_lease(a_lease("10.1.2.5", state=State.RESTING))

            assert dict(store.count(a_pool().id)) == {State.BOUND: 2, State.RESTING: 1}

    def test_removing_an_unknown_lease_does_nothing(self, store: Store) -> None:
        """A release may be repeated."""
        with store.transaction():
            store.put_lease(a_lease("10.1.2.3"))
            store.remove_lease(a_pool().id, parse_address("10.1.2.3"))
            store.remove_lease(a_pool().id, parse_address("10.1.2.3"))

            assert store.lease(a_pool().id, parse_address("10.1.2.3")) is None


class TestReservations:
    def test_they_come_back_in_order(self, store: Store) -> None:
        """By space, tenant and address; v4 before v6."""
        wanted = [
            Reservation(address=parse_address(address), tenant=Tenant(tenant), owner=owner)
            for address, tenant, owner in (
                ("10.0.0.9", NO_TENANT, Owner(name="web")),
                ("10.0.0.10", NO_TENANT, Owner(mac="02:42:0a:01:02:03")),
                ("fd00::1", NO_TENANT, Owner(tag="front")),
                ("10.0.0.1", "blue", Owner(name="web")),
            )
        ]
        with store.transaction():
            for reservation in reversed(wanted):
                store.put_reservation(reservation)

            assert store.reservations() == wanted

    def test_an_address_is_reserved_once(self, store: Store) -> None:
        """The later reservation replaces the earlier one."""
        address = parse_address("10.0.0.9")
        db = Reservation(address=address, owner=Owner(name="db"))
        with store.transaction():
            store.put_reservation(Reservation(address=address, owner=Owner(name="web")))
            store.put_reservation(db)

            assert store.reservations() == [db]
            store.remove_reservation(db)
            store.remove_reservation(db)
            assert store.reservations() == []


class TestReplay:
    def test_it_is_due_until_it_is_not(self, store: Store) -> None:
        """And not at all in a new store."""
        found = []
        for due in (True, False):
            with store.transaction():
                found.append(store.replay_due())
                store.put_replay_due(due=due)
        with store.transaction():
            found.append(store.replay_due())

        assert found == [False, True, False]

    def test_a_failed_transaction_leaves_it(self, store: Store) -> None:
        """As it was before."""

        def fail() -> None:
            with store.transaction():
                store.put_replay_due(due=True)
                raise KeyError

        with pytest.raises(KeyError):
            fail()

        with store.transaction():
            assert not store.replay_due()
