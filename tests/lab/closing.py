"""What a block ends."""

from abc import ABC, abstractmethod
from typing import Self


class Closing(ABC):
    """A context manager whose block closes it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """End what it began."""
