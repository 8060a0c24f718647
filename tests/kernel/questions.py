"""Who reaches whom, asked by every protocol and family at once."""

from collections.abc import Mapping
from itertools import product
from typing import Final

from plugin.model.network import Protocol
from tests.kernel.exchange import Answer, Exchange
from tests.kernel.netns import Netns
from tests.kernel.site import Container, Site

SERVICE: Final = 7001
SHUT: Final = 7002  # as open as the other, for what is to be denied
PUBLISHED: Final = 8001
# Whence, whither (one address per family), the port, and what becomes of it.
Question = tuple[Netns, tuple[str, str], int, Answer]


def at(container: Container) -> tuple[str, str]:
    return (str(container.address4), str(container.address6))


def surprises(site: Site, questions: Mapping[str, Question]) -> dict[str, Answer]:
    """Ask by every protocol and family; tell what came out otherwise."""
    expected = {
        f"{name} {protocol.text} {address}": (netns, protocol, (address, port), answer)
        for (name, (netns, addresses, port, answer)), protocol in product(
            questions.items(), (Protocol.TCP, Protocol.UDP)
        )
        for address in addresses
    }
    servers = {id(netns): netns for netns in (site.host, *(each[0] for each in questions.values()))}
    with Exchange() as exchange:
        for netns, port, protocol in product(
            servers.values(), (SERVICE, SHUT), (Protocol.TCP, Protocol.UDP)
        ):
            exchange.serve(netns, protocol, port)
        for key, (netns, protocol, target, _) in expected.items():
            exchange.ask(key, netns, protocol, target)
        answers = exchange.answers({key: each[3] for key, each in expected.items()})
    return {key: answers[key] for key, each in expected.items() if answers[key] is not each[3]}
