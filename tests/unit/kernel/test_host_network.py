"""What a host says of itself, where it is text."""

from ipaddress import ip_network
from pathlib import Path

from plugin.kernel.host_network import resolvers


def test_name_servers_of_both_families(tmp_path: Path) -> None:
    """A network that held one would cut the host off."""
    path = tmp_path / "resolv.conf"
    path.write_text(
        "# nameserver 10.0.0.1\n"
        "search example.org\n"
        "nameserver 10.0.0.53\n"
        "nameserver fe80::1%eth0 trailing words\n"
        "nameserver\n"
        "nameserver not-an-address\n"
    )

    assert resolvers(path) == {ip_network("10.0.0.53/32"), ip_network("fe80::1/128")}


def test_a_host_without_the_file(tmp_path: Path) -> None:
    """Has none."""
    assert resolvers(tmp_path / "nothing") == frozenset()
