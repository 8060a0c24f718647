"""What programs print that is nearly JSON."""

import pytest

from plugin.trace.lenient_json import decoded


def test_names_as_they_are() -> None:
    """A link may have control characters in its name."""
    assert decoded('[{"ifname": "a\x1b\tb"}]') == [{"ifname": "a\x1b\tb"}]
    assert decoded('[{"ifname": "ä", "mtu": 1500, "no": null}]') == [
        {"ifname": "ä", "mtu": 1500, "no": None}
    ]


@pytest.mark.parametrize("text", ["", "[", '{"a": }'])
def test_what_is_none(text: str) -> None:
    """For the caller to say."""
    with pytest.raises(ValueError):  # noqa: PT011 - whichever of both readers says it
        decoded(text)
