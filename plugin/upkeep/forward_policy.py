"""What other people's firewalls on this host mean for the traffic of our networks.

A packet that one table drops is lost whatever another says.  What could drop ours and cannot be
told to let it through is said in the health, one condition for each reason.
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
        """Say for which families our rule beside Docker's is missing, where that matters."""
        reasons: defaultdict[int, list[str]] = defaultdict(list)
        for each in unserved:
            reasons[each.version].append(each.why)
        for version, command in _COMMANDS.items():
            if version in reasons and self._matters(version):
                self._health.degrade(
                    command,
                    f"{'; '.join(reasons[version])}. Others filter what is forwarded on this host "
                    f"(FORWARD of {command}, whose policy Docker sets to DROP), and pynet cannot have "
                    f"its rule among theirs: IPv{version} traffic of its networks to outside and to "
                    "published ports may be dropped, and between containers where br_netfilter is on",
                    f"install the package iptables and have {command} in pynet's PATH; if it is "
                    f"there, find out what '{command} -S FORWARD' complains about; it needs root and "
                    "the capabilities NET_ADMIN and NET_RAW, which pynet must have, too",
                )
            else:
                self._health.recover(command)

    def _matters(self, version: int) -> bool:
        try:
            return self._kernel.may_drop_forwarded(version)
        except PynetError as error:
            _log.error("rules.not_read", reason=error)
            return True
