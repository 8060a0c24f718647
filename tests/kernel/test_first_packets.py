"""The first moment of a network, and the last free port of a host."""

from ipaddress import ip_address

import pytest

from plugin.errors import RefusedError
from plugin.kernel.linux import LinuxKernel
from plugin.model.ids import bridge_name
from plugin.model.network import Protocol
from tests.fakes.values import a_binding
from tests.kernel.netns import Netns
from tests.kernel.site import HOST6, Site
from tests.kernel.talk import tcp


def test_a_host_without_a_free_port_says_so(netns: Netns) -> None:
    """The range of ephemeral ports is used up."""
    kernel = LinuxKernel()
    netns.sysctl("net/ipv4/ip_local_port_range", "40000 40001")
    any4 = [ip_address("0.0.0.0")]
    numbers = {kernel.reserve(Protocol.TCP, any4, None) for _ in range(2)}

    assert numbers == {40000, 40001}
    with pytest.raises(RefusedError, match=r"no tcp port is free on 0\.0\.0\.0"):
        kernel.reserve(Protocol.TCP, any4, None)
    kernel.close()


def test_ipv6_is_published_from_the_first_moment() -> None:
    """The bridge's link-local address must not be in doubt when the first packet comes."""
    site = Site()
    site.host.sysctl("net/ipv6/conf/default/accept_dad", 1)
    with site.host.entered():
        blue = site.network("blue", "fd00:1::/64")
        one = site.container(blue, publish=[a_binding(7000)])
        shown = site.host.run("ip", "-6", "address", "show", "dev", bridge_name(blue.id))

        assert "tentative" not in shown
        assert tcp(one.netns, ("fd00:1::2", 7000), site.outside, (HOST6, 8080))
        site.close()
