"""Networks of the proofs that are not behind the host: it is among their containers."""

from typing import Final

from tests.lab.namespace import SUBNET4

LAN: Final = (
    *("-o", "mode=macvlan", "-o", "parent=eth0", "-o", "host_access=true"),
    *(f"--subnet={SUBNET4}", "--gateway=10.99.0.254", "--ip-range=10.99.0.128/26"),
)
# On no link of the host's, but on one of its own.
ISOLATED: Final = (
    *("-o", "mode=macvlan", "-o", "host_access=true", "-o", "host_address=10.62.0.9"),
    *("--subnet=10.62.0.0/24", "--gateway=10.62.0.1"),
)
