"""What the kernel is given is what nft makes of the skeleton."""

import pytest

from plugin.config import AcceptedMark
from plugin.firewall import skeleton
from plugin.kernel.netlink.nf_transactions import NfTables
from tests.golden.compiling import compiled
from tests.golden.files import ROOT, WRITE_GOLDEN, compare
from tests.kernel.netns import Netns

pytestmark = pytest.mark.root


def test_it_is_compiled_from_the_skeleton(netns: Netns) -> None:
    """A change of the skeleton needs the compiled module written anew."""
    compare(ROOT / "plugin" / "firewall" / "compiled.py", compiled(netns), WRITE_GOLDEN)


@pytest.mark.parametrize(
    ("mark", "accepted"),
    [
        (0x1, None),
        (0x800, AcceptedMark(value=2, mask=3)),
        (0xFFFF0000, AcceptedMark(value=1, mask=0xFFFFFFFF)),
    ],
)
def test_nft_says_the_same_of_both(netns: Netns, mark: int, accepted: AcceptedMark | None) -> None:
    """Tables made from the text, and tables made from what it was compiled to."""
    other = Netns()
    with other.entered():
        NfTables().lay(skeleton.tables(mark, accepted))
    netns.run("nft", "-f", "-", stdin=skeleton.script(mark, accepted))
    words = [each.run("nft", "list", "ruleset") for each in (netns, other)]
    other.close()

    assert words[0] == words[1]
