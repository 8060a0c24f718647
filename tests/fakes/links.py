"""Links of a kernel in memory, with the refusals of the real one."""

from dataclasses import replace

from plugin.errors import ForeignLinkError, RefusedError
from plugin.model.links import Bridge, HandedOver, Ipvlan, Shim, Veth, Vlan
from plugin.model.resources import LinkResource
from plugin.model.shaping import IngressRedirect
from plugin.model.tunnels import Vxlan
from tests.fakes.host import FakeHost, Link, parent_of


class FakeLinks:
    """Links that pynet made, beside those of the host."""

    def __init__(self, host: FakeHost) -> None:
        self._host = host

    def ensure(self, resource: LinkResource) -> None:
        if isinstance(resource, Bridge) and self._is_adopted(resource):
            return
        if isinstance(resource, IngressRedirect):
            self._host.link(resource.source)
        if isinstance(resource, Veth | Vxlan):
            self._host.link(resource.master)
        if type(resource) in self._host.lacks_links:
            raise RefusedError(f"this host's kernel makes no {type(resource).__name__} links")
        if isinstance(resource, HandedOver | Vlan | Shim):
            self._host.link(resource.parent)
        if isinstance(resource, Vlan) and self._is_same_vlan(resource):
            return
        self._refuse(resource)
        link = self._own(resource)
        if (
            isinstance(resource, Shim)
            and isinstance(link.resource, Shim)
            and parent_of(link) != resource.parent
        ):
            self._host.delete_link(resource.ifname)  # it is made anew
            link = self._own(resource)
        if isinstance(resource, Vxlan):
            _renumber(link, resource)
        link.resource = resource
        if isinstance(resource, Veth):
            self._host.links.setdefault(resource.peer, Link())

    def remove(self, resource: LinkResource) -> None:
        if resource.ifname in self._host.used_vlans:
            return
        link = self._host.links.get(resource.ifname)
        if link and link.resource and link.resource.owner == resource.owner:
            self._host.delete_link(resource.ifname)
        self._host.sandboxed.pop(resource.ifname, None)

    def read(self, resource: LinkResource) -> LinkResource | None:
        link = self._host.links.get(resource.ifname)
        if link is None and isinstance(resource, HandedOver):
            link = self._host.sandboxed.get(resource.ifname)
        if link is None:
            return None
        if self._is_foreign(resource):
            return resource
        # A foreign link differs from any plan, for it has no mark.
        return link.resource or replace(resource, owner="")

    def read_all(self) -> frozenset[LinkResource]:
        return frozenset(
            each for each in self._host.ours if each.ifname not in self._host.used_vlans
        )

    def _refuse(self, resource: LinkResource) -> None:
        """What a kernel has once only, it does not give twice."""
        if isinstance(resource, Vxlan):
            others = [each for each in self._host.ours if isinstance(each, Vxlan)]
            for there in others:
                same = (there.vni, there.port) == (resource.vni, resource.port)
                if same and there.ifname != resource.ifname:
                    raise RefusedError(
                        f"vni {resource.vni} on port {resource.port} is in use on this host by link "
                        f"{there.ifname}; choose another with -o vni=, the same on every host"
                    )
        if isinstance(resource, Ipvlan):
            for each in resource.addresses:
                if each.ip in self._host.used_addresses:
                    raise RefusedError(f"address {each.ip} is in use on {resource.parent}")
        if isinstance(resource, Vlan):
            for name, known in self._host.parents.items():
                if (known.lower, known.vlan) == (resource.parent, resource.number):
                    raise RefusedError(
                        f"VLAN {resource.number} of {resource.parent} is there already, as {name}; "
                        f"use parent={name}"
                    )

    def _own(self, wanted: LinkResource) -> Link:
        link = self._host.links.setdefault(wanted.ifname, Link(resource=wanted))
        there = link.resource
        if there is None or type(there) is not type(wanted) or there.owner != wanted.owner:
            raise ForeignLinkError(
                f"a link named {wanted.ifname} exists and is not this network's; "
                f"remove it or choose another name"
            )
        return link

    def _is_foreign(self, resource: LinkResource) -> bool:
        """Whether the link is another program's, and right as it is."""
        match resource:
            case Bridge():
                return self._is_adopted(resource)
            case Vlan():
                return self._is_same_vlan(resource)
            case _:
                return False

    def _is_adopted(self, bridge: Bridge) -> bool:
        link = self._host.links.get(bridge.ifname)
        return bool(bridge.adoptable and link and not link.resource and link.kind == "bridge")

    def _is_same_vlan(self, vlan: Vlan) -> bool:
        known = self._host.parents.get(vlan.ifname)
        if known is None or vlan.ifname not in self._host.links:
            return False
        return (known.lower, known.vlan) == (vlan.parent, vlan.number)


def _renumber(link: Link, vxlan: Vxlan) -> None:
    """A device with another number, port or own address is made anew, and has an empty table."""
    there = link.resource
    if isinstance(there, Vxlan) and replace(there, mtu=vxlan.mtu, master=vxlan.master) != vxlan:
        link.peers.clear()
