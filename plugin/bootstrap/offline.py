"""In the place of a plugin that does not run: its state and its host, for one command.

The claim is held meanwhile, so that a plugin that starts waits until the command is done.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from plugin.bootstrap.services import STATE_FILE, Builder
from plugin.bootstrap.upkeep import Upkeep
from plugin.config import Config
from plugin.errors import StoreError
from plugin.kernel.claim import claim
from plugin.kernel.watches import name_process
from plugin.service.health import Health


@contextmanager
def stopped(config: Config) -> Iterator[Upkeep]:
    """What an administrator may ask for, without a plugin.

    Raises KernelError if a plugin works on this host's network after all, and StoreError if
    there is no state.
    """
    if not (config.state / STATE_FILE).exists():
        raise StoreError(
            f"no pynet runs here, and there is no state in {config.state}; is PYNET_STATE "
            f"that of the service?"
        )
    name_process()
    builder = Builder(config, Health(), running=False)
    try:
        yield builder.build().upkeep
    finally:
        builder.close()


@contextmanager
def nobody_runs() -> Iterator[None]:
    """Raise KernelError if a plugin works on this host's network; none starts meanwhile."""
    with claim():
        yield
