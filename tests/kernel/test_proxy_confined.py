"""The proxy's process has no rights that it does not need."""

import socket

from plugin.kernel.linux import LinuxKernel
from tests.kernel.carried import ADDRESS, PORT, carried, publish, relay
from tests.kernel.netns import Netns
from tests.kernel.relay_process import few_files, hand_over, status_of


class TestConfinement:
    def test_it_has_nothing_that_it_does_not_need(self, kernel: LinuxKernel) -> None:
        """No capability, no user, and no way to get one."""
        publish(kernel, carried())

        assert status_of(relay()) == {
            "Uid": "65534",
            "CapPrm": "0000000000000000",
            "CapEff": "0000000000000000",
            "CapInh": "0000000000000000",
            "NoNewPrivs": "1",
        }

    def test_without_setuid_it_has_no_capability_either(self, netns: Netns) -> None:
        """As from the systemd unit."""
        without = ["setpriv", "--bounding-set", "-all,+net_admin", "--inh-caps=-all"]
        with few_files(64, *without) as (control, process):
            with socket.create_server((ADDRESS, PORT), family=socket.AF_INET6) as port:
                assert hand_over(control, 1, port) == {"id": 1}
            found = status_of(process)

        assert found["CapEff"] == found["CapPrm"] == "0000000000000000"
        assert (found["Uid"], found["NoNewPrivs"]) == ("0", "1")
