"""Keys of hosts, made from a secret that all hosts have and the address of each (RFC 5869).

So no host has to tell another its key, and nothing has to be kept.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from plugin.errors import RefusedError
from plugin.kernel.wireguard.x25519 import clamped, public_key
from plugin.model.network import IPAddress

_SALT: Final = b"pynet wireguard 1"  # the number is that of the derivation
_ONE_BLOCK: Final = b"\x01"  # HKDF-Expand: a key is as long as a digest of SHA-256


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that a secret gives hosts; none without a secret."""

    secret: str = field(default="", repr=False)

    @property
    def known(self) -> bool:
        """Whether there is a secret."""
        return bool(self.secret)

    def private(self, host: IPAddress) -> bytes:
        """The private key of a host.  Raises RefusedError without a secret."""
        self._check()
        return _private(self.secret, host)

    def public(self, host: IPAddress) -> bytes:
        """The public key of a host.  Raises RefusedError without a secret."""
        self._check()
        return _public(self.secret, host)

    def _check(self) -> None:
        if not self.secret:
            raise RefusedError(
                "option encrypted is true, and pynet has no secret to make keys of; give it "
                "PYNET_SECRET_FILE or PYNET_SECRET, the same on every host (openssl rand -base64 32)"
            )


def _private(secret: str, host: IPAddress) -> bytes:
    extracted = hmac.digest(_SALT, secret.encode(), hashlib.sha256)
    return clamped(hmac.digest(extracted, host.packed + _ONE_BLOCK, hashlib.sha256))


@lru_cache(maxsize=4096)
def _public(secret: str, host: IPAddress) -> bytes:
    return public_key(_private(secret, host))
