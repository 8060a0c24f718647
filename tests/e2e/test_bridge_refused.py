"""Wrong options of a bridge network: the refusal says what would be right, and nothing is left."""

import re
from pathlib import Path

import pytest

from tests.lab.clients import http_get
from tests.lab.commands import CommandError
from tests.lab.site import Site

BOOLEAN = "true or false"
MODES = "nat, nat-unprotected, routed or isolated"
RATE = "bits per second from 8kbit to 32gbit, as 10mbit"

# An option, a value that it cannot have, and what the refusal says would be right.
WRONG = [
    ("mtu", "67", "a number of bytes from 68 to 65535"),
    ("bridge_name", "a/b", "a link name of 1 to 15 bytes without '/', ':' or spaces"),
    ("masquerade", "perhaps", BOOLEAN),
    ("icc", "2", BOOLEAN),
    ("host_binding", "localhost", "an address of the host"),
    ("gateway_mode_ipv4", "bridged", MODES),
    ("gateway_mode_ipv6", "NAT", MODES),
    ("inhibit_ipv4", "maybe", BOOLEAN),
    ("trusted_interfaces", "eth0::eth1", "link names with ':' between"),
    ("host_ipv4", "fd00::1", "an IPv4 address of the host"),
    ("host_ipv6", "10.0.0.1", "an IPv6 address of the host"),
    ("iface_prefix", "fourteen-bytes", "a link name of 1 to 13 bytes"),
    ("isolation", "loose", "off, on or strict"),
    ("host_services", "53/icmp", "allow, deny, or ports as 53/udp,80"),
    ("spoof_guard", "no thanks", BOOLEAN),
    ("routes", "10.0.0.0/8 10.50.0.2", "routes as '10.0.0.0/8 via 10.1.0.2; 10.2.0.0/16'"),
    ("gateway_container", "router", "an address of the network, or one of each family"),
    ("rate_to", "7kbit", RATE),
    ("rate_from", "fast", RATE),
    ("publish", "nobody", "pynet or docker"),
    ("userland_proxy", "docker-proxy", BOOLEAN),
]
# The names of Docker's bridge are answered with the short ones.
WRONG_BY_DOCKERS_NAME = [
    ("driver.mtu", "mtu", "1", "a number of bytes from 68 to 65535"),
    ("bridge.name", "bridge_name", "a b", "a link name of 1 to 15 bytes"),
    ("bridge.enable_ip_masquerade", "masquerade", "perhaps", BOOLEAN),
    ("bridge.enable_icc", "icc", "perhaps", BOOLEAN),
    ("bridge.host_binding_ipv4", "host_binding", "everywhere", "an address of the host"),
    ("bridge.gateway_mode_ipv4", "gateway_mode_ipv4", "open", MODES),
    ("bridge.gateway_mode_ipv6", "gateway_mode_ipv6", "open", MODES),
    ("bridge.inhibit_ipv4", "inhibit_ipv4", "perhaps", BOOLEAN),
    ("bridge.trusted_host_interfaces", "trusted_interfaces", "a/b", "link names with ':'"),
    ("host_ipv4", "host_ipv4", "here", "an IPv4 address of the host"),
    ("host_ipv6", "host_ipv6", "here", "an IPv6 address of the host"),
    ("container_iface_prefix", "iface_prefix", "a/b", "a link name of 1 to 13 bytes"),
]
# What each says for itself is fine, and together they mean nothing.
CONTRADICTIONS = {
    "isolated and not internal": (
        ("-o", "gateway_mode_ipv4=isolated"),
        "gateway_mode_ipv4 is isolated.* with --internal only; add --internal or choose another",
    ),
    "a source that is not used": (
        ("-o", "gateway_mode_ipv4=routed", "-o", "host_ipv4=10.99.0.1"),
        "host_ipv4 translates addresses and gateway_mode_ipv4=routed does not; leave one of them",
    ),
    "nothing to publish": (
        ("--internal", "-o", "publish=docker"),
        "publish is docker, and an internal network publishes nothing; leave out publish or",
    ),
    "too small for IPv6": (
        ("--ipv6", "--subnet=fd00:50::/64", "-o", "mtu=1279"),
        "mtu is '1279', expected at least 1280 bytes on a network with IPv6",
    ),
    "a gateway of elsewhere": (
        ("--subnet=10.50.0.0/24", "-o", "gateway_container=10.51.0.2"),
        "gateway_container is '10.51.0.2', expected an address of the network",
    ),
    "said twice, differently": (
        ("-o", "icc=true", "-o", "com.docker.network.bridge.enable_icc=false"),
        "say it once",
    ),
    "another mode's option": (
        ("-o", "parent=eth0"),
        "parent .*it belongs to mode macvlan or ipvlan",
    ),
}
WRONG_FOR_A_CONTAINER = [
    ("mac", "01:00:5e:00:00:01", "the MAC address of one host, as 02:42:0a:00:00:02"),
    ("spoof_guard", "perhaps", BOOLEAN),
    ("icc_allow", "friend", "addresses with ';' or ',' between"),
    ("rate_to", "1", RATE),
    ("rate_from", "64gbit", RATE),
]


@pytest.mark.parametrize(("option", "value", "right"), WRONG, ids=[each[0] for each in WRONG])
def test_wrong_value(site: Site, option: str, value: str, right: str) -> None:
    """Every option says its name, the value and what would be right."""
    said = re.escape(f"option {option} is {value!r}, expected {right}")

    with pytest.raises(CommandError, match=said):
        site.network("-o", f"{option}={value}")


def test_wrong_values_by_dockers_names(site: Site) -> None:
    """So it is with the names that people bring from Docker's bridge."""
    for label, option, value, right in WRONG_BY_DOCKERS_NAME:
        said = re.escape(f"option {option} is {value!r}, expected {right}")
        with pytest.raises(CommandError, match=said):
            site.network("-o", f"com.docker.network.{label}={value}")


@pytest.mark.parametrize(("options", "said"), CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_contradiction(site: Site, options: tuple[str, ...], said: str) -> None:
    """Options that cannot be meant together are refused, with what to leave out."""
    with pytest.raises(CommandError, match=said):
        site.network(*options)


def test_wrong_values_for_a_container(site: Site) -> None:
    """The connection is refused with a sentence, and the container is as it was."""
    network, container = site.network(), site.run()

    for option, value, right in WRONG_FOR_A_CONTAINER:
        said = re.escape(f"option {option} is {value!r}, expected {right}")
        with pytest.raises(CommandError, match=said):
            site.docker(
                *("network", "connect", "--driver-opt", f"{option}={value}", network, container)
            )
    with pytest.raises(CommandError, match="did you mean icc_allow"):
        site.docker("network", "connect", "--driver-opt", "icc_alow=10.0.0.1", network, container)

    assert "eth1" not in site.exec(container, "ip", "link")
    site.docker("network", "connect", network, container)
    assert "eth1" in site.exec(container, "ip", "link")


def test_sctp_without_the_kernels_help(site: Site) -> None:
    """Where the kernel has no SCTP the start is refused in one sentence, and undone."""
    if Path("/proc/net/sctp").exists():
        pytest.skip("this kernel has SCTP")
    network = site.network()

    with pytest.raises(CommandError) as caught:
        site.run("--network", network, "-p", "8080:80", "-p", "8081:80/sctp")

    said = [line for line in caught.value.output.splitlines() if "sctp" in line.lower()]
    assert len(said) == 1, caught.value.output
    web = site.web("--network", network, "-p", "8080:80")
    assert http_get(site.host.netns, site.host.address, 8080) == web
