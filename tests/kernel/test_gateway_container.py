"""A container as the others' gateway, and the host in its place while it is not there."""

import socket
from collections.abc import Iterator

import pytest

from plugin.kernel.links import addresses
from plugin.model.ids import bridge_name, port_name
from plugin.model.network import Network
from tests.kernel.netns import wait_until
from tests.kernel.site import HOST4, HOST6, OUTSIDE4, OUTSIDE6, Container, Site
from tests.kernel.talk import tcp

DUAL = ("10.1.0.0/24", "fd00:1::/64")
PORT = 7000
GATEWAY = {"gateway": "true"}


@pytest.fixture(params=[True, False], ids=["filtered", "unfiltered"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A host, with bridged packets going through the filter or not."""
    made = Site(br_netfilter=request.param)
    with made.host.entered():
        yield made
        made.close()


@pytest.fixture(params=["true", "false"], ids=["together", "separate"])
def blue(site: Site, request: pytest.FixtureRequest) -> Network:
    """A network whose gateway is its fifth address; who is separate is not so from it."""
    options = {"gateway_container": "10.1.0.5,fd00:1::5", "icc": request.param}
    return site.network("blue", *DUAL, options=options)


@pytest.fixture
def one(site: Site, blue: Network) -> Container:
    """A container that uses it."""
    return site.container(blue, 2)


@pytest.fixture
def gateway(site: Site, blue: Network, one: Container) -> Container:
    """The gateway, which comes after: it passes on what others send."""
    made = site.container(blue, 5, options=GATEWAY)
    made.netns.sysctl("net/ipv4/ip_forward", 1)
    made.netns.sysctl("net/ipv6/conf/all/forwarding", 1)
    made.netns.sysctl("net/ipv4/conf/all/send_redirects", 0)
    made.netns.sysctl("net/ipv4/conf/eth0/send_redirects", 0)
    return made


@pytest.fixture(params=[4, 6])
def way_out(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A machine outside, and the address that it sees."""
    return (OUTSIDE4, HOST4) if request.param == 4 else (OUTSIDE6, HOST6)


def gets_out(site: Site, container: Container, address: str) -> bool:
    try:
        return bool(tcp(site.outside, (address, PORT), container.netns, (address, PORT)))
    except OSError:
        return False


def test_before_it_comes_the_host_is_the_gateway(
    site: Site, one: Container, way_out: tuple[str, str]
) -> None:
    """The network works from its first container on."""
    address, seen = way_out

    assert tcp(site.outside, (address, PORT), one.netns, (address, PORT)) == seen


def test_when_it_is_there_everything_goes_through_it(
    site: Site, one: Container, gateway: Container, way_out: tuple[str, str]
) -> None:
    """And it may send what others have sent."""
    address, seen = way_out
    through = counted(gateway)

    assert tcp(site.outside, (address, PORT), one.netns, (address, PORT)) == seen
    assert counted(gateway) > through


def test_when_it_goes_the_host_takes_over_at_once(
    site: Site, one: Container, gateway: Container, way_out: tuple[str, str]
) -> None:
    """Its neighbours knew its hardware address, and are told."""
    address, seen = way_out
    tcp(site.outside, (address, PORT), one.netns, (address, PORT))
    site.stop(gateway)

    assert tcp(site.outside, (address, PORT), one.netns, (address, PORT)) == seen


def test_when_its_link_is_lost_the_next_look_restores_it(
    site: Site, one: Container, gateway: Container, way_out: tuple[str, str]
) -> None:
    """The container died and the engine said nothing."""
    address, seen = way_out
    tcp(site.outside, (address, PORT), one.netns, (address, PORT))
    site.host.ip(f"link delete {port_name(gateway.endpoint.id)}")
    site.healer.heal()

    assert tcp(site.outside, (address, PORT), one.netns, (address, PORT)) == seen


def test_its_return_is_noticed(site: Site, blue: Network, one: Container) -> None:
    """It says so itself, as engines make containers do."""
    assert gets_out(site, one, OUTSIDE4)
    gateway = site.container(blue, 5, options=GATEWAY)
    _announce(gateway)
    gateway.netns.sysctl("net/ipv4/ip_forward", 1)
    before = counted(gateway)

    wait_until(
        lambda: gets_out(site, one, OUTSIDE4) and counted(gateway) > before,
        "nothing goes through it",
    )


def counted(container: Container) -> int:
    """Frames that came in by its link."""
    with container.netns.entered(), open("/proc/thread-self/net/dev") as file:  # noqa: PTH123
        line = next(line for line in file if "eth0:" in line)
    return int(line.split(":")[1].split()[1])


def _announce(container: Container) -> None:
    mac = bytes.fromhex(container.endpoint.mac_address.replace(":", ""))
    own = container.address4.packed
    with container.netns.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind(("eth0", 0))
        arp = b"\0\1\x08\0\6\4\0\1" + mac + own + bytes(6) + own
        sock.send(b"\xff" * 6 + mac + b"\x08\x06" + arp)


class TestOldKernels:
    """Before Linux 5.18 an address does not say who put it there."""

    def test_the_host_makes_way_on_a_bridge_of_ours(self, site: Site) -> None:
        """All addresses there are pynet's."""
        blue = site.network("blue", *DUAL, options={"gateway_container": "10.1.0.5,fd00:1::5"})
        _forget_who(site, bridge_name(blue.id))
        site.container(blue, 5, options=GATEWAY)

        assert _stand_ins(site, bridge_name(blue.id)) == set()

    def test_and_on_an_adopted_one(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """There, addresses that are a subnet by themselves (/32, /128) are pynet's."""
        monkeypatch.setattr(addresses, "_kernel_tells", lambda: False)
        site.host.ip("link add br0 type bridge", "link set br0 up")
        options = {"gateway_container": "10.1.0.5,fd00:1::5", "bridge_name": "br0"}
        blue = site.network("blue", *DUAL, options=options)
        _forget_who(site, "br0")
        site.container(blue, 5, options=GATEWAY)

        assert _stand_ins(site, "br0") == set()


def _forget_who(site: Site, ifname: str) -> None:
    """Have the addresses as a kernel that keeps no protocol has them."""
    for address in ("10.1.0.5/32", "fd00:1::5/128"):
        site.host.ip(
            f"address delete {address} dev {ifname}", f"address add {address} dev {ifname}"
        )


def _stand_ins(site: Site, ifname: str) -> set[str]:
    text = site.host.run("ip", "address", "show", "dev", ifname)
    return {each for each in ("10.1.0.5", "fd00:1::5") if f" {each}/" in text}
