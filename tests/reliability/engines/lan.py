"""The one network of the proofs that is not behind the host but on its LAN, with the host in it."""

from typing import Final

from tests.lab.namespace import SUBNET4

LAN: Final = (
    *("-o", "mode=macvlan", "-o", "parent=eth0", "-o", "host_access=true"),
    *(f"--subnet={SUBNET4}", "--gateway=10.99.0.254", "--ip-range=10.99.0.128/26"),
)
