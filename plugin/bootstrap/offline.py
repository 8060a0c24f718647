"""In the place of a plugin that does not run: its state and its host, for one command.

The claim is held meanwhile, so that a plugin that starts waits until the command is done.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from plugin.bootstrap.services import Builder
from plugin.config import Config
from plugin.health import Health
from plugin.kernel.instance_lock import claim
from plugin.kernel.watches import name_process
from plugin.operator.base import Maintenance
from plugin.store.directory import require_state


@contextmanager
def stopped(config: Config) -> Iterator[Maintenance]:
    """What an administrator may ask for, without a plugin.

    Raises KernelError if a plugin works on this host's network after all, StoreError if there is
    no state, and NoPermissionError if this user may not read it.
    """
    require_state(config.state)
    name_process()
    builder = Builder(config, Health(), running=False)
    try:
        yield builder.build().maintenance
    finally:
        builder.close()


@contextmanager
def nobody_runs() -> Iterator[None]:
    """Raise KernelError if a plugin works on this host's network; none starts meanwhile."""
    with claim():
        yield
