"""What every mode with links in containers has: their name and size, and gateways within reach."""

from typing import Final

from plugin.drivers.options import MAX_MTU, MIN_MTU, Option, ifname_prefix, mtu
from plugin.errors import GatewayOutsideError
from plugin.model.network import Network

IFACE_PREFIX: Final = Option(
    name="iface_prefix",
    parse=ifname_prefix,
    default="eth",
    expected="a link name of 1 to 13 bytes",
    meaning="Name of the link in the container, before its number.",
)


def mtu_option(meaning: str) -> Option[int]:
    """The option ``mtu``; with 0 the mode chooses the size, which its ``meaning`` describes."""
    return Option(
        name="mtu",
        parse=mtu,
        default=0,
        expected=f"a number of bytes from {MIN_MTU} to {MAX_MTU}",
        meaning=meaning,
    )


def refuse_outside_gateways(network: Network) -> None:
    """Refuse a gateway that its containers could not reach.  Raises GatewayOutsideError."""
    for pool in network.pools:
        if pool.gateway is not None and pool.gateway.ip not in pool.prefix:
            raise GatewayOutsideError(
                f"gateway {pool.gateway.ip} is outside its subnet {pool.prefix}; "
                f"choose an address of {pool.prefix}"
            )
