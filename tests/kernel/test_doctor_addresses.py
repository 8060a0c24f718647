"""What the doctor says of subnets, MTUs, name servers and pools."""

from tests.kernel.doctored import UPLINK, WEB, Doctored, a_network, the


def test_d18_a_subnet_that_a_vpn_has(doctored: Doctored) -> None:
    """The route of another link leads there, too."""
    doctored.netns.ip(
        "link add vpn type bridge", "link set vpn up", "route add 10.1.0.128/25 dev vpn"
    )
    found = the(doctored.finds("D18"))

    assert "subnet 10.1.0.0/24 of network web is also reached by vpn (route 10.1.0.128/25)" in (
        found.cause
    )


def test_d18_a_name_server_inside(doctored: Doctored) -> None:
    """It is another machine, which the host does not reach any more."""
    doctored.write("/etc/resolv.conf", "nameserver 10.1.0.53\n")

    assert "name server 10.1.0.53 lies in subnet 10.1.0.0/24" in the(doctored.finds("D18")).cause


def test_d19_the_way_out_is_narrower(doctored: Doctored) -> None:
    """As PPPoE and VPNs are."""
    doctored.netns.ip(f"link set {UPLINK} mtu 1420")
    found = the(doctored.finds("D19"))

    assert f"network web has MTU 1500, and {UPLINK}, which leads out, 1420" in found.cause
    assert found.remedy == "recreate the network with -o mtu=1420"


def test_d20_no_name_server(doctored: Doctored) -> None:
    """Engine 28 asks no other then; a setting of Docker's is as good."""
    doctored.write("/etc/resolv.conf", "search example.org\n")
    found = the(doctored.finds("D20"))
    doctored.engine["/version"]["Version"] = "20.10.24"
    older = doctored.finds("D20")
    doctored.engine["/version"]["Version"] = "28.5.2"
    doctored.write("/etc/docker/daemon.json", '{"dns": ["198.51.100.53"]}')

    assert "/etc/resolv.conf names no name server" in found.cause
    assert older == []
    assert doctored.finds("D20") == []


def test_d21_the_name_server_is_this_host(doctored: Doctored) -> None:
    """And the network's containers may not ask it."""
    doctored.write("/etc/resolv.conf", "nameserver 192.0.2.2\n")
    doctored.plugin["/v1/networks"] = [a_network(options={"host_services": "80/tcp"})]
    found = the(doctored.finds("D21"))
    doctored.plugin["/v1/networks"] = [a_network(options={"host_services": "80/tcp,53/udp"})]

    assert "name server 192.0.2.2 is this host, and network web has host_services=80/tcp" in (
        found.cause
    )
    assert found.remedy.endswith("host_services=80/tcp,53/udp,53/tcp")
    assert doctored.finds("D21") == []


def test_d35_a_full_pool(doctored: Doctored) -> None:
    """And how many of its addresses only rest."""
    doctored.plugin["/v1/status"]["pools"] = {
        "nearly_full": [{"prefix": "10.1.0.0/29", "network": WEB, "free": 0, "size": 6}]
    }
    doctored.plugin["/v1/pools"] = [{"prefix": "10.1.0.0/29", "addresses": {"resting": 4}}]
    found = the(doctored.finds("D35"))

    assert "pool 10.1.0.0/29 has 0 of 6 addresses left; 4 rest for a while" in found.cause
    assert found.about == ("web",)
