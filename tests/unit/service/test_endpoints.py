"""Endpoints: a record from create to delete, a link from join, ports while it is the gateway."""

from dataclasses import replace

import pytest

from plugin.drivers.registry import bind
from plugin.errors import (
    EndpointNotFoundError,
    NetworkNotFoundError,
    RefusedError,
    UnknownOptionError,
)
from plugin.model.ids import EndpointID, MacAddress, handoff_name
from tests.fakes.rig import AddressLog, Rig
from tests.fakes.values import SANDBOX, a_binding, a_network, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24", "fd00:1::/64")
WEB = an_endpoint(BLUE)
IDS = (BLUE.id, WEB.id)


@pytest.fixture
def rig(rig: Rig) -> Rig:
    """A plugin with one network."""
    rig.networks.create(BLUE)
    rig.faults.arm(None)
    return rig


class TestCreate:
    def test_it_is_remembered_and_the_host_not_touched(
        self, rig: Rig, alone: frozenset[object]
    ) -> None:
        """The engine holds a lock on the network meanwhile."""
        endpoint = rig.endpoints.create(WEB)

        assert rig.store.endpoint(WEB.id) == endpoint == WEB
        assert rig.held() == alone

    def test_a_mac_address_is_chosen_where_nobody_did(self, rig: Rig) -> None:
        """And kept."""
        endpoint = rig.endpoints.create(replace(WEB, mac_address=MacAddress("")))

        assert endpoint.mac_address
        assert rig.store.endpoint(WEB.id) == endpoint

    def test_a_mac_address_of_the_users_options(self, rig: Rig) -> None:
        """It is kept as one that the user chose otherwise."""
        wanted = replace(WEB, mac_address=MacAddress(""), options={"mac": "02:11:22:33:44:55"})
        endpoint = rig.endpoints.create(wanted)

        assert (endpoint.mac_address, endpoint.mac_chosen) == ("02:11:22:33:44:55", True)
        assert rig.store.endpoint(WEB.id) == endpoint

    def test_no_two_have_one_that_was_made(self, rig: Rig) -> None:
        """The later endpoint gets another, also where the user chose the first one's."""
        unchosen = replace(WEB, mac_address=MacAddress(""))
        theirs = bind(BLUE).mac_address(unchosen)
        rig.endpoints.create(an_endpoint(BLUE, 3, mac_address=theirs, mac_chosen=True))
        endpoint = rig.endpoints.create(unchosen)

        assert endpoint.mac_address not in ("", theirs)

    def test_one_that_was_made_is_not_chosen_for_another(self, rig: Rig) -> None:
        """While a container has it: older engines give an address its MAC address again."""
        first = rig.endpoints.create(replace(WEB, mac_address=MacAddress("")))
        same = an_endpoint(BLUE, 3, mac_address=first.mac_address, mac_chosen=True)
        rig.endpoints.join(*IDS, SANDBOX)
        with pytest.raises(RefusedError) as refusal:
            rig.endpoints.create(same)

        assert str(refusal.value) == (
            f"MAC address {first.mac_address} was generated for the container that has 10.1.0.2 "
            "and fd00:1::2 now; leave out the MAC address, or choose one that was not generated"
        )
        assert rig.store.endpoint(same.id) is None
        rig.endpoints.leave(*IDS)
        assert rig.endpoints.create(same).mac_address == first.mac_address

    def test_two_that_were_chosen_are_the_users(self, rig: Rig) -> None:
        """As with Docker's own bridge."""
        rig.endpoints.create(replace(WEB, mac_chosen=True))
        rig.endpoints.join(*IDS, SANDBOX)
        same = an_endpoint(BLUE, 3, mac_address=WEB.mac_address, mac_chosen=True)

        assert rig.endpoints.create(same).mac_address == WEB.mac_address

    def test_a_repeated_call_is_answered_as_before(self, rig: Rig) -> None:
        """With the same MAC address, even if it was joined meanwhile."""
        first = rig.endpoints.create(replace(WEB, mac_address=MacAddress("")))
        rig.endpoints.join(*IDS, SANDBOX)
        again = rig.endpoints.create(replace(WEB, mac_address=MacAddress("")))

        assert again.mac_address == first.mac_address
        assert again.joined

    def test_its_addresses_are_bound(self, rig: Rig) -> None:
        """The address side is told, of both families."""
        rig.endpoints.create(WEB)

        assert rig.addresses.bound == {"10.1.0.2 of 10.1.0.0/24", "fd00:1::2 of fd00:1::/64"}

    def test_what_cannot_be_undone_hides_no_reason(
        self, rig: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The address side refuses, and then the disk is full; the tick finishes it."""

        def refuse(*what: object) -> None:
            rig.faults.arm(0)
            raise RefusedError("the address is another's")

        with monkeypatch.context() as patch:
            patch.setattr(AddressLog, "bind", refuse)
            with pytest.raises(RefusedError, match="the address is another's"):
                rig.endpoints.create(WEB)
        rig.faults.arm(None)
        rig.healer.heal()

        assert rig.store.endpoint(WEB.id) is None

    def test_an_unknown_network_is_refused(self, rig: Rig) -> None:
        """With what to do about it."""
        with pytest.raises(NetworkNotFoundError, match="remove and create it again"):
            rig.endpoints.create(an_endpoint(a_network("red")))

    def test_an_unknown_option_is_refused(self, rig: Rig) -> None:
        """And nothing remembered."""
        with pytest.raises(UnknownOptionError):
            rig.endpoints.create(replace(WEB, options={"foo": "bar"}))

        assert rig.store.endpoint(WEB.id) is None

    @pytest.mark.parametrize("family", ["ipv4", "ipv6"])
    def test_the_endpoint_that_had_the_address_before_is_collected(
        self, rig: Rig, alone: frozenset[object], family: str
    ) -> None:
        """An engine that was killed never says that it is gone."""
        rig.run(BLUE, WEB, a_binding())
        heir = replace(an_endpoint(BLUE, 9, "heir"), **{family: getattr(WEB, family)})
        rig.endpoints.create(heir)

        assert rig.store.endpoints(BLUE.id) == (heir,)
        assert rig.held() == alone

    def test_a_neighbour_is_not_collected(self, rig: Rig) -> None:
        """Another address is another container."""
        rig.run(BLUE, WEB)
        rig.endpoints.create(an_endpoint(BLUE, 3))

        assert len(rig.store.endpoints(BLUE.id)) == 2

    def test_an_address_of_another_network_is_another_address(self, rig: Rig) -> None:
        """Networks of other tenants may use the same."""
        rig.run(BLUE, WEB)
        red = a_network("red", "10.2.0.0/24")
        rig.networks.create(red)
        rig.endpoints.create(replace(an_endpoint(red), ipv4=WEB.ipv4))

        assert rig.store.endpoint(WEB.id) is not None


class TestGet:
    def test_it_must_be_there(self, rig: Rig) -> None:
        """And be of that network."""
        rig.endpoints.create(WEB)

        assert rig.endpoints.get(*IDS) == WEB
        for ids in ((a_network("red").id, WEB.id), (BLUE.id, EndpointID("x"))):
            with pytest.raises(EndpointNotFoundError, match="disconnect the container and connect"):
                rig.endpoints.get(*ids)

    def test_a_repeated_call_binds_what_was_not_bound_yet(self, rig: Rig) -> None:
        """The process may have died in between; unbound, an address is given to another."""
        rig.endpoints.create(WEB)
        rig.addresses.bound.clear()
        rig.endpoints.create(WEB)

        assert rig.addresses.bound == {"10.1.0.2 of 10.1.0.0/24", "fd00:1::2 of fd00:1::/64"}


class TestJoin:
    def test_the_link_is_there_for_the_engine(self, rig: Rig) -> None:
        """And the sandbox is remembered."""
        rig.endpoints.create(WEB)
        attachment = rig.endpoints.join(*IDS, SANDBOX)

        assert attachment.src_name == handoff_name(WEB.id)
        assert handoff_name(WEB.id) in rig.host.links
        assert rig.endpoints.get(*IDS).sandbox_key == SANDBOX
        assert rig.held() == rig.wanted()

    def test_a_repeated_call_is_answered_as_before(self, rig: Rig) -> None:
        """Nothing is touched: the far end may be in the sandbox already."""
        rig.endpoints.create(WEB)
        first = rig.endpoints.join(*IDS, SANDBOX)
        rig.faults.arm(None)
        again = rig.endpoints.join(*IDS, SANDBOX)

        assert again == first
        assert rig.faults.points == []

    def test_unknown_endpoints_are_refused(self, rig: Rig) -> None:
        """There is nothing to hand over."""
        with pytest.raises(EndpointNotFoundError):
            rig.endpoints.join(*IDS, SANDBOX)

    @pytest.mark.parametrize("at", [0, 1, 2], ids=["before Veth", "after Veth", "save"])
    def test_whatever_fails_it_can_be_tried_again(
        self, rig: Rig, at: int, alone: frozenset[object]
    ) -> None:
        """And it does not count as joined meanwhile."""
        rig.endpoints.create(WEB)
        rig.faults.arm(at)
        with pytest.raises(Exception, match=r"refused|half made|disk is full"):
            rig.endpoints.join(*IDS, SANDBOX)
        rig.faults.arm(None)

        assert not rig.endpoints.get(*IDS).joined
        if at < 2:
            assert rig.held() == alone
        rig.endpoints.join(*IDS, SANDBOX)
        assert rig.held() == rig.wanted()
