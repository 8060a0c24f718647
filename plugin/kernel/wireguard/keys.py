"""Keys of hosts: made from a secret that all hosts have and the address of each (RFC 5869), or each host's own.

With a secret no host has to tell another its key, and nothing has to be kept.  Without one a host has a key of
its own, and other hosts are told the public one.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from plugin.errors import RefusedError
from plugin.kernel.wireguard.x25519 import clamped, public_key
from plugin.model.network import IPAddress
from plugin.model.tunnels import read_public_key

_SALT: Final = b"pynet wireguard 1"  # the number is that of the derivation
_ONE_BLOCK: Final = b"\x01"  # HKDF-Expand: a key is as long as a digest of SHA-256


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of hosts: those that a ``secret`` gives them all, else this host's ``own`` and what others told."""

    secret: str = field(default="", repr=False)
    own: Callable[[], bytes] | None = field(default=None, repr=False)

    @property
    def known(self) -> bool:
        """Whether this host has a key."""
        return bool(self.secret) or self.own is not None

    def private(self, host: IPAddress) -> bytes:
        """The private key of this host, at that address.  Raises RefusedError if it has none, StoreError."""
        if self.secret:
            return _private(self.secret, host)
        if self.own is None:
            raise _no_key()
        return self.own()

    def public(self, host: IPAddress, told: str) -> bytes:
        """The public key of a host, which has ``told`` it where there is no secret.

        Raises RefusedError if there is no secret, and nothing was told.
        """
        if self.secret:
            return _public(self.secret, host)
        key = read_public_key(told)
        if key is None:
            raise _no_key()
        return key

    def to_tell(self, *, heard: bool) -> str:
        """This host's public key, if other hosts must be told; "" with a secret.

        Raises RefusedError if they must, and would not be ``heard`` by them; StoreError.
        """
        if self.secret:
            return ""
        if self.own is None or not heard:
            raise _no_key()
        return b64encode(_public_of(self.own())).decode()


def _no_key() -> RefusedError:
    return RefusedError(
        "option encrypted is true, and pynet has no secret to make keys of; give it PYNET_SECRET_FILE or "
        "PYNET_SECRET, the same on every host (openssl rand -base64 32)"
    )


def _private(secret: str, host: IPAddress) -> bytes:
    extracted = hmac.digest(_SALT, secret.encode(), hashlib.sha256)
    return clamped(hmac.digest(extracted, host.packed + _ONE_BLOCK, hashlib.sha256))


@lru_cache(maxsize=4096)
def _public(secret: str, host: IPAddress) -> bytes:
    return public_key(_private(secret, host))


@lru_cache(maxsize=4)
def _public_of(private: bytes) -> bytes:
    return public_key(private)
