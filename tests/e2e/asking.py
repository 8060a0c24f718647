"""Who answers whom: many questions at once, because silence takes a second to hear."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from tests.lab.clients import Address, http_get
from tests.lab.commands import DeadlineError, wait_until
from tests.lab.namespace import Peer, ip
from tests.lab.site import Site

# Whence, whither, and who answers; nobody, if it is empty.
Question = tuple[Path, Address, int, str]

NOBODY: Final = ""
_SILENCE: Final = 1.0
_ANSWER: Final = 5.0


def surprises(questions: Mapping[str, Question]) -> dict[str, str]:
    """Return who answered, for each question that had another answer than expected."""
    with ThreadPoolExecutor(16) as pool:
        answers = dict(zip(questions, pool.map(_answer, questions.values()), strict=True))
    return {name: who for name, who in answers.items() if who != questions[name][3]}


def comes_true(questions: Mapping[str, Question], *, deadline: float) -> dict[str, str]:
    """Ask until there are no surprises any more; return those left at the deadline."""
    try:
        wait_until(lambda: not surprises(questions), "the answers", deadline=deadline)
    except DeadlineError:
        return surprises(questions)
    return {}


@contextmanager
def ways(peer: Peer, site: Site, *subnets: str) -> Iterator[None]:
    """Give the other machine routes to subnets of the host."""
    routes = [f"{each} via {_via(site, each)}" for each in subnets]
    ip(peer.netns, *(f"route add {route}" for route in routes))
    try:
        yield
    finally:
        ip(peer.netns, *(f"route delete {route}" for route in routes))


def _via(site: Site, subnet: str) -> Address:
    host = site.host
    return host.address6 if ":" in subnet else IPv4Address(host.address)


def _answer(question: Question) -> str:
    netns, address, port, expected = question
    try:
        return http_get(netns, address, port, timeout=_ANSWER if expected else _SILENCE)
    except OSError:
        return NOBODY
