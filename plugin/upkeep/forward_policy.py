"""Report other firewalls on this host that may drop the traffic of pynet's networks.

A packet that one table drops is lost, even if another table accepts it.  The health has one
condition for each table that may drop such packets and where pynet cannot add an accept rule.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from plugin.errors import PynetError
from plugin.health import Health
from plugin.kernel.base import Kernel
from plugin.log import Log
from plugin.model.rules import Unserved

_log: Final = Log("surroundings")
_COMMANDS: Final = {4: "iptables", 6: "ip6tables"}


class ForwardPolicy:
    """Looked at with every tick."""

    def __init__(self, kernel: Kernel, health: Health) -> None:
        self._kernel = kernel
        self._health = health

    def tell(self, unserved: Iterable[Unserved]) -> None:
        """Report the families whose accept rule in Docker's chains is missing, where that matters."""
        reasons: defaultdict[int, list[str]] = defaultdict(list)
        for each in unserved:
            reasons[each.version].append(each.why)
        for version, command in _COMMANDS.items():
            if version in reasons and self._matters(version):
                self._health.degrade(
                    command,
                    f"{'; '.join(reasons[version])}. The chain FORWARD of {command} may drop what is "
                    f"forwarded (Docker sets its policy to DROP), and pynet cannot add its rule there: "
                    f"IPv{version} traffic of its networks to the outside and to published ports may "
                    "be dropped, and between containers where br_netfilter is on",
                    f"install the package iptables, so that {command} is in pynet's PATH; if it is "
                    f"there, run '{command} -S FORWARD' to see its error; pynet needs root and the "
                    "capabilities NET_ADMIN and NET_RAW",
                )
            else:
                self._health.recover(command)

    def _matters(self, version: int) -> bool:
        try:
            return self._kernel.may_drop_forwarded(version)
        except PynetError as error:
            _log.error("rules.not_read", reason=error)
            return True
