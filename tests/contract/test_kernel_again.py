"""What was there a moment ago, and what never was."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from plugin.errors import RefusedError
from plugin.model.ids import IfName
from plugin.model.links import MacvlanMode
from plugin.model.network import Protocol
from tests.contract.hosts import Host
from tests.contract.test_kernel import BRIDGE, VETH, make
from tests.contract.test_kernel_stacked import IPVLAN, MACVLAN, PARENT


def test_a_veths_name_can_be_used_again_at_once(host: Host) -> None:
    """A join that failed and is tried again."""
    make(host, BRIDGE, VETH)
    host.kernel.remove([VETH])
    make(host, VETH)
    host.settle()

    assert host.kernel.read([VETH]) == {VETH}


def test_a_parent_is_free_for_the_next_at_once(host: Host) -> None:
    """A container that had it for itself is started again."""
    host.add_parent(PARENT)
    first = replace(MACVLAN, mode=MacvlanMode.PASSTHRU, mac_address=None)
    second = replace(first, ifname=IfName("pnc-2"), owner="n1/e2")
    make(host, first)
    host.kernel.remove([first])
    make(host, second)
    host.settle()

    assert host.kernel.read([first, second]) == {second}


@pytest.mark.kernels
def test_a_parent_carries_another_kind_at_once(host: Host) -> None:
    """Its last network was of the one, its next is of the other."""
    host.need_link("ipvlan")
    host.add_parent(PARENT)
    ipvlan = replace(IPVLAN, ifname=IfName("pnc-2"), owner="n2/e2")
    make(host, MACVLAN)
    host.kernel.remove([MACVLAN])
    make(host, ipvlan)

    assert host.kernel.read([ipvlan]) == {ipvlan}


@pytest.mark.parametrize("ports", [range(8080, 8081), None], ids=["one", "any"])
def test_an_address_that_the_host_does_not_have_is_refused(host: Host, ports: range | None) -> None:
    """Whether a port was asked for or not."""
    with pytest.raises(RefusedError, match="has no such address"):
        host.kernel.reserve(Protocol.TCP, [ip_address("198.51.100.9")], ports)
