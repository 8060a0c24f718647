"""Makes the n-th thing that can fail, fail: so that a test meets every failure point there is."""

from dataclasses import dataclass, field


class CrashError(BaseException):
    """The process ends here: nothing that runs on ``except Exception`` is run any more."""


@dataclass(slots=True)
class Faults:
    """Counts points, and raises ``error`` at the one numbered ``at``.

    ``error`` is None for the failure that the place itself would raise.
    """

    at: int | None = None
    error: BaseException | None = None
    points: list[str] = field(default_factory=list)

    def point(self, name: str, own: Exception) -> None:
        """Here something can fail, ordinarily with ``own``."""
        number = len(self.points)
        self.points.append(name)
        if number == self.at:
            raise self.error or own

    def arm(self, at: int | None, error: BaseException | None = None) -> None:
        """Count from the beginning, to another end."""
        self.points.clear()
        self.at = at
        self.error = error
