"""Every setting is a row: its name, its default and what it is for.

The reference page lists the same rows.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One environment variable."""

    name: str
    default: str
    meaning: str


SETTINGS: Final = (
    Setting(
        name="PYNET_STATE",
        default="/var/lib/pynet",
        meaning="Directory of the databases; made with mode 0700 if it is missing.",
    ),
    Setting(
        name="PYNET_PLUGIN_SOCKETS",
        default="/run/docker/plugins/pynet.sock",
        meaning="Sockets to serve the engine on, with commas between: `path` or `path=scope`. "
        "A path without a scope takes SCOPE.",
    ),
    Setting(
        name="PYNET_ADMIN_SOCKET",
        default="/run/pynet/admin.sock",
        meaning="Socket for `pynet status`, health and metrics.",
    ),
    Setting(
        name="PYNET_METRICS",
        default="",
        meaning="Address and port, such as 127.0.0.1:9610, for `/metrics` and `/health` by TCP. "
        "Every program that can connect may read them. Empty: none.",
    ),
    Setting(
        name="PYNET_LOG_LEVEL",
        default="info",
        meaning="Least important event that is logged: debug, info, warning or error.",
    ),
    Setting(
        name="SCOPE",
        default="local",
        meaning="Scope of the driver: local, or global for networks that swarm hands out.",
    ),
    Setting(
        name="PYNET_ROLES",
        default="network,ipam",
        meaning="What the plugin offers: network, ipam or both.",
    ),
    Setting(
        name="PYNET_POOLS",
        default="",
        meaning="Pools for networks without a subnet, `base:size` with commas between. "
        "Empty: the defaults, 10.208.0.0/12:24 and a /48 of this host's own for IPv6.",
    ),
    Setting(
        name="PYNET_QUARANTINE",
        default="60",
        meaning="Seconds that a freed address rests before another container gets it, 0 for none.",
    ),
    Setting(
        name="PYNET_STICKY",
        default="604800",
        meaning="Seconds that an address is kept for the container name or MAC address that "
        "had it, 0 for none.",
    ),
    Setting(
        name="PYNET_RESERVE_TIMEOUT",
        default="120",
        meaning="Seconds until an address that was asked for and that no endpoint has goes back, "
        "0 for never.",
    ),
    Setting(
        name="PYNET_REQUIRES_MAC",
        default="false",
        meaning="Whether the engine chooses a MAC address before it asks for an address. With true "
        "the address of `--mac-address` is sticky on engines before 29 too, but every endpoint "
        "gets a MAC address set, which links that share their parent's (ipvlan) refuse.",
    ),
    Setting(
        name="PYNET_MARK",
        default="0x800",
        meaning="The one bit of the packet mark that shows Docker's FORWARD chain "
        "that pynet let a packet through.",
    ),
    Setting(
        name="PYNET_ACCEPT_FWMARK",
        default="",
        meaning="Packets with this mark, `value` or `value/mask`, reach containers as if every port "
        "were open, from outside and from other networks. Not those of networks with "
        "`--internal`, nor from one network to another if one of them has `isolation=strict`. "
        "Docker's `bridge-accept-fwmark`; empty: none.",
    ),
    Setting(
        name="PYNET_SECRET",
        default="",
        meaning="What networks with `encrypted` make their keys of, the same on every host: at least "
        "32 characters, as `openssl rand -base64 32` makes. It is never shown.",
    ),
    Setting(
        name="PYNET_SECRET_FILE",
        default="",
        meaning="File with that secret, in place of PYNET_SECRET: only its owner and group may read it.",
    ),
    Setting(
        name="PYNET_ETCD",
        default="",
        meaning="Members of the etcd by which hosts share networks, URLs with commas between: "
        "`http://10.0.0.1:2379,http://10.0.0.2:2379`. Empty: this host is in no cluster.",
    ),
    Setting(
        name="PYNET_CLUSTER",
        default="",
        meaning="Ranges whose subnets hosts share, with commas between: `10.48.0.0/12,fd00:48::/48`, the "
        "same on every host. They must not overlap PYNET_POOLS. Empty: only subnets with the option "
        "`cluster` are shared.",
    ),
    Setting(
        name="PYNET_HOST_ADDRESS",
        default="",
        meaning="Address of this host that the others reach it at, for networks of mode overlay. Empty: the "
        "one from which it reaches etcd.",
    ),
    Setting(
        name="PYNET_ETCD_CA",
        default="",
        meaning="File with the authorities that signed etcd's certificates (PEM), for `https`. Empty: the "
        "system's.",
    ),
    Setting(
        name="PYNET_ETCD_CERT",
        default="",
        meaning="File with this host's client certificate for etcd (PEM). If etcd has users, it may have no "
        "CommonName.",
    ),
    Setting(
        name="PYNET_ETCD_KEY",
        default="",
        meaning="File with the certificate's key (PEM, without a passphrase). Empty: it is in that of the "
        "certificate.",
    ),
    Setting(
        name="PYNET_ETCD_USER",
        default="",
        meaning="User of etcd, which may read and write keys that begin with `/pynet/`.",
    ),
    Setting(
        name="PYNET_ETCD_PASSWORD_FILE",
        default="",
        meaning="File with that user's password: only its owner and group may read it.",
    ),
    Setting(
        name="PYNET_SYSCTLS",
        default="/proc/sys",
        meaning="Where kernel settings are written: a managed plugin sees /proc/sys read-only.",
    ),
    Setting(
        name="PYNET_TICK",
        default="30",
        meaning="Seconds between two comparisons of the host with what it should hold, 1 to 3600.",
    ),
    Setting(
        name="PYNET_ANSWER_ALWAYS",
        default="false",
        meaning="With true a wrong setting does not end the start: Docker gets it as the answer to "
        "every call, and `pynet status` shows it. For plugins whose output is not read, or whose "
        "sockets systemd holds, so that Docker would wait.",
    ),
)
