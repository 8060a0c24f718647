"""Members as people write them."""

import pytest

from etcdgw import Credentials, InvalidSettingError, Member, Settings, parse_members


def test_members_are_urls() -> None:
    """With etcd's own port where none is said."""
    assert parse_members("http://10.0.0.1:2389, http://etcd.example,http://[fd00::1]/") == (
        Member(host="10.0.0.1", port=2389),
        Member(host="etcd.example", port=2379),
        Member(host="fd00::1", port=2379),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "expected URLs"),
        ("10.0.0.1:2379", "expected URLs"),
        ("ftp://10.0.0.1", "expected URLs"),
        ("http://", "expected URLs"),
        ("http://a:0", "expected URLs"),
        ("http://a:70000", "expected URLs"),
        ("http://a:x", "expected URLs"),
        ("http://u:p@a", "expected URLs"),
        ("http://a/v3", "expected URLs"),
        ("http://a?b", "expected URLs"),
        ("http://\u00e4", "expected URLs"),
        ("http://a,http://a:2379", "twice"),
        ("http://a,https://b", "one of them for all"),
    ],
)
def test_what_is_no_member(text: str, complaint: str) -> None:
    """Is said with what would be right."""
    with pytest.raises(InvalidSettingError, match=complaint):
        parse_members(text)


def test_a_client_needs_members_and_time() -> None:
    """Settings are refused before anything is asked."""
    with pytest.raises(InvalidSettingError, match="no member"):
        Settings(members=())
    with pytest.raises(InvalidSettingError, match="seconds above 0"):
        Settings(members=parse_members("http://a"), timeout=0)


def test_a_password_is_not_shown() -> None:
    """Settings may stand in a log."""
    assert "secret" not in repr(Credentials(user="pynet", password="secret"))
