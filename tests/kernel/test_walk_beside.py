"""What a trace says beside ufw and firewalld, the real ones, is what the packet does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plugin.model.network import Protocol
from plugin.trace.packet import Course, Verdict
from tests.fakes.values import a_binding
from tests.kernel.exchange import Answer, Exchange
from tests.kernel.firewalld import Firewalld, ensure_firewalld
from tests.kernel.site import HOST4, HOST6, OUTSIDE4, OUTSIDE6, Site
from tests.kernel.tracing import SAYS, Tracer, told
from tests.kernel.ufw import Ufw, ensure_ufw

PORT = 7000  # of the host's own service, and of one outside
CLOSED = 7001  # where nothing listens
# Who asks, and at which address and port: of published ports, services of the host, neighbours, strangers
# and what is outside.
QUESTIONS = [
    *(("outside", (HOST4, 8080)), ("outside", (HOST4, PORT)), ("outside", (HOST4, CLOSED))),
    *(("outside", (HOST6, 8080)), ("outside", (HOST6, PORT))),
    *(("near", ("10.1.0.2", 80)), ("near", ("10.1.0.2", CLOSED)), ("near", ("fd00:1::2", 80))),
    *(("near", ("10.1.0.1", PORT)), ("near", (HOST4, 8080)), ("near", ("fd00:1::1", PORT))),
    *(("near", (OUTSIDE4, PORT)), ("near", (OUTSIDE4, CLOSED)), ("near", (OUTSIDE6, PORT))),
    *(("far", ("10.1.0.2", 80)), ("far", (HOST4, 8080)), ("far", (HOST4, PORT))),
    *(("host", ("10.1.0.2", 80)), ("host", (HOST4, 8080)), ("host", (OUTSIDE4, PORT))),
]


@pytest.fixture(scope="session")
def roots() -> tuple[Path, Path]:
    """What ufw and firewalld are unpacked in."""
    return ensure_ufw(), ensure_firewalld()


@pytest.fixture
def beside(roots: tuple[Path, Path]) -> Iterator[Site]:
    """A host with Docker's chains, and br_netfilter."""
    made = Site(br_netfilter=True, docker=True)
    made.host.sysctl("net/ipv4/icmp_ratemask", 0)  # every refusal is said
    made.host.sysctl("net/ipv6/icmp/ratelimit", 0)
    with made.host.entered():
        yield made
        made.close()


@pytest.fixture
def ask(beside: Site) -> Callable[[], dict[str, str]]:
    """What differs of all courses; the second call asks again, of other rules."""
    web = beside.network("web", "10.1.0.0/24", "fd00:1::/64")
    server = beside.container(web, 2, [a_binding(80, 8080)])
    far = beside.container(beside.network("far", "10.2.0.0/24", "fd00:2::/64"))
    who = {"server": server.netns, "near": beside.container(web, 3).netns, "far": far.netns}
    places = {**who, "host": beside.host, "outside": beside.outside}

    def differing() -> dict[str, str]:
        with Exchange() as exchange:
            exchange.serve(server.netns, Protocol.TCP, 80)
            for place in (beside.host, beside.outside):
                exchange.serve(place, Protocol.TCP, PORT)
            for question in QUESTIONS:
                exchange.ask(question, places[question[0]], Protocol.TCP, question[1])
            tracer = Tracer(beside, who)
            courses = {each: _trace(tracer, *each) for each in QUESTIONS}
            wanted = {each: _comes_to(*each, courses[each]) for each in QUESTIONS}
            found = exchange.answers(wanted)
        return {
            f"{by} asks {to}": f"{told(courses[by, to])}\nbut: {found[by, to].value}"
            for by, to in QUESTIONS
            if courses[by, to].verdict is Verdict.UNKNOWN
            or _as_told(found[by, to]) is not _as_told(wanted[by, to])
        }

    return differing


def _trace(tracer: Tracer, by: str, to: tuple[str, int]) -> Course:
    outside = OUTSIDE6 if ":" in to[0] else OUTSIDE4
    return tracer.trace(outside if by == "outside" else by, "tcp", to)


def _comes_to(_: str, to: tuple[str, int], course: Course) -> Answer:
    """What is outside answers for itself."""
    if course.verdict is Verdict.LEAVES:
        return Answer.REACHED if to[1] == PORT else Answer.REFUSED
    return SAYS.get(course.verdict, Answer.DROPPED)


def _as_told(answer: Answer) -> Answer:
    """A rule says that a port or a host is out of reach; the sender is told either way."""
    return Answer.REFUSED if answer is Answer.UNREACHABLE else answer


@pytest.fixture
def ufw(beside: Site, roots: tuple[Path, Path], tmp_path: Path) -> Ufw:
    """Installed, and not active yet."""
    return Ufw(roots[0], tmp_path)


def test_beside_ufw(ask: Callable[[], dict[str, str]], ufw: Ufw) -> None:
    """With its defaults; then with rules of the user's."""
    ufw("--force", "enable")
    first = ask()
    for rule in (
        "allow 7000/tcp",
        "route deny to 10.1.0.2 port 80",
        "reject in on up0 to any port 7001",
    ):
        ufw(*rule.split())

    assert first == {}
    assert "\n".join(f"{k}: {v}" for k, v in ask().items()) == ""


@pytest.mark.parametrize("zone", [pytest.param("", marks=pytest.mark.nightly), "trusted"])
def test_beside_firewalld(
    beside: Site,
    ask: Callable[[], dict[str, str]],
    roots: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
) -> None:
    """Links that are in no zone yet, and in the one that pynet puts them in."""
    made = Firewalld(roots[1], tmp_path)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    try:
        made.start()
        beside.healer.heal()  # it empties the chains of iptables when it starts
        if zone:
            for line in beside.host.run("ip", "-o", "link", "show", "type", "bridge").splitlines():
                made.call("zone.addInterface", zone, line.split()[1].rstrip(":"))
        assert "\n".join(f"{k}: {v}" for k, v in ask().items()) == ""
    finally:
        made.close()
