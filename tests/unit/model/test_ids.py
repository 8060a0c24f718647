"""Names and addresses derived from ids."""

import re
from ipaddress import ip_network

import pytest

from plugin.model.ids import (
    IFNAMSIZ,
    EndpointID,
    NetworkID,
    bridge_name,
    derived_mac,
    handoff_name,
    own_address,
    port_name,
    short,
)

IDS = ["a" * 64, "a" * 63 + "b", "x", "näme with spaces / and more"]


class TestNames:
    @pytest.mark.parametrize("ident", IDS)
    def test_they_fit_into_what_the_kernel_allows(self, ident: str) -> None:
        """Whatever the id is."""
        names = [
            bridge_name(NetworkID(ident)),
            port_name(EndpointID(ident)),
            handoff_name(EndpointID(ident)),
        ]

        assert all(len(name) == IFNAMSIZ and name.isascii() for name in names)
        assert len(set(names)) == 3

    def test_ids_that_begin_alike_have_names_of_their_own(self) -> None:
        """A prefix of the id would collide."""
        assert len({bridge_name(NetworkID(ident)) for ident in IDS}) == len(IDS)

    def test_they_stay_the_same_from_version_to_version(self) -> None:
        """An upgraded plugin must find the links of its predecessor."""
        assert bridge_name(NetworkID("a" * 64)) == "pnb-ffe054fe7ae"
        assert port_name(EndpointID("a" * 64)) == "pnv-ffe054fe7ae"
        assert handoff_name(EndpointID("a" * 64)) == "pnc-ffe054fe7ae"


class TestDerivedMac:
    @pytest.mark.parametrize("ident", IDS)
    def test_it_is_local_and_of_one_host(self, ident: str) -> None:
        """RFC 7042: no vendor's, and no group's."""
        mac = derived_mac(ident)

        assert re.fullmatch(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", mac)
        assert int(mac[:2], 16) & 0b11 == 0b10

    def test_it_depends_on_its_parts_alone(self) -> None:
        """An address that comes back has the same one, so that no neighbour is misled."""
        assert derived_mac("n", "10.1.0.2") == derived_mac("n", "10.1.0.2")
        assert derived_mac("n", "10.1.0.2") != derived_mac("n", "10.1.0.3")
        assert derived_mac("n", "10.1.0.2") != derived_mac("m", "10.1.0.2")


def test_short_ids_are_those_that_people_know() -> None:
    """Twelve digits, as ``docker network ls`` shows."""
    assert short("0123456789abcdef") == "0123456789ab"


def test_an_address_for_the_host() -> None:
    """Each network's own, the same at every start, and none that a LAN or a cloud uses."""
    names = [NetworkID(f"n{number}") for number in range(2000)]
    found = [own_address(name, 4) for name in names]
    third = {each.packed[2] for each in found}

    assert len(set(found)) > 1900
    assert all(each in ip_network("169.254.0.0/16") for each in found)
    assert not third & {0, 169, 170, 255}
    assert not {each.packed[3] for each in found} & {0, 255}
    six = {own_address(name, 6) for name in names}
    assert len(six) == len(names)
    assert all(each in ip_network("fd00::/8") for each in six)
