"""Reservations: addresses kept for one name, MAC or tag, and from all others.

A reservation belongs to an address space and tenant and not to a pool, so that it
can be made before the network is, and outlives it.  People keep them in a file:

    reservations:
    - address: 10.1.2.80
      name: web
    - address: 10.1.2.81
      mac: 02:42:0a:01:02:51
      tenant: blue
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ipam.errors import InvalidReservationError, IpamError
from ipam.lease import Owner
from ipam.pool import LOCAL, NO_TENANT, AddressSpaceName, Tenant, parse_tenant
from ipam.prefixes import Address, parse_address

KEYS: Final = ("address", "name", "mac", "tag", "tenant", "space")

# moby, daemon/names: what an engine takes for a container's name.
_CONTAINER: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_MAC: Final = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """An address that is kept for an owner, who is known by one thing.

    Raises InvalidReservationError unless exactly one of name, MAC and tag is set.
    """

    space: AddressSpaceName = LOCAL
    tenant: Tenant = NO_TENANT
    address: Address
    owner: Owner

    def __post_init__(self) -> None:
        marks = (self.owner.name, self.owner.mac, self.owner.tag)
        if sum(bool(mark) for mark in marks) != 1:
            raise InvalidReservationError(
                f"reservation of {self.address} has {sum(map(bool, marks))} owners, "
                f"expected exactly one of name, mac and tag"
            )


def parse_mac(text: str) -> str:
    """Read a MAC address and write it as the kernel does.  Raises InvalidReservationError."""
    mac = text.strip().lower().replace("-", ":")
    if not _MAC.fullmatch(mac):
        raise InvalidReservationError(
            f"mac is {text!r}, expected six bytes such as 02:42:0a:01:02:51"
        )
    return mac


def parse_kept(text: str) -> Address:
    """Read the address that is kept: one, without a length.

    Raises InvalidReservationError for a subnet, of which a reservation would keep only one.
    """
    address = parse_address(text)
    if "/" in text:
        raise InvalidReservationError(
            f"address is {text!r}, expected one address such as {address}; for a whole range, "
            f"leave it out of the pool with --ipam-opt exclude"
        )
    return address


def parse_container(text: str) -> str:
    """Read the name of a container; no other would an engine accept.

    Raises InvalidReservationError.
    """
    if not _CONTAINER.fullmatch(text):
        raise InvalidReservationError(
            f"name is {text!r}, expected a container's: two or more letters a to z, digits, '_', '.' "
            "and '-', the first a letter or digit; keep the address for anything else with tag"
        )
    return text


def dump_reservations(reservations: Iterable[Reservation]) -> str:
    """Write reservations as YAML."""
    import yaml  # noqa: PLC0415 - a plugin that runs for months seldom needs it

    entries = [_entry(reservation) for reservation in reservations]
    return yaml.safe_dump({"reservations": entries}, sort_keys=False, allow_unicode=True)


def load_reservations(text: str) -> list[Reservation]:
    """Read reservations from YAML.  Raises InvalidReservationError, with the place in the file."""
    import yaml  # noqa: PLC0415 - as above

    try:
        # Every scalar stays text: YAML 1.1 takes 52:54:00:12:34:56 for a number.
        document: object = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - safer than safe
    except yaml.YAMLError as error:
        raise InvalidReservationError(f"the file is not YAML: {error}") from error
    entries = document.get("reservations") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise InvalidReservationError(
            "the file has no list 'reservations', expected one of address and owner"
        )
    return [_reservation(number, entry) for number, entry in enumerate(entries)]


def _entry(reservation: Reservation) -> dict[str, str]:
    owner = reservation.owner
    fields = {
        "address": str(reservation.address),
        "name": owner.name,
        "mac": owner.mac,
        "tag": owner.tag,
        "tenant": reservation.tenant,
        "space": reservation.space if reservation.space != LOCAL else None,
    }
    return {key: value for key, value in fields.items() if value}


def _reservation(number: int, entry: object) -> Reservation:
    path = f"reservations[{number}]"
    if not isinstance(entry, dict):
        raise InvalidReservationError(f"{path} is {entry!r}, expected keys and values")
    for key, value in entry.items():
        if key not in KEYS or not isinstance(value, str):
            raise InvalidReservationError(
                f"{path}.{key} is {value!r}, expected text for one of {', '.join(KEYS)}"
            )
    if "address" not in entry:
        raise InvalidReservationError(f"{path}.address is missing")
    try:
        return Reservation(
            space=AddressSpaceName(entry.get("space", LOCAL)),
            tenant=parse_tenant(entry["tenant"]) if "tenant" in entry else NO_TENANT,
            address=parse_kept(entry["address"]),
            owner=Owner(
                name=parse_container(entry["name"]) if "name" in entry else None,
                mac=parse_mac(entry["mac"]) if "mac" in entry else None,
                tag=entry.get("tag"),
            ),
        )
    except IpamError as error:
        raise InvalidReservationError(f"{path}: {error}") from error
