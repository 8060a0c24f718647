"""The plan as commands: which, in what order, and why."""

import re
import sys
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from plugin.errors import RefusedError
from plugin.firewall.explained import topic_of
from plugin.kernel.explained.table import EXPLAINED
from plugin.model.commands import Setting, Step, Topic
from plugin.model.facts import Fact, Remnant
from plugin.model.network import NetworkState
from plugin.model.plan import ORDER
from plugin.model.traffic import Barred, BarredPort, ExposedBridge, Exposure, LinkRole, Role
from plugin.operator.explain.explanations import LANGUAGES, Explanations
from plugin.service.bound_networks import BoundNetworks
from plugin.store.memory import MemoryStore
from tests.fakes.values import a_network, an_endpoint
from tests.golden.cases import CASES, Case

BLUE = a_network("blue", "10.1.0.0/24")
SEVERAL = (LinkRole, ExposedBridge, BarredPort)  # kinds of facts that are about several things
HANGUL = re.compile("[가-힣]")


def explanations(*cases: Case) -> Explanations:
    store = MemoryStore()
    for case in cases:
        network = replace(case.network, state=NetworkState.ACTIVE)
        store.save_network(network)
        store.save_endpoint(case.endpoint())
    return Explanations(store=store, bound=BoundNetworks(), rules="")


def every(case: Case, language: str = "en") -> list[dict[str, Any]]:
    parts = explanations(case).explain(case.network.id, language)
    return [step for part in parts for step in part["steps"]]


def kinds_of_facts() -> set[type[Fact]]:
    """All that plans can have; a class with slots was made twice, and its module has the second."""
    known = {
        kind for kind in Fact.__subclasses__() if getattr(_module(kind), kind.__name__) is kind
    }
    return known - {Remnant, *SEVERAL}


def _module(kind: type[Fact]) -> ModuleType:
    return sys.modules[kind.__module__]


def test_every_kind_of_host_object_is_explained() -> None:
    """A new one belongs into the table, in the order of making."""
    assert list(EXPLAINED) == [kind for kind in ORDER if kind is not Fact]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_topic_has_a_sentence(language: str) -> None:
    """And no sentence is left of a topic that is gone."""
    topics: set[Topic] = {*Step, *Setting, *Role, *Exposure, *Barred}

    assert LANGUAGES[language].keys() == topics | kinds_of_facts()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
def test_every_step_says_why(name: str, language: str) -> None:
    """In one line of its language, for every option of every mode."""
    for step in every(CASES[name], language):
        assert step["why"], step
        assert "\n" not in step["why"] + step["command"], step
        assert "{" not in step["why"], step
        assert bool(HANGUL.search(step["why"])) == (language == "ko"), step


def test_languages_have_the_same_commands() -> None:
    """Only the reasons differ."""
    case = CASES["bridge/dual-plain"]
    english, korean = every(case, "en"), every(case, "ko")

    assert [step["command"] for step in english] == [step["command"] for step in korean]


def test_every_fact_has_a_topic() -> None:
    """Each that a plan can have."""
    for case in CASES.values():
        for fact in case.facts():
            assert topic_of(fact) in LANGUAGES["en"]


class TestOrder:
    def test_commands_are_in_the_order_of_the_plan(self) -> None:
        """A link before what is on it, and what lets packets in comes last."""
        programs = [step["command"] for step in every(CASES["bridge/dual-bounded"])]
        first = {
            begin: next(at for at, text in enumerate(programs) if text.startswith(begin))
            for begin in ("ip link add", "sysctl", "ip address", "pynet explain", "nft")
        }

        assert list(first.values()) == sorted(first.values())

    def test_the_rules_come_once_and_before_what_they_look_up(self) -> None:
        """They are the same for all."""
        texts = [step["command"] for step in every(CASES["bridge/dual-plain"])]
        rules = [at for at, text in enumerate(texts) if text.startswith("pynet explain --rules")]
        elements = [at for at, text in enumerate(texts) if text.startswith("nft ")]

        assert len(rules) == 1
        assert rules[0] < elements[0]

    def test_nothing_is_printed_twice(self) -> None:
        """Two containers may need the same."""
        texts = [step["command"] for step in every(CASES["bridge/dual-plain"]) if step["command"]]

        assert len(texts) == len(set(texts))

    def test_it_is_the_same_each_time(self) -> None:
        """Plans are sets."""
        case = CASES["bridge/dual-strict"]

        assert every(case) == every(case)


class TestWhich:
    def test_a_network_has_a_part_for_each_container(self) -> None:
        """That is joined."""
        case = CASES["bridge/v4-plain"]
        answers = explanations(case)
        idle = an_endpoint(case.network, 9)
        answers.store.save_endpoint(idle)
        parts = answers.explain(case.network.id[:12], "en")

        assert [part["endpoint"] for part in parts] == [None, case.endpoint().id]

    def test_a_container_alone(self) -> None:
        """With the rules that it needs, and nothing of the network's."""
        case = CASES["bridge/v4-plain"]
        (part,) = explanations(case).explain(case.endpoint().id[:12], "en")
        texts = [step["command"] for step in part["steps"]]

        assert part["endpoint"] == case.endpoint().id
        assert not any("type bridge " in f"{text} " for text in texts)
        assert "pynet explain --rules | nft -f -" in texts

    def test_a_parent_is_named_first(self) -> None:
        """pynet does not make it."""
        first = every(CASES["macvlan/plain"])[0]

        assert "eth0" in first["why"]
        assert not first["command"]

    @pytest.mark.parametrize(
        ("which", "language", "message"),
        [
            (
                "nowhere",
                "en",
                "'nowhere' is no network or endpoint that pynet knows; 'pynet networks'",
            ),
            ("", "en", "'' is no network or endpoint that pynet knows"),
            (
                "6",
                "en",
                "'6' is the beginning of several ids: 666666666666, 676f6c64656e; give more digits",
            ),
            ("676f6c64656e", "de", "--lang is 'de', expected one of en, ko"),
        ],
    )
    def test_refusals(self, which: str, language: str, message: str) -> None:
        """In one sentence."""
        one = CASES["bridge/v4-plain"]
        answers = explanations(one)
        answers.store.save_network(replace(one.network, id=type(one.network.id)("6" * 64)))

        with pytest.raises(RefusedError, match=message):
            answers.explain(which, language)


def test_no_key_is_printed() -> None:
    """Of an encrypted network: keys have names."""
    texts = [step["command"] for step in every(CASES["overlay/encrypted"])]

    assert [text for text in texts if text.startswith("wg set")]
    assert all("KEY-OF-" in text for text in texts if text.startswith("wg set"))
