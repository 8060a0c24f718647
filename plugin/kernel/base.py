"""The contract of a kernel: make resources, remove them, and read what is there.

How a restarted plugin knows that an object belongs to pynet:

=========  =====================================================================
Bridge     link group 0x706e (set in the message that makes it) and the alias
           ``pynet:<network>``
Veth       the same, alias ``pynet:<network>/<endpoint>``; the peer goes with it
Ingress-   the same, alias ``pynet:<network>/<endpoint>``
Redirect
Dummy      the same, alias ``pynet:<network>``
Vlan       the same, alias ``pynet:shared``
Shim       the same, alias ``pynet:<network>``, a macvlan or ipvlan link
Macvlan,   the same, alias ``pynet:<network>/<endpoint>``, which it keeps in the sandbox:
Ipvlan     there it is found by the numbers of the namespaces that pynet's links went to
Vxlan      the same, alias ``pynet:<network>``
FloodEntry an entry of such a device's own table
WireGuard  the same as a link, alias ``pynet:shared``; a process that has it ends with it
Wire-      a peer of such a link
GuardPeer
HostRoute  the route's protocol number; the neighbour beside it goes with pynet's link
RateLimit  a queue of one of pynet's links
Hairpin    a flag of one of pynet's bridge ports
RouteLo-   a setting of one of pynet's links; another link keeps it, because nothing shows
calnet     who switched it on
Address    its protocol (linux/if_addr.h, IFA_PROTO), also on an adopted bridge; on pynet's
           links any that a plan has, because kernels before 5.18 keep no protocol
Sysctl     of one of pynet's links, or host-wide and never reset
HostPort   a socket of this process: it is gone with the process
Proxied    a socket of the proxy, which ends with this process
=========  =====================================================================
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from plugin.model.ids import IfName
from plugin.model.links import HandedOver, IpvlanSetting
from plugin.model.network import IPAddress, IPNetwork
from plugin.model.network import Protocol as Transport
from plugin.model.parents import ForeignBridges, HostLink, Routed
from plugin.model.ports import HostPort
from plugin.model.resources import HostResource
from plugin.model.tunnels import Announcement


class Kernel(Protocol):
    """One host, or something that behaves as one."""

    def ensure(
        self, resources: Sequence[HostResource], started: Callable[[HostResource], None]
    ) -> None:
        """Make the host hold ``resources``, in their order; some may be there already.

        Calls ``started`` with each before touching it.  Stops at the first that fails.  Raises
        RefusedError (ForeignLinkError, PortTakenError) if it has another owner and was not touched,
        AbsentAddressError if the host lacks its source address, KernelError if it may be half made.
        Waits, for a bounded time, until the MAC address of a link that is to be handed over is free
        on its parent.
        """

    def rehearse(self, links: Sequence[HandedOver]) -> None:
        """Make links and remove them again, to see that this kernel and their parent can.

        Raises RefusedError if not.
        """

    def remove(self, resources: Sequence[HostResource]) -> None:
        """Remove those of ``resources`` that belong to pynet; ignore all others.

        A VLAN that another program needs stays, too.  Goes on after a failure and raises one
        ExceptionGroup of KernelError at the end.
        """

    def read(self, resources: Iterable[HostResource]) -> frozenset[HostResource]:
        """What the host has under the keys of ``resources``, as it is.

        A link that was handed over and is in a sandbox is taken on trust.
        """

    def one_look(self) -> AbstractContextManager[None]:
        """Let all that is read in the block share one look at links, here and in sandboxes.

        A link that is not found, or not as it should be, is looked for anew.
        """

    def read_all(self) -> frozenset[HostResource]:
        """Every link and route on the host that belongs to pynet, of any network.

        Also every RouteLocalnet that such a link has.  VLANs that another program needs are left out.
        """

    def missing_links(self, ifnames: Iterable[IfName]) -> frozenset[IfName]:
        """Those of ``ifnames`` that no link has."""

    def returned_links(self, ifnames: Iterable[IfName]) -> frozenset[IfName]:
        """Those of ``ifnames`` that are here, as links are that come back out of sandboxes.

        In one look (see above) one that came since it began may be left out.
        """

    def handed_over(self) -> frozenset[str]:
        """Owners of pynet's links that sandboxes have, or the other end of, read from the kernel alone.

        For a pair that has no owner yet it is the name.
        """

    def ended_sandboxes(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of ``keys`` (paths of the engine's) that are gone; none where they are not to be seen."""

    def reserve(
        self, protocol: Transport, addresses: Sequence[IPAddress], ports: range | None
    ) -> int:
        """Hold one port on all ``addresses``: the first free of ``ports``, or any.

        "Any" is the kernel's choice: ip_local_port_range without ip_local_reserved_ports.
        Raises PortTakenError, or RefusedError for an address that the host does not have.
        """

    def release(self, ports: Iterable[HostPort]) -> None:
        """Release ports, held or not; never fails."""

    def forget_connections(self, ports: Iterable[HostPort]) -> None:
        """Let clients of connectionless protocols start anew on ``ports``."""

    def end_connections(self, addresses: Collection[IPAddress], done: Callable[[], object]) -> None:
        """Forget connections from and to containers that are gone, soon, and call ``done`` then."""

    def connections_ended(self, addresses: Collection[IPAddress] | None = None) -> None:
        """Return when all that was asked for (of some addresses) has been done."""

    def foreign_bridges(self) -> ForeignBridges:
        """Bridges that do not belong to pynet: Docker's, and those that are known to be of others."""

    def firewalld_links(self, known: Iterable[IfName]) -> frozenset[IfName] | None:
        """The links of ``known``, and all with names of pynet's form, that firewalld has in a zone.

        None if firewalld does not filter with nftables.
        """

    def may_drop_forwarded(self, version: int) -> bool:
        """Whether iptables' FORWARD of a family has a policy or rules that could drop a packet."""

    def host_links(self, ifnames: Iterable[IfName]) -> Mapping[IfName, HostLink]:
        """Those of ``ifnames`` that are there, as they are."""

    def links_with(self, addresses: Iterable[IPAddress]) -> Mapping[IPAddress, HostLink]:
        """Those of ``addresses`` that are the host's own, and the links that have them."""

    def links_on(self, prefixes: Collection[IPNetwork]) -> tuple[HostLink, ...]:
        """Links of the host with a lasting address on a LAN that has one of these prefixes."""

    def key_to_tell(self, *, heard: bool) -> str:
        """This host's public key for encrypted networks, if other hosts must be told; "" if not.

        Raises RefusedError if they must, and would not be ``heard`` by them; StoreError.
        """

    def host_name(self) -> str:
        """The host's own name, as its users know it."""

    def announce(self, announcement: Announcement) -> None:
        """Tell other hosts that a container is here.  Raises KernelError."""

    def ipvlan_settings(self, parent: IfName) -> frozenset[IpvlanSetting]:
        """The settings of other programs' ipvlan links on a parent, as far as they can be found.

        Links in a namespace that no link of this host ever went to cannot be found.
        """

    def mtu(self, parent: IfName | None) -> int:
        """MTU of ``parent`` if there is such a link, else of that of the default route, else 1500."""

    def has_ipv6(self) -> bool:
        """Whether sockets of that family can be bound."""

    def engine_sockets(self) -> frozenset[str]:
        """What tells a dockerd that runs from any other; empty where the host does not say."""

    def routed(self) -> tuple[Routed, ...]:
        """Every prefix that the host has a route to, of all tables, with the link.  Raises KernelError."""

    def occupied(self) -> frozenset[IPNetwork]:
        """Prefixes that a new network must not claim: routes in any table, and resolvers."""
