"""The options of a bridge network, and of a container on it.

Names are short; the long names of Docker's bridge driver are translated to them before.
"""

from enum import Enum
from ipaddress import IPv4Address
from typing import Any, Final

from plugin.drivers.endpoint_mac import MAC
from plugin.drivers.host_services import HOST_SERVICES
from plugin.drivers.link_options import IFACE_PREFIX, mtu_option
from plugin.drivers.options import (
    Option,
    address_list,
    boolean,
    choice,
    ifname_list,
    ip_address_text,
    ipv4_address,
    ipv6_address,
    listed,
    rate,
)
from plugin.drivers.publishing import PUBLISH
from plugin.drivers.routes import NO_DEFAULT_ROUTE, ROUTES
from plugin.model.ids import LINK_NAME, IfName, link_name
from plugin.model.network import IPAddress


class GatewayMode(Enum):
    """How a family reaches the world outside of its network, with Docker's values."""

    NAT = "nat"
    NAT_UNPROTECTED = "nat-unprotected"
    ROUTED = "routed"
    ISOLATED = "isolated"


class Isolation(Enum):
    """What other networks of this host may do with this one."""

    OFF = "off"
    ON = "on"
    STRICT = "strict"


_RATE: Final = "bits per second from 8kbit to 32gbit, as 10mbit"
_BOOLEAN: Final = "true or false"

MTU: Final = mtu_option(
    "MTU of the bridge and of the containers' links. Default: that of the link of the "
    "host's default route."
)
BRIDGE_NAME: Final = Option(
    name="bridge_name",
    parse=link_name,
    default=None,
    expected=LINK_NAME,
    meaning="Name of the bridge on the host. One that exists is used, with its settings, and left "
    "when the network goes; Docker's own and other networks' are refused. What the host forwards to "
    "others on it is decided as before, except with `--internal`, which shuts them in and out as "
    "with Docker. Default: derived from the network's id.",
    of_host=True,
)
MASQUERADE: Final = Option(
    name="masquerade",
    parse=boolean,
    default=True,
    expected=_BOOLEAN,
    meaning="Hide the containers behind the host's address, or the one that `host_ipv4` and "
    "`host_ipv6` choose, when they go out.",
)
ICC: Final = Option(
    name="icc",
    parse=boolean,
    default=True,
    expected=_BOOLEAN,
    meaning="Let containers of the network reach each other; published ports are reached "
    "in any case.",
)
HOST_BINDING: Final[Option[IPAddress]] = Option(
    name="host_binding",
    parse=ip_address_text,
    default=IPv4Address(0),
    expected="an address of the host",
    meaning="Host address for published ports that name none. `0.0.0.0` stands for every address "
    "of both families, `::` for those of IPv6.",
    of_host=True,
)
GATEWAY_MODE_IPV4: Final = Option(
    name="gateway_mode_ipv4",
    parse=choice(GatewayMode),
    default=GatewayMode.NAT,
    expected="nat, nat-unprotected, routed or isolated",
    meaning="`nat`: translated, closed but for published ports. `nat-unprotected`: translated, "
    "open to every host with a route, other networks of the host included (as from engine 29 on). `routed`: not translated, published ports and ping open. "
    "`isolated`: the host has no address on the bridge, and if it has none of either family it accepts "
    "only ping from there, unless `host_services` allows more (with `--internal` only).",
)
GATEWAY_MODE_IPV6: Final = Option(
    name="gateway_mode_ipv6",
    parse=choice(GatewayMode),
    default=GatewayMode.NAT,
    expected="nat, nat-unprotected, routed or isolated",
    meaning="The same for IPv6.",
)
INHIBIT_IPV4: Final = Option(
    name="inhibit_ipv4",
    parse=boolean,
    default=False,
    expected=_BOOLEAN,
    meaning="Put no IPv4 address on the bridge: another router of the network has it.",
    of_host=True,
)
TRUSTED_INTERFACES: Final[Option[tuple[IfName, ...]]] = Option(
    name="trusted_interfaces",
    parse=ifname_list,
    default=(),
    expected="link names with ':' between",
    meaning="Links of the host through which containers are reached directly, on any port.",
    of_host=True,
)
HOST_IPV4: Final = Option(
    name="host_ipv4",
    parse=ipv4_address,
    default=None,
    expected="an IPv4 address of the host",
    meaning="Address that containers have outside, in place of the host's choice.",
    of_host=True,
)
HOST_IPV6: Final = Option(
    name="host_ipv6",
    parse=ipv6_address,
    default=None,
    expected="an IPv6 address of the host",
    meaning="The same for IPv6.",
    of_host=True,
)
ISOLATION: Final = Option(
    name="isolation",
    parse=choice(Isolation),
    default=Isolation.ON,
    expected="off, on or strict",
    meaning="`on`: other networks of the host reach published ports only, "
    "and what the gateway mode opens. `strict`: not even those. "
    "`off`: open to and from networks that have it off, too.",
)
SPOOF_GUARD: Final = Option(
    name="spoof_guard",
    parse=boolean,
    default=True,
    expected=_BOOLEAN,
    meaning="Let containers send from their own MAC and IP addresses only, and neither "
    "answer DHCP nor advertise routes.",
)
GATEWAY_CONTAINER: Final[Option[tuple[IPAddress, ...]]] = Option(
    name="gateway_container",
    parse=listed(",", ip_address_text),
    default=(),
    expected="an address of the network, or one of each family with ',' between",
    meaning="The container with this address is the others' gateway. While it is not there, "
    "the host answers in its place.",
    of_host=True,
)
RATE_TO: Final[Option[int | None]] = Option(
    name="rate_to",
    parse=rate,
    default=None,
    expected=_RATE,
    meaning="Upper bound for what each container receives.",
)
RATE_FROM: Final[Option[int | None]] = Option(
    name="rate_from",
    parse=rate,
    default=None,
    expected=_RATE,
    meaning="Upper bound for what each container sends.",
)
PROXY: Final = Option(
    name="userland_proxy",
    parse=boolean,
    default=True,
    expected=_BOOLEAN,
    meaning="Carry by a process what cannot be translated: [::1], and IPv6 to a container "
    "without it.",
    of_host=True,
)
OPTIONS: Final[tuple[Option[Any], ...]] = (
    MTU,
    BRIDGE_NAME,
    MASQUERADE,
    ICC,
    HOST_BINDING,
    GATEWAY_MODE_IPV4,
    GATEWAY_MODE_IPV6,
    INHIBIT_IPV4,
    TRUSTED_INTERFACES,
    HOST_IPV4,
    HOST_IPV6,
    IFACE_PREFIX,
    ISOLATION,
    HOST_SERVICES,
    SPOOF_GUARD,
    ROUTES,
    NO_DEFAULT_ROUTE,
    GATEWAY_CONTAINER,
    RATE_TO,
    RATE_FROM,
    PUBLISH,
    PROXY,
)

ENDPOINT_SPOOF_GUARD: Final[Option[bool | None]] = Option(
    name="spoof_guard",
    parse=boolean,
    default=None,
    expected=_BOOLEAN,
    meaning="The network's option for this container alone.",
)
ENDPOINT_ICC_ALLOW: Final[Option[tuple[IPAddress, ...]]] = Option(
    name="icc_allow",
    parse=address_list,
    default=(),
    expected="addresses with ';' or ',' between",
    meaning="On a network with `icc=false`: containers of it, by address, that this one may "
    "exchange traffic with.",
)
ENDPOINT_GATEWAY: Final = Option(
    name="gateway",
    parse=boolean,
    default=False,
    expected=_BOOLEAN,
    meaning="This container, which has the address that the network's `gateway_container` names, is "
    "the others' gateway.",
)
ENDPOINT_OPTIONS: Final[tuple[Option[Any], ...]] = (
    MAC,
    ENDPOINT_SPOOF_GUARD,
    ENDPOINT_ICC_ALLOW,
    ENDPOINT_GATEWAY,
    RATE_TO,
    RATE_FROM,
)
