"""What the options of one container choose for it that is otherwise its driver's to choose."""

from dataclasses import replace
from typing import Final

from plugin.drivers.options import Option
from plugin.errors import RefusedError
from plugin.model.ids import MacAddress, unicast_mac
from plugin.model.network import Endpoint

MAC: Final[Option[MacAddress | None]] = Option(
    name="mac",
    parse=unicast_mac,
    default=None,
    expected="the MAC address of one host, as 02:42:0a:00:00:02",
    meaning="MAC address of the container's link on this network, as `--mac-address` chooses it: "
    "older engines have that for the first network only.",
)


def settled(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with what its options choose.  Raises RefusedError."""
    chosen = MAC.of(endpoint.options)
    if chosen is None:
        return endpoint
    if endpoint.mac_address not in ("", chosen):
        raise RefusedError(
            f"option {MAC.name} is {chosen}, and the container has {endpoint.mac_address} already, "
            "by --mac-address or because the setting PYNET_REQUIRES_MAC has the engine choose one; "
            f"leave out the option {MAC.name}"
        )
    return replace(endpoint, mac_address=chosen, mac_chosen=True)
