"""A short lease of IPv6 while pynet, the engine and the server end: the container is always reached."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from ipaddress import IPv6Address
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import LOGS
from tests.e2e.conftest import Place, tidy
from tests.e2e.parents import ON_ETH0
from tests.lab.commands import wait_until
from tests.lab.dhcp import PREFIX, Dnsmasq, Kea6
from tests.lab.installed import PluginProcess
from tests.lab.lab import Lab
from tests.lab.namespace import Peer, enter
from tests.lab.roots import ENGINES
from tests.lab.site import Site

pytestmark = pytest.mark.nightly

LEASED: Final = ("-o", "dhcp=true", "-o", "ipv6=dhcp", "--ipam-driver", "null")
T1, T2, VALID = 10, 20, 120
_SEQUENCE: Final = re.compile(r"icmp_seq=(\d+) ")


class Pings:
    """One every 100 ms, from another machine of the LAN."""

    def __init__(self, peer: Peer, target: IPv6Address, log: Path) -> None:
        self._log = log
        with log.open("w") as output:
            argv = enter(peer.netns, "ping", "-6", "-n", "-i", "0.1", str(target))
            self._process = subprocess.Popen(argv, stdout=output)

    def lost(self) -> set[int]:
        """Those of which a later one was answered."""
        answered = {int(each) for each in _SEQUENCE.findall(self._log.read_text())}
        return {*range(1, max(answered))} - answered

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(params=ENGINES)
def live(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config, lab: Lab, peer: Peer
) -> Iterator[tuple[Site, PluginProcess]]:
    """A host whose containers outlive its engine."""
    host = lab.host(request.param, "--live-restore", f"--dns={peer.address}")
    installed = PluginProcess(host)
    installed.start()
    pytestconfig.stash[LOGS].update({"dockerd": host.dockerd.tail, "pynet": installed.tail})
    with tidy(Place(host, installed)) as site:
        yield site, installed
    pytestconfig.stash[LOGS].clear()
    installed.end()
    host.halt()


@contextmanager
def pinged(peer: Peer, folder: Path, *targets: IPv6Address) -> Iterator[list[Pings]]:
    """From the first answers on."""
    with ExitStack() as stack:
        pings = [
            stack.enter_context(closing(Pings(peer, target, folder / f"pings-{number}")))
            for number, target in enumerate(targets)
        ]
        yield pings


def test_over_t1_and_t2(live: tuple[Site, PluginProcess], peer: Peer, tmp_path: Path) -> None:
    """Renewed at T1, after pynet was killed, and the engine; at T2 by whatever server there is."""
    site, plugin = live
    with (
        closing(Dnsmasq(peer, tmp_path, *PREFIX)),
        closing(Kea6(peer, tmp_path, t1=T1, t2=T2, valid=VALID)) as kea,
    ):
        network = site.network(*ON_ETH0, *LEASED, ipam=False)
        names = [site.run("--network", network) for _ in range(2)]
        addresses = [site.address6(each, network) for each in names]
        for each in names:
            wait_until(lambda: site.pings(each, peer.address6), "the LAN")  # noqa: B023
        with pinged(peer, tmp_path, *addresses) as pings:

            def renewed(after: dict[IPv6Address, int]) -> bool:
                now = kea.ends()
                return now.keys() == {*addresses} and all(now[each] > after[each] for each in now)

            def is_renewed() -> None:
                ends = kea.ends()
                wait_until(lambda: renewed(ends), "both leases to be renewed")

            is_renewed()
            assert kea.heard("RENEW") >= 2
            plugin.end(signal.SIGKILL)
            plugin.start()
            is_renewed()
            site.host.restart_docker(signal.SIGKILL)
            is_renewed()

            rebound = kea.heard("REBIND")
            kea.silence()
            said = "no DHCP server on eth0 renews"
            wait_until(lambda: said in str(plugin.ask("/health")), "T2")
            plugin.end(signal.SIGKILL)
            ends = kea.ends()
            plugin.start()
            kea.speak()
            wait_until(lambda: renewed(ends), "both to be renewed again")
            assert kea.heard("REBIND") > rebound
            wait_until(lambda: said not in str(plugin.ask("/health")), "health")
            is_renewed()
            assert [each.lost() for each in pings] == [set(), set()]
        assert kea.heard("SOLICIT") == 2
        assert [site.address6(each, network) for each in names] == addresses
        site.remove(*names)
        site.remove_network(network)
        wait_until(lambda: not kea.ends(), "the end of all leases")
