"""Networks on links of the host: what their tests have in common."""

from tests.lab.namespace import SUBNET4
from tests.lab.site import Site

ON_ETH0 = ("-o", "mode=macvlan", "-o", "parent=eth0")
LAN = (*ON_ETH0, "--subnet", str(SUBNET4), "--gateway", "10.99.0.254")
RANGE = ("--ip-range", "10.99.0.128/26")
MAC = "02:11:22:33:44:55"
OTHER_LINK = "eth9"


def links_of(site: Site, container: str) -> list[str]:
    lines = site.exec(container, "ip", "-o", "link").splitlines()
    return [line.split(": ")[1].partition("@")[0] for line in lines]
