"""What is refused of addresses that the engine asks of pynet's IPAM and a DHCP server gives."""

from dataclasses import replace
from ipaddress import IPv4Interface
from typing import Any

import pytest

from plugin.errors import RefusedError
from tests.fakes.rig import Rig
from tests.fakes.values import a_network
from tests.unit.service.leasing_pool import LAN, POOL, ask, create, request


@pytest.fixture
def on_lan(rig: Rig) -> Rig:
    """A network of the LAN's."""
    rig.host.add_parent("eth0")
    request(rig)
    rig.networks.create(LAN)
    return rig


class TestRefused:
    """What would give two containers one address, or one none."""

    def test_an_address_that_was_not_leased(self, on_lan: Rig) -> None:
        """A container that has it all the same would take it from another machine."""
        with pytest.raises(RefusedError, match="is not one that a DHCP server gave"):
            create(on_lan, "web", IPv4Interface("192.168.50.9/24"))

    def test_a_mac_address_that_comes_too_late(self, on_lan: Rig) -> None:
        """The server knows another; nothing is left of the start."""
        address = ask(on_lan)

        with pytest.raises(
            RefusedError, match=r"02:00:00:00:00:09 was chosen, and .* was leased to"
        ):
            create(on_lan, "web", address, "02:00:00:00:00:09")
        on_lan.pools.release(POOL, address.ip)

        (record,) = on_lan.store.leases(LAN.id)
        assert record.is_resting

    def test_a_pool_without_its_network(self, rig: Rig) -> None:
        """One of Docker's own driver, say."""
        with pytest.raises(RefusedError, match=r"no network of pynet has --ipam-opt dhcp=eth0"):
            ask(rig)

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"options": {"mode": "macvlan", "parent": "eth0"}}, "say -o dhcp=true, too"),
            (
                {"options": {**LAN.options, "parent": "eth1"}},
                "stands on eth1, and its IPAM was told --ipam-opt dhcp=eth0",
            ),
            (
                {
                    "pools": (
                        replace(
                            LAN.pools[0], auxiliary={"router": IPv4Interface("192.168.50.1/24")}
                        ),
                    )
                },
                "--aux-address is router",
            ),
        ],
    )
    def test_a_network_that_does_not_fit_its_pool(
        self, rig: Rig, changes: dict[str, Any], said: str
    ) -> None:
        """Nothing is made of it."""
        for parent in ("eth0", "eth1"):
            rig.host.add_parent(parent)
        request(rig)

        with pytest.raises(RefusedError, match=said):
            rig.networks.create(replace(LAN, **changes))

        assert rig.store.networks() == ()

    def test_a_second_one_on_the_parent(self, on_lan: Rig) -> None:
        """The engine does not say for which it asks."""
        request(on_lan)
        other = replace(LAN, id=a_network("other").id)

        with pytest.raises(RefusedError, match="has --ipam-opt dhcp=eth0 already"):
            on_lan.networks.create(other)
