"""Where the plugin can be ended: the functions must be there, by names that only they know."""

import os

from tests.reliability.crash.points import Points, install


def test_every_point_is_there() -> None:
    """In a process that ends with it: what is counted is replaced."""
    child = os.fork()
    if not child:
        try:
            install(Points())
        except AttributeError:
            os._exit(1)
        os._exit(0)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
