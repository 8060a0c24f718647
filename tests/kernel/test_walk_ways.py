"""What a trace says of ways that no rule closes: the kernel's own refusals, bridges, and macvlan."""

from collections.abc import Iterator

import pytest

from plugin.trace.packet import Verdict
from tests.fakes.values import a_binding
from tests.kernel.site import HOST4, OUTSIDE4, Site
from tests.kernel.tracing import Tracer, course, two


@pytest.fixture
def plain() -> Iterator[Site]:
    """A host with Docker's chains, and br_netfilter."""
    made = Site(br_netfilter=True, docker=True)
    with made.host.entered():
        yield made
        made.close()


def test_isolated_ports(plain: Site) -> None:
    """What a bridge itself keeps apart is no rule."""
    who, at = two(plain)
    listed = plain.host.run("bridge", "link", "show")
    for port in {line.split()[1].partition("@")[0] for line in listed.splitlines()}:
        plain.host.run("bridge", "link", "set", "dev", port, "isolated", "on")

    found = course(plain, who, (at, 80))

    assert found.verdict is Verdict.DROPPED
    assert "isolated ports" in found.hops[-1].what


def test_forwarding_off(plain: Site) -> None:
    """The kernel's own refusal, in the kernel's words."""
    who, _ = two(plain)
    plain.host.sysctl("net/ipv4/ip_forward", 0)

    found = Tracer(plain, who).trace(OUTSIDE4, "tcp", (HOST4, 8080))

    assert found.verdict is Verdict.UNREACHABLE
    assert "net.ipv4.ip_forward" in found.hops[-1].what


def test_strict_reverse_path_filter(plain: Site) -> None:
    """A source that the answer would not go back to by the same link."""
    who, _ = two(plain)
    plain.host.sysctl("net/ipv4/conf/all/rp_filter", 1)
    plain.host.ip(
        "link add br9 type bridge", "link set br9 up", "route add 198.51.100.0/24 dev br9"
    )
    container = who["client"]
    container.ip(
        "address add 198.51.100.7/32 dev eth0",
        "route replace default via 10.1.0.1 src 198.51.100.7",
    )
    plain.host.run("nft", "flush chain bridge pynet pn_guard")  # which would drop it before

    found = Tracer(plain, who).trace("client", "tcp", (OUTSIDE4, 80))

    assert found.verdict is Verdict.DROPPED
    assert "rp_filter" in found.hops[-1].what


def test_nothing_listens(plain: Site) -> None:
    """Refused by the container itself, and where it listens instead."""
    who, at = two(plain)

    found = course(plain, who, (at, 81))

    assert found.verdict is Verdict.REFUSED
    assert found.hops[-1].what == "nothing listens on port 81/tcp"


@pytest.mark.parametrize("by", ["host", "far"])
def test_another_way_than_to_the_container(plain: Site, by: str) -> None:
    """The bridge lost its address, or a VPN has the subnet, too: the packet leaves by another link."""
    who, at = two(plain)
    far = plain.container(plain.network("far", "10.2.0.0/24"))
    plain.host.ip(f"route replace {at}/32 via {OUTSIDE4}")
    found = Tracer(plain, {**who, "far": far.netns}).trace(by, "tcp", (at, 80))

    assert found.verdict is Verdict.UNREACHABLE
    assert f"by up0 to the gateway {OUTSIDE4}, and not by pnb-" in found.hops[-1].what
    assert "where server is" in found.hops[-1].what


def test_nobody_has_the_address(plain: Site) -> None:
    """On a network where nobody answers for it."""
    who, _ = two(plain)

    found = course(plain, who, ("10.1.0.77", 80))

    assert found.verdict is Verdict.UNREACHABLE
    assert "no container on pnb-" in found.hops[-1].what


def test_a_host_and_its_macvlan(plain: Site) -> None:
    """The kernel keeps a parent and the links on it apart, whichever asks; not with host_access."""
    closed = plain.network("shut", "192.0.2.0/24", mode="macvlan", options={"parent": "up0"})
    server = plain.container(closed, 40)
    who = {"server": server.netns, "client": plain.container(closed, 41).netns}

    assert course(plain, who, ("192.0.2.40", 80)).verdict is Verdict.REACHED
    assert course(plain, who, ("192.0.2.40", 80), by=OUTSIDE4).verdict is Verdict.REACHED
    for by, to in (("host", "192.0.2.40"), ("client", HOST4)):
        found = Tracer(plain, who).trace(by, "tcp", (to, 80))
        assert found.verdict is Verdict.UNREACHABLE
        assert "host_access=true" in found.hops[-1].remedy


def test_a_host_among_its_macvlan(plain: Site) -> None:
    """By the shim, in both directions."""
    options = {"parent": "up0", "host_access": "true"}
    network = plain.network("open", "192.0.2.0/24", mode="macvlan", options=options)
    made = plain.container(network, 40, [a_binding(80, 8080)])
    who = {"server": made.netns, "client": plain.container(network, 41).netns}

    assert course(plain, who, ("192.0.2.40", 80), by="host").verdict is Verdict.REACHED
    assert course(plain, who, (HOST4, 8080), by=OUTSIDE4).verdict is Verdict.REACHED
    assert course(plain, who, (HOST4, 8080), by="host").verdict is Verdict.REACHED
    assert course(plain, who, (HOST4, 8080)).verdict is Verdict.REACHED
    assert course(plain, who, (HOST4, 81)).verdict is Verdict.REFUSED
