"""The public key of a private one (RFC 7748): X25519 with the base point.

Only keys of hosts are made here, once each.  The exchange of keys is WireGuard's own business.
"""

from typing import Final

_PRIME: Final = (1 << 255) - 19
_A24: Final = 121665  # section 4.1
_BASE: Final = 9
_BITS: Final = 255
KEY_BYTES: Final = 32


def clamped(scalar: bytes) -> bytes:
    """The scalar as a private key (section 5, decodeScalar25519), as WireGuard keeps it."""
    octets = bytearray(scalar)
    octets[0] &= 248
    octets[31] = octets[31] & 127 | 64
    return bytes(octets)


def public_key(private: bytes) -> bytes:
    """The public key of a private key of 32 bytes."""
    return scalar_multiplication(private, _BASE.to_bytes(KEY_BYTES, "little"))


def scalar_multiplication(scalar: bytes, point: bytes) -> bytes:
    """The Montgomery ladder of section 5, in its names."""
    k = int.from_bytes(clamped(scalar), "little")
    x_1 = int.from_bytes(point, "little") & ((1 << _BITS) - 1)
    x_2, z_2, x_3, z_3 = 1, 0, x_1, 1
    swap = 0
    for bit in range(_BITS - 1, -1, -1):
        k_t = k >> bit & 1
        if swap ^ k_t:
            x_2, x_3, z_2, z_3 = x_3, x_2, z_3, z_2
        swap = k_t
        a, b = x_2 + z_2, x_2 - z_2
        aa, bb = a * a % _PRIME, b * b % _PRIME
        e = aa - bb
        da, cb = (x_3 - z_3) * a, (x_3 + z_3) * b
        x_3, z_3 = (da + cb) ** 2 % _PRIME, x_1 * (da - cb) ** 2 % _PRIME
        x_2, z_2 = aa * bb % _PRIME, e * (aa + _A24 * e) % _PRIME
    if swap:
        x_2, z_2 = x_3, z_3
    return (x_2 * pow(z_2, _PRIME - 2, _PRIME) % _PRIME).to_bytes(KEY_BYTES, "little")
