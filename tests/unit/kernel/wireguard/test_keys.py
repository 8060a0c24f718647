"""Keys of hosts, as every host makes them of the same secret."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from plugin.errors import RefusedError
from plugin.kernel.wireguard.keys import Keys
from plugin.kernel.wireguard.x25519 import clamped, public_key

ONE, TWO = ip_address("10.99.0.1"), ip_address("fd00:99::1")
KEYS = Keys("a secret that these hosts have in common")


def test_each_host_has_its_own() -> None:
    """By either family, and by another secret another one."""
    found = {
        keys.private(host)
        for keys in (KEYS, Keys("another secret of hosts"))
        for host in (ONE, TWO)
    }

    assert len(found) == 4


def test_hosts_make_the_same() -> None:
    """For as long as there is another version among them: the derivation stays as it is."""
    assert KEYS.private(ONE).hex() == (
        "98431e790b120b71879f1823a8da5998405dc454e1f585a7a61e404359339552"
    )


def test_a_host_knows_the_public_key_of_another() -> None:
    """It belongs to the private one, which is as WireGuard keeps it."""
    private = KEYS.private(TWO)

    assert KEYS.public(TWO, "") == public_key(private)
    assert clamped(private) == private


def test_without_a_secret_there_are_none() -> None:
    """The remedy is said."""
    own = Keys(own=lambda: bytes(32))
    for refused in (
        lambda: Keys().private(ONE),
        lambda: Keys().public(ONE, ""),
        lambda: Keys().to_tell(heard=True),
        lambda: own.to_tell(heard=False),
        lambda: own.public(ONE, "nonsense"),
    ):
        with pytest.raises(RefusedError, match="PYNET_SECRET_FILE or PYNET_SECRET, the same on"):
            refused()


def test_a_key_of_the_host() -> None:
    """Others are told the public one, and have it for the host at any address; a secret comes first."""
    own = Keys(own=lambda: clamped(bytes(range(32))))
    told = own.to_tell(heard=True)

    assert own.known
    assert own.private(ONE) == own.private(TWO) == clamped(bytes(range(32)))
    assert Keys(own=lambda: b"").public(ONE, told) == public_key(own.private(ONE))
    assert replace(own, secret="a secret").to_tell(heard=False) == ""
    assert replace(KEYS, own=own.own).public(TWO, told) == KEYS.public(TWO, "")


def test_the_secret_is_not_shown() -> None:
    """In no log and no message."""
    assert "secret that" not in repr(KEYS)
