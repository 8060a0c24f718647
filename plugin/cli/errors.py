"""Why no answer came from the plugin: light, because the help is shown without the client."""

from typing import Final

from plugin.errors import PynetError

# Exit statuses beside 0, all is well; 1, it failed or something is wrong; 2, wrong usage.
NOT_RUNNING: Final = 3
NO_PERMISSION: Final = 4


class NoAnswerError(PynetError):
    """No plugin answers at the admin socket."""


class WrongSocketError(PynetError):
    """Something answers at the admin socket that is not the admin side of a plugin."""


class OtherVersionError(PynetError):
    """The plugin that runs is older than this command."""
