"""X25519, by the vectors of RFC 7748."""

import pytest

from plugin.kernel.wireguard.x25519 import clamped, public_key, scalar_multiplication

# Section 5.2: scalar, u-coordinate and product.
VECTORS = [
    (
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    ),
    (
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
    ),
    (
        "0900000000000000000000000000000000000000000000000000000000000000",
        "0900000000000000000000000000000000000000000000000000000000000000",
        "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
    ),
]


@pytest.mark.parametrize(("scalar", "point", "product"), VECTORS)
def test_it_multiplies(scalar: str, point: str, product: str) -> None:
    """Whatever bits the point and the scalar have that do not count."""
    assert scalar_multiplication(bytes.fromhex(scalar), bytes.fromhex(point)).hex() == product


def test_the_public_key() -> None:
    """Section 6.1, that of Bob."""
    private = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    public = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"

    assert public_key(private).hex() == public
    assert public_key(clamped(private)).hex() == public
