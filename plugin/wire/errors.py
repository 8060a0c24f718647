"""What is wrong with a message, and where in it."""

from plugin.errors import PynetError


class WireError(PynetError):
    """A message that is not of the protocol; ``path`` is a JSON path from ``$``."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
