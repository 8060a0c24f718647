"""By what a holder is known again."""

import pytest

from ipam.lease import ANONYMOUS, Owner


class TestOwner:
    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            (Owner(name="web"), Owner(name="web"), True),
            (Owner(name="web"), Owner(name="db"), False),
            (Owner(name="web", mac="a"), Owner(mac="a"), True),
            (Owner(name="web", mac="a"), Owner(name="db", mac="a"), False),
            (Owner(name="web"), Owner(mac="a"), False),
            (Owner(tag="front"), Owner(mac="a", tag="front"), True),
            (ANONYMOUS, ANONYMOUS, False),
        ],
    )
    def test_the_first_thing_both_are_known_by_decides(
        self, one: Owner, other: Owner, same: bool
    ) -> None:
        """Two owners of which nothing is known are not the same."""
        assert one.matches(other) is same
        assert other.matches(one) is same

    @pytest.mark.parametrize(
        ("owner", "text"),
        [
            (Owner(name="web", mac="a"), "name web"),
            (Owner(mac="a", tag="b"), "MAC a"),
            (Owner(tag="b"), "tag b"),
            (ANONYMOUS, "nobody known"),
        ],
    )
    def test_messages_name_it_by_one_thing(self, owner: Owner, text: str) -> None:
        """The most telling one."""
        assert str(owner) == text
