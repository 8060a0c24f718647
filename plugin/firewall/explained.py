"""Facts as the nft commands that add their elements to pynet's tables."""

from collections.abc import Iterator

from plugin.firewall.elements import SHAPES
from plugin.firewall.fact_table import elements_of
from plugin.firewall.skeleton import TABLE
from plugin.model.commands import Command, Topic
from plugin.model.facts import Fact
from plugin.model.traffic import BarredPort, ExposedBridge, LinkRole


def commands_of(fact: Fact) -> Iterator[Command]:
    """One for each element."""
    for each in elements_of(fact):
        data = f" : {' . '.join(each.data)}" if each.data else ""
        element = f"{{ {' . '.join(each.match)}{data} }}"
        words = ("nft", "add", "element", SHAPES[each.set_name].family, TABLE, each.set_name)
        yield Command(words=(*words, element), topic=topic_of(fact), about=fact)


def topic_of(fact: Fact) -> Topic:
    """What the fact is about, where its kind does not say that alone."""
    match fact:
        case LinkRole():
            return fact.role
        case ExposedBridge():
            return fact.exposure
        case BarredPort():
            return fact.barred
        case _:
            return type(fact)
