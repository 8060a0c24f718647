"""What the commands of several kinds have in common."""

import shlex
from typing import Final

from plugin.kernel.links.ownership import GROUP_OURS
from plugin.model.commands import Command, Setting, Step, Topic
from plugin.model.ids import IfName
from plugin.model.links import OWNER_PREFIX
from plugin.model.resources import LinkResource
from plugin.model.sysctls import Sysctl

GROUP: Final = ("group", str(GROUP_OURS))
ADD_LINK: Final = ("ip", "link", "add")


def typed(topic: Topic, about: object, *words: str, condition: str = "") -> Command:
    """A command as it is typed."""
    return Command(words=words, topic=topic, about=about, condition=condition)


def unless_there(ifname: IfName) -> str:
    """The condition that no link has the name."""
    return f"ip link show dev {shlex.quote(ifname)} >/dev/null 2>&1 ||"


def if_owned(ifname: IfName) -> str:
    """The condition that the link is not of another program."""
    return f"! ip link show dev {shlex.quote(ifname)} group {GROUP_OURS} | grep -q . ||"


def owned(value: LinkResource, condition: str = "") -> Command:
    """Write the owner into a link's alias."""
    alias = ("alias", OWNER_PREFIX + value.owner)
    words = ("ip", "link", "set", "dev", value.ifname, *alias)
    return typed(Step.OWNER, value, *words, condition=condition)


def up(value: LinkResource) -> Command:
    """Set the link up."""
    return typed(Step.UP, value, "ip", "link", "set", "dev", value.ifname, "up")


def sized(mac_address: str | None, mtu: int | None) -> tuple[str, ...]:
    """Hardware address and MTU of a new link, where they are not the kernel's choice."""
    address = ("address", mac_address) if mac_address else ()
    return address if mtu is None else (*address, "mtu", str(mtu))


def setting(value: Sysctl, condition: str = "") -> Command:
    """Write a setting; with slashes, as names of links may have dots.

    A kernel without IPv6 has none of its settings, which is no error (-e).
    """
    topic = Setting(f"{value.name.rpartition('/')[2]}={value.value}")
    bearing = ("-e",) if value.name.startswith("net/ipv6/") else ()
    text = f"{value.name}={value.value}"
    return typed(topic, value, "sysctl", "-q", *bearing, "-w", text, condition=condition)
