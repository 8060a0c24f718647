"""Encrypted networks: what becomes of keys, links and processes."""

import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from shutil import which
from typing import Final

import pytest

from plugin.errors import RefusedError
from plugin.kernel.wireguard.keys import Keys
from plugin.model.ids import vxlan_name, wireguard_name
from plugin.model.network import Network
from tests.kernel.encrypting import (
    HERE,
    LINK,
    VNI,
    WIREGUARD,
    encrypted,
    encrypting_hosts,
    inner_text,
    peers,
    runs,
)
from tests.kernel.netns import wait_until
from tests.kernel.site import Container
from tests.kernel.spanning import HOSTS4, Spanning, reaches

SECRET: Final = "another secret that is long enough"


@pytest.fixture(scope="module")
def hosts() -> Iterator[Spanning]:
    with encrypting_hosts() as hosts:
        yield hosts


@pytest.fixture(scope="module")
def blue(hosts: Spanning) -> list[Network]:
    return encrypted(hosts, "blue", "10.31.0.0/24", "fd00:31::/64", vni=str(VNI))


@pytest.fixture(scope="module")
def pair(hosts: Spanning, blue: list[Network]) -> list[Container]:
    """A container on each of two hosts."""
    return [hosts.container(blue, host, 10 + host) for host in range(2)]


@pytest.mark.kernels
class TestLives:
    @pytest.mark.parametrize(
        "harm",
        [
            "link set {link} down",
            "address flush dev {link}",
            "link delete {link}",
            pytest.param("end the process", id="process"),
            pytest.param("set {link} peer {peer} remove", id="peer"),
            pytest.param("set {link} listen-port 1234", id="port"),
            pytest.param("set {link} private-key /dev/null", id="key"),
            pytest.param("set {link} peer {stranger} allowed-ips ::/0", id="another"),
        ],
    )
    def test_it_is_repaired(self, hosts: Spanning, pair: list[Container], harm: str) -> None:
        """Whatever was done to the link, it is as it was, and containers reach each other."""
        site = hosts.sites[0]
        words = harm.format(
            link=LINK,
            peer=site.host.run("wg", "show", LINK, "peers").strip(),
            stranger="HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=",
        )
        if harm.startswith("end"):
            # A process ends with its socket; the kernel has none.
            Path(f"/var/run/wireguard/{LINK}.sock").unlink(missing_ok=True)
            wait_until(lambda: not runs(LINK), "the process goes on")
            site.host.ip(f"link set {LINK} down")
        else:
            site.host.run("wg" if words.startswith("set") else "ip", *words.split())
        with hosts.on(0):
            assert site.inspection.differences() != []
            site.healer.heal()
            assert site.inspection.differences() == []

        assert peers(site.host) == {inner_text(HOSTS4[1])}
        assert reaches(*pair) == [True, True]

    def test_a_plugin_that_starts_finds_it(self, hosts: Spanning, pair: list[Container]) -> None:
        """The process goes on, and nothing is made anew."""
        before = runs(LINK)
        with hosts.on(0) as site:
            site.restart()

        assert runs(LINK) == before
        assert reaches(*pair) == [True, True]

    def test_another_secret(self, hosts: Spanning, pair: list[Container]) -> None:
        """A plugin that starts with it changes the keys; those of the former are gone."""
        keys = [site.keys for site in hosts.sites]
        for secret in (Keys(SECRET), keys[0]):
            for number in range(2):
                with hosts.on(number) as site:
                    site.keys = secret
                    site.restart()

            assert reaches(*pair) == [True, True]
            assert peers(hosts.sites[0].host) == {inner_text(HOSTS4[1])}

    def test_without_a_secret_what_runs_goes_on(
        self, hosts: Spanning, blue: list[Network], pair: list[Container]
    ) -> None:
        """A new network is refused, and nothing of it is left."""
        site = hosts.sites[0]
        with hosts.on(0):
            keys, site.keys = site.keys, Keys()
            site.restart()
            with pytest.raises(RefusedError, match="pynet has no secret to make keys of"):
                encrypted(hosts, "secretless", "10.34.0.0/24")
            assert {each.id for each in site.store.networks()} >= {blue[0].id}
            assert not site.kernel.missing_links([LINK])
            site.keys = keys
            site.restart()

        assert reaches(*pair) == [True, True]

    def test_networks_share_it(self, hosts: Spanning, pair: list[Container]) -> None:
        """It goes with the last, and so does its process; peers go with the last that has them."""
        host = hosts.sites[0].host
        other = encrypted(hosts, "other", "10.35.0.0/24", among=HOSTS4)
        assert peers(host) == {inner_text(each) for each in HOSTS4[1:]}
        last = wireguard_name(ip_address(HOSTS4[2]), WIREGUARD)
        for number in range(3):
            with hosts.on(number) as site:
                site.networks.delete(other[number].id)
                site.kernel.settle()

        assert peers(host) == {inner_text(HOSTS4[1])}
        assert vxlan_name(other[0].id) not in host.run("ip", "link")
        assert last not in hosts.sites[2].host.run("ip", "link")
        wait_until(lambda: not runs(last), "the process goes on")
        assert reaches(*pair) == [True, True]

    def test_a_port_that_is_taken(self, hosts: Spanning) -> None:
        """It is refused, and nothing is left."""
        taken = WIREGUARD + 1
        with hosts.sites[0].host.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("", taken))
            with pytest.raises(RefusedError, match=f"UDP port {taken} is in use on this host"):
                encrypted(hosts, "taken", "10.36.0.0/24", wireguard_port=str(taken))

        assert wireguard_name(HERE, taken) not in hosts.sites[0].host.run("ip", "link")


def test_a_link_that_is_busy_for_a_moment(
    hosts: Spanning, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process is started again."""
    program = tmp_path / "wireguard-go"
    program.write_text(
        f'#!/bin/sh\n/bin/mkdir {tmp_path}/tried && exit 1\nexec {which("wireguard-go")} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    port = WIREGUARD + 2

    encrypted(hosts, "busy", "10.37.0.0/24", among=HOSTS4, wireguard_port=str(port))
    assert Path(f"/var/run/wireguard/{wireguard_name(HERE, port)}.sock").exists()
