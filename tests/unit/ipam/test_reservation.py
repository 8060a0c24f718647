"""Reservations, and the file people keep them in."""

import pytest

from ipam.errors import InvalidReservationError
from ipam.lease import Owner
from ipam.pool import GLOBAL, Tenant
from ipam.prefixes import parse_address
from ipam.reservation import Reservation, dump_reservations, load_reservations


class TestFile:
    def test_what_is_written_is_read_back(self) -> None:
        """MAC addresses of digits alone are text too, which YAML would take for numbers."""
        reservations = [
            Reservation(address=parse_address("10.0.0.5"), owner=Owner(name="no")),
            Reservation(address=parse_address("fd00::5"), owner=Owner(mac="52:54:00:12:34:56")),
            Reservation(
                address=parse_address("10.0.0.6"),
                owner=Owner(tag="1.0"),
                tenant=Tenant("blue"),
                space=GLOBAL,
            ),
        ]

        assert load_reservations(dump_reservations(reservations)) == reservations

    def test_any_text_can_be_a_tag(self) -> None:
        """And is written as people read it."""
        reservation = Reservation(
            address=parse_address("10.0.0.5"), owner=Owner(tag="Drucker für ä")
        )
        text = dump_reservations([reservation])

        assert "Drucker für ä" in text
        assert load_reservations(text) == [reservation]

    def test_unquoted_mac_addresses_are_read(self) -> None:
        """People write them plainly, and in capitals with dashes."""
        text = "reservations: [{address: 10.0.0.5, mac: 52:54:00:12:34:56}]"
        other = "reservations: [{address: 10.0.0.5, mac: 52-54-00-AB-CD-EF}]"

        assert load_reservations(text)[0].owner.mac == "52:54:00:12:34:56"
        assert load_reservations(other)[0].owner.mac == "52:54:00:ab:cd:ef"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "the file is not YAML"),
            ("- 1", "has no list 'reservations'"),
            ("reservations: 5", "has no list 'reservations'"),
            ("reservations: [x]", r"reservations\[0\] is 'x'"),
            ("reservations: [{name: web}]", r"reservations\[0\].address is missing"),
            ("reservations: [{address: x, name: web}]", r"reservations\[0\]: address 'x'"),
            ("reservations: [{address: 10.0.0.0/28, name: ab}]", "expected one address such as 10"),
            ("reservations: [{address: 10.0.0.5}]", "has 0 owners, expected exactly one"),
            ("reservations: [{address: 10.0.0.5, name: ab, tag: b}]", "has 2 owners"),
            ("reservations: [{address: 10.0.0.5, mac: aa}]", "mac is 'aa', expected six bytes"),
            ("reservations: [{address: 10.0.0.5, name: ünö}]", "name is 'ünö', expected a cont"),
            ("reservations: [{address: 10.0.0.5, name: a}]", "name is 'a', expected a container's"),
            ("reservations: [{address: 10.0.0.5, name: /web}]", "'/web', expected a container's"),
            ("reservations: [{address: 10.0.0.5, name: ''}]", "name is '', expected a container"),
            ("reservations: [{address: 10.0.0.5, host: a}]", "host is 'a', expected text for one"),
            ("reservations: [{address: [], name: ab}]", r"address is \[\], expected text"),
            ("reservations: [{address: 10.0.0.5, name: ab, tenant: a b}]", "tenant is 'a b'"),
        ],
    )
    def test_is_refused(self, text: str, message: str) -> None:
        """The place in the file and the rule are in the message."""
        with pytest.raises(InvalidReservationError, match=message):
            load_reservations(text)
