"""A host for what only a real nftables can say."""

from tests.contract.conftest import netns

__all__ = ["netns"]
