"""Settings of the kernel's network, by whichever kernel."""

from dataclasses import replace

import pytest

from plugin.errors import KernelError
from plugin.model.ids import IfName
from plugin.model.sysctls import Sysctl
from tests.contract.hosts import Host, make
from tests.contract.test_kernel import ARP_NOTIFY, BRIDGE, FORWARDING, LOCALNET


class TestSysctls:
    def test_a_setting_is_set(self, host: Host) -> None:
        """Forwarding is off on a fresh host."""
        make(host, FORWARDING)

        assert host.setting(FORWARDING.name) == "1"

    def test_a_setting_stays_when_it_is_removed(self, host: Host) -> None:
        """Others may have come to need it."""
        make(host, FORWARDING)
        host.kernel.remove([FORWARDING])

        assert host.setting(FORWARDING.name) == "1"

    def test_a_setting_of_a_link_that_is_adopted_is_its_owners(self, host: Host) -> None:
        """Any value is right there; on a link that pynet made the value is set."""
        setting = Sysctl(name="net/ipv4/conf/pnb-1/arp_notify", value="1", adopted=IfName("pnb-1"))
        host.add_foreign_link("pnb-1")
        make(host, setting)

        assert host.kernel.read([setting]) == {setting}
        unconditional = replace(setting, adopted=None)
        assert host.kernel.read([unconditional]) == {replace(unconditional, value="0")}

    def test_a_setting_of_a_link_that_was_made_is_set(self, host: Host) -> None:
        """Though one of that name would have been adopted."""
        setting = replace(ARP_NOTIFY, adopted=BRIDGE.ifname)
        make(host, BRIDGE, setting)

        assert host.setting(setting.name) == "1"
        assert host.kernel.read([setting]) == {setting}

    def test_an_unknown_setting_is_an_error(self, host: Host) -> None:
        """The name is said."""
        with pytest.raises(KernelError, match="no setting net/ipv4/nothing"):
            make(host, Sysctl(name="net/ipv4/nothing", value="1"))

    def test_an_unknown_setting_of_ipv6_is_passed_over(self, host: Host) -> None:
        """A kernel without IPv6 has nothing to switch off there."""
        nothing = Sysctl(name="net/ipv6/conf/nothing/accept_ra", value="0")
        make(host, nothing)

        assert host.kernel.read([nothing]) == frozenset()


class TestRouteLocalnet:
    def test_it_is_switched_off_again(self, host: Host) -> None:
        """No container on the bridge publishes a port any more."""
        make(host, BRIDGE, LOCALNET)
        host.kernel.remove([LOCALNET])

        assert host.kernel.read([BRIDGE, LOCALNET]) == {BRIDGE}

    def test_it_is_found_on_a_link_of_ours(self, host: Host) -> None:
        """The plugin before us left it there, or never took it back."""
        make(host, BRIDGE, LOCALNET)
        host.restart()

        assert LOCALNET in host.kernel.read_all()

    def test_a_foreign_bridge_keeps_it(self, host: Host) -> None:
        """Its owner may need the setting."""
        host.add_foreign_link(BRIDGE.ifname)
        make(host, LOCALNET)
        host.kernel.remove([LOCALNET])

        assert host.kernel.read([LOCALNET]) == {LOCALNET}
        assert host.kernel.read_all() == frozenset()

    def test_without_the_link_there_is_none(self, host: Host) -> None:
        """Nothing to switch off; to switch it on is an error."""
        host.kernel.remove([LOCALNET])

        assert host.kernel.read([LOCALNET]) == frozenset()
        with pytest.raises(KernelError):
            make(host, LOCALNET)
