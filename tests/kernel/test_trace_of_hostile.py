"""A trace through a container that does not want to be looked at: it has any names and rules."""

import json
from collections.abc import Iterator

import pytest

from plugin.trace.namespace import Namespace
from plugin.trace.ruleset import Chain, Rule
from tests.kernel.netns import Netns

# What nft would read as its own words: "list chain inet t c; add table inet run; # c".
COMMAND = "t c; add table inet run; #"


@pytest.fixture
def container() -> Iterator[Netns]:
    """A namespace whose tables, links and comments have such names."""
    made = Netns()
    asked = [{"add": each} for name in ("t", COMMAND) for each in _with_a_rule(name)]
    made.run("nft", "-j", "-f", "-", stdin=json.dumps({"nftables": asked}))
    made.run("iptables", "-A", "OUTPUT", "-m", "comment", "--comment", "a\nb", "-j", "DROP")
    made.run("ip", "link", "add", "x\udcff\x1b", "type", "veth", "peer", "name", "y")
    yield made
    made.close()


def _with_a_rule(table: str) -> list[dict[str, object]]:
    where = {"family": "inet", "table": table}
    hook = {"type": "filter", "hook": "output", "prio": 0, "policy": "accept"}
    return [
        {"table": {"family": "inet", "name": table}},
        {"chain": {**where, "name": "c", **hook}},
        {"rule": {**where, "chain": "c", "expr": [{"drop": None}]}},
    ]


def test_names_that_are_commands(container: Netns) -> None:
    """No name is run, as the one whom the trace belongs to."""
    namespace = Namespace(container.path)
    chains = namespace.ruleset(4).hooked(("inet",), "output")
    told = {chain.table: _text(namespace, chain) for chain in chains}

    assert told == {"t": "drop", COMMAND: f"rule with handle {_handle(chains[1])}"}
    assert "table inet run" not in container.run("nft", "list", "tables").splitlines()


def _text(namespace: Namespace, chain: Chain) -> str:
    (rule,) = chain.rules
    assert isinstance(rule, Rule)
    return namespace.text_of(chain, rule)


def _handle(chain: Chain) -> int:
    return chain.rules[0].handle


def test_bytes_that_are_no_text(container: Netns) -> None:
    """Links with any name are listed, and rules with any comment read."""
    namespace = Namespace(container.path)
    (chain,) = namespace.ruleset(4).hooked(("ip",), "output")

    assert {"lo", "y"} < set(namespace.links)
    assert chain.rules[-1].text.endswith("-j DROP")
