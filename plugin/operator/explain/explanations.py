"""The plan of a network or of an endpoint as commands, in the plan's order, each with its reason."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from plugin.errors import RefusedError
from plugin.firewall import explained as firewall
from plugin.kernel.explained import table as kernel
from plugin.model.commands import Command, Step, Topic
from plugin.model.facts import Fact
from plugin.model.ids import short
from plugin.model.network import Endpoint, Network
from plugin.model.plan import Plan, in_order
from plugin.model.resources import Resource
from plugin.operator.explain import english, korean
from plugin.service.bound_networks import BoundNetworks
from plugin.store.base import Store

LANGUAGES: Final[Mapping[str, Mapping[Topic, str]]] = {"en": english.WHY, "ko": korean.WHY}
RULES: Final = Command(words=("pynet", "explain", "--rules"), topic=Step.RULES, about=None)
_LOADED: Final = f"{RULES.text} | nft -f -"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanations:
    """Explains what the state has; ``rules`` is nft's text of pynet's tables without elements."""

    store: Store
    bound: BoundNetworks
    rules: str

    def explain(self, which: str, language: str) -> list[dict[str, Any]]:
        """The parts of the network or endpoint whose id begins with ``which``, each with its steps.

        Raises RefusedError if there is none, or more than one.
        """
        texts = LANGUAGES.get(language)
        if texts is None:
            known = ", ".join(LANGUAGES)
            raise RefusedError(f"--lang is {language!r}, expected one of {known}")
        network, endpoint = self._named(which)
        shown: set[Resource] = set()
        if endpoint is not None:
            return [self._endpoint_part(network, endpoint, texts, shown, first=True)]
        endpoints = self.store.endpoints(network.id)
        bound = self.bound.of(network)
        steps = _steps(bound.plan | bound.shared_plan(endpoints), texts, shown, first=True)
        parts = [{**_head(network), "steps": steps}]
        loaded = any(each["command"] == _LOADED for each in steps)
        for each in endpoints:
            if each.joined and not each.deleting:
                parts.append(self._endpoint_part(network, each, texts, shown, first=not loaded))
                loaded = loaded or any(s["command"] == _LOADED for s in parts[-1]["steps"])
        return parts

    def _endpoint_part(
        self,
        network: Network,
        endpoint: Endpoint,
        texts: Mapping[Topic, str],
        shown: set[Resource],
        *,
        first: bool,
    ) -> dict[str, Any]:
        plan = self.bound.of(network).held_plan(endpoint)
        steps = _steps(plan, texts, shown, first=first)
        return {
            **_head(network),
            "endpoint": endpoint.id,
            "addresses": [str(each) for each in endpoint.interfaces],
            "steps": steps,
        }

    def _named(self, which: str) -> tuple[Network, Endpoint | None]:
        found: list[tuple[Network, Endpoint | None]] = []
        for network in self.store.networks():
            every = ((network, each) for each in self.store.endpoints(network.id))
            pairs: list[tuple[Network, Endpoint | None]] = [(network, None), *every]
            for pair in pairs:
                identity = network.id if pair[1] is None else pair[1].id
                if identity == which:
                    return pair
                if which and identity.startswith(which):
                    found.append(pair)
        if len(found) > 1:
            several = ", ".join(sorted(short(e.id if e else n.id) for n, e in found))
            raise RefusedError(
                f"{which!r} is the beginning of several ids: {several}; give more digits"
            )
        if not found:
            raise RefusedError(
                f"{which!r} is no network or endpoint that pynet knows; 'pynet networks' lists the ids"
            )
        return found[0]


def _head(network: Network) -> dict[str, Any]:
    return {
        "network": network.id,
        "mode": network.mode,
        "subnets": [str(pool.prefix) for pool in network.pools],
        "endpoint": None,
        "addresses": [],
    }


def _steps(
    plan: Plan, texts: Mapping[Topic, str], shown: set[Resource], *, first: bool
) -> list[dict[str, str]]:
    """What was not ``shown`` yet; with the ``first`` fact of all come the rules that look it up."""
    steps = [_step(each, texts) for each in _requirements(plan)]
    for resource in _sorted(plan.resources - shown):
        if first and isinstance(resource, Fact):
            steps.append({"command": _LOADED, "why": texts[Step.RULES]})
            first = False
        steps += [_step(each, texts) for each in _commands(resource)]
    shown |= plan.resources
    if plan.handoff is not None:
        steps.append(_step(Command(topic=Step.HAND_OVER, about=plan.handoff), texts))
    return steps


def _requirements(plan: Plan) -> Iterator[Command]:
    for name in sorted(plan.links_of_others):
        yield Command(topic=Step.PARENT, about=name)


def _sorted(resources: Iterable[Resource]) -> list[Resource]:
    """The plan's order of kinds; among those of one kind always the same."""
    return in_order(sorted(resources, key=lambda each: (type(each).__name__, repr(each))))


def _commands(resource: Resource) -> Iterator[Command]:
    if isinstance(resource, Fact):
        return firewall.commands_of(resource)
    return kernel.commands_of(resource)


def _step(command: Command, texts: Mapping[Topic, str]) -> dict[str, str]:
    return {"command": command.text, "why": texts[command.topic].format(command.about)}
