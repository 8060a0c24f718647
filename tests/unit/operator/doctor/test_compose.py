"""Compose files: what is wrong, and in which line."""

import os
from pathlib import Path

import pytest

from plugin.errors import RefusedError
from plugin.operator.doctor.compose import check_compose

HEALTHY = """\
services:
  web:
    image: nginx
    networks: [front]
    ports: ["8080:80"]
networks:
  front:
    driver: pynet
    driver_opts: {icc: "false", com.docker.network.driver.mtu: "1400"}
    ipam: {driver: pynet}
  lan:
    driver: pynet/pynet:latest
    driver_opts: {mode: macvlan, parent: eth0}
    ipam: {driver: pynet, config: [{subnet: 192.0.2.0/24}]}
  other:
    driver: bridge
"""


def said(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "compose.yml"
    path.write_text(text)
    return [each.cause for each in check_compose(path)]


def test_a_file_that_is_well(tmp_path: Path) -> None:
    """Nothing is said of it, nor of other drivers' networks."""
    assert said(tmp_path, HEALTHY) == []


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("    driver: bridge\n", "    driver: pynet\n    external: true\n", "is external and has"),
        ('icc: "false"', "icc: false", "line 9: icc of network front is false without quotes"),
        ('icc: "false"', 'ic: "false"', "line 9: network front: option ic is unknown"),
        ('icc: "false"', 'icc: "maybe"', "line 9: network front: option icc is 'maybe'"),
        ("mode: macvlan", "mode: macvlann", "line 13: network lan: option mode is 'macvlann'"),
        ("ipam: {driver: pynet}", "internal: false", "network front has no ipam driver of pynet"),
        ("[front]", "[lan]", "line 5: service web publishes ports and is on network lan alone"),
        (
            "networks: [front]",
            "networks: [front, lan]\n    mac_address: 02:00:00:00:00:01",
            "line 5: service web has mac_address beside several networks",
        ),
    ],
)
def test_what_is_wrong(tmp_path: Path, old: str, new: str, cause: str) -> None:
    """Each with the line of the file."""
    assert old in HEALTHY
    found = said(tmp_path, HEALTHY.replace(old, new, 1))

    assert [each for each in found if cause in each] != [], found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "line 2 of .* is no YAML|line 1 of .* is no YAML"),
        ("- a", "is no compose file"),
        ("", "is no compose file"),
        ("a: " + "[" * 9999 + "]" * 9999, "is nested too deep for a compose file"),
        ("x: " + "y" * (1 << 20), "larger than a compose file"),
    ],
)
def test_what_is_no_compose_file(tmp_path: Path, text: str, message: str) -> None:
    """One sentence."""
    with pytest.raises(RefusedError, match=message):
        said(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Its name, and why."""
    with pytest.raises(RefusedError, match="cannot be read: No such file"):
        list(check_compose(tmp_path / "none.yml"))


def test_anchors_and_merges(tmp_path: Path) -> None:
    """A value that is written once is seen where it is merged; one that holds itself ends."""
    text = HEALTHY.replace("networks:\n  front:", "x-o: &o {icc: maybe}\nnetworks:\n  front:", 1)
    text = text.replace('{icc: "false",', "{<<: *o,", 1)

    assert "option icc is 'maybe'" in "".join(said(tmp_path, text))
    assert said(tmp_path, "services: &s\n  a: *s\n") == []


def test_several_merges(tmp_path: Path) -> None:
    """Each of a list is seen."""
    text = HEALTHY.replace(
        "networks:\n  front:", "x: [&o {ic: a}, &p {mtu: 1400}]\nnetworks:\n  front:", 1
    )
    text = text.replace('{icc: "false",', "{<<: [*o, *p],", 1)

    assert "option ic is unknown" in "".join(said(tmp_path, text))


def test_what_compose_fills_in(tmp_path: Path) -> None:
    """A variable's value is not known here."""
    assert said(tmp_path, HEALTHY.replace('"1400"', '"${MTU:-1400}"')) == []
    assert "option mtu is '$$MTU'" in "".join(said(tmp_path, HEALTHY.replace('"1400"', '"$$MTU"')))


def test_a_file_that_grows(tmp_path: Path) -> None:
    """A value in a million places is read once; a name that is a list is no name."""
    rows = ["x0: &x0 [a, a, a, a, a, a, a, a, a]"]
    rows += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 60)]

    assert said(tmp_path, "\n".join((*rows, "? *x59\n: a", HEALTHY))) == []


def test_what_is_no_file(tmp_path: Path) -> None:
    """A pipe is not waited for."""
    path = tmp_path / "compose.yml"
    os.mkfifo(path)

    with pytest.raises(RefusedError, match="is no file"):
        list(check_compose(path))
