"""Options that the mode does not have."""

from typing import Final

from tests.refusals.case import LABEL, Refusal

UNKNOWN: Final = (
    Refusal(
        mode="overlay",
        options={"gateway_container": "10.50.0.9"},
        said="option gateway_container is unknown in mode overlay; it belongs to mode bridge: add -o",
    ),
    Refusal(
        mode="bridge", options={"vni": "7"}, said="it belongs to mode overlay: add -o mode=ove"
    ),
    Refusal(
        mode="bridge",
        options={"mtuu": "1400"},
        said="option mtuu is unknown in mode bridge; did you mean mtu?",
    ),
    Refusal(
        mode="bridge",
        options={"parent": "eth0"},
        said="unknown in mode bridge; it belongs to mode macvlan or ipvlan: add -o mode=macvlan",
    ),
    Refusal(
        mode="bridge",
        options={f"{LABEL}bridge.enable_iccc": "false"},
        said="did you mean com.docker.network.bridge.enable_icc?",
    ),
    Refusal(
        mode="bridge",
        options={f"{LABEL}endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1"},
        said="it is an option of a container: --network name=NETWORK,driver-opt=com.docker.network",
    ),
    Refusal(mode="bridge", options={"mac": "02:11:22:33:44:55"}, said="option of a container"),
    Refusal(mode="bridge", options={"bridge.enable_icc": "false"}, said="the option is called com"),
    Refusal(mode="macvlan", options={"parnet": "eth0"}, said="did you mean parent?"),
    Refusal(mode="ipvlan", options={"macvlan_mode": "bridge"}, said="it belongs to mode macvlan"),
    Refusal(
        mode="null", options={"mtu": "1400"}, said="option mtu is unknown in mode null; it bel"
    ),
    Refusal(mode="bridge", container={"icc_alow": "10.50.0.3"}, said="did you mean icc_allow?"),
    Refusal(mode="bridge", container={"mtu": "1400"}, said="it belongs to a network"),
    Refusal(mode="null", container={"mac": "02:11:22:33:44:55"}, said="mode null; it has none"),
)
