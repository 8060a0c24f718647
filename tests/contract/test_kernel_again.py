"""What was there a moment ago, and what never was."""

from ipaddress import ip_address

import pytest

from plugin.errors import RefusedError
from plugin.model.network import Protocol
from tests.contract.hosts import Host
from tests.contract.test_kernel import BRIDGE, VETH, make


def test_a_veths_name_can_be_used_again_at_once(host: Host) -> None:
    """A join that failed and is tried again."""
    make(host, BRIDGE, VETH)
    host.kernel.remove([VETH])
    make(host, VETH)
    host.settle()

    assert host.kernel.read([VETH]) == {VETH}


@pytest.mark.parametrize("ports", [range(8080, 8081), None], ids=["one", "any"])
def test_an_address_that_the_host_does_not_have_is_refused(host: Host, ports: range | None) -> None:
    """Whether a port was asked for or not."""
    with pytest.raises(RefusedError, match="has no such address"):
        host.kernel.reserve(Protocol.TCP, [ip_address("198.51.100.9")], ports)
