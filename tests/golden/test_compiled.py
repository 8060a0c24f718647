"""What the kernel is given is what nft makes of the skeleton."""

from typing import Any, Final

import pytest

import plugin.firewall.compiled
from plugin.firewall import skeleton
from plugin.kernel.nf_transactions import NfTables
from tests.golden.compiling import MARK, compiled
from tests.golden.files import ROOT, WRITE_GOLDEN, compare
from tests.kernel.netns import Netns

pytestmark = pytest.mark.root

SETS: Final = {
    "pn_heard": "type ipv4_addr; flags dynamic,timeout; timeout 60s; size 1000",
    "pn_counted": "type ifname . ipv4_addr; counter",
}
MORE: Final = """
    type filter hook forward priority 7; policy accept;
    update @pn_heard {{ ip saddr limit rate over 10/second burst 5 packets }} counter drop
    iifname . ip saddr @pn_counted accept
    iifname vmap {{ "a" : drop, "b" : jump pn_pass }}
    meta oifkind "bridge" counter log prefix "x" drop
    tcp dport {{ 1-5, 80 }} ip saddr {{ 10.0.0.0/8, 192.168.0.0/16 }} limit rate 5/second accept comment "x"
    ct state vmap {{ established : accept, invalid : drop }}
    meta mark set ct mark
    reject
"""


def test_it_is_compiled_from_the_skeleton(netns: Netns) -> None:
    """Whoever changes the one writes the other anew."""
    compare(ROOT / "plugin" / "firewall" / "compiled.py", compiled(netns), WRITE_GOLDEN)


@pytest.mark.parametrize("mark", [0x1, 0x800, 0xFFFF0000])
def test_nft_says_the_same_of_both(netns: Netns, mark: int) -> None:
    """Tables made from the text, and tables made from what it was compiled to."""
    other = Netns()
    with other.entered():
        NfTables().lay(skeleton.tables(mark))
    netns.run("nft", "-f", "-", stdin=skeleton.script(mark))
    words = [each.run("nft", "list", "ruleset") for each in (netns, other)]
    other.close()

    assert words[0] == words[1]


def test_more_of_what_rules_can_say(netns: Netns, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets that packets fill, counters, limits, verdicts by a map: whoever needs one has it."""
    monkeypatch.setitem(skeleton.SETS, skeleton.INET, skeleton.SETS[skeleton.INET] | SETS)
    chains = skeleton._CHAINS[skeleton.INET] | {"pn_more": MORE}
    monkeypatch.setitem(skeleton._CHAINS, skeleton.INET, chains)
    module: dict[str, Any] = {}
    exec(compiled(netns), module)
    for name in ("SETS", "CHAINS"):
        monkeypatch.setattr(plugin.firewall.compiled, name, module[name])
    other = Netns()
    with other.entered():
        for _ in range(2):
            NfTables().lay(skeleton.tables(MARK))
    words = [each.run("nft", "list", "ruleset") for each in (netns, other)]
    other.close()

    assert words[0] == words[1]
