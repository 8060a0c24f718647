"""Desired minus actual: the one comparison behind making, healing and reporting."""

from collections.abc import Iterable
from dataclasses import dataclass

from plugin.model.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """How the host differs from what it should hold."""

    missing: frozenset[Resource] = frozenset()
    changed: frozenset[Resource] = frozenset()
    surplus: frozenset[Resource] = frozenset()

    def __or__(self, other: "Delta") -> "Delta":
        return Delta(
            missing=self.missing | other.missing,
            changed=self.changed | other.changed,
            surplus=self.surplus | other.surplus,
        )

    def __bool__(self) -> bool:
        return bool(self.missing or self.changed or self.surplus)


def diff(desired: Iterable[Resource], actual: Iterable[Resource]) -> Delta:
    """Compare by key, then by value.

    ``changed`` holds the desired form of what differs on the host; ``surplus`` the actual form
    of what is not desired.
    """
    # What is as it should be, nearly all as a rule, need not be compared by key.
    wants, has = frozenset(desired), frozenset(actual)
    lacking, others = wants - has, has - wants
    if not others:
        return Delta(missing=lacking)
    wanted = {resource.key: resource for resource in lacking}
    found = {resource.key: resource for resource in others}
    return Delta(
        missing=frozenset(wanted[key] for key in wanted.keys() - found.keys()),
        changed=frozenset(
            wanted[key] for key in wanted.keys() & found.keys() if wanted[key] != found[key]
        ),
        surplus=frozenset(found[key] for key in found.keys() - wanted.keys()),
    )
