"""pynet: container networking for Docker, as a libnetwork remote driver and IPAM plugin."""

from typing import Final

__version__: Final = "0.2.0"
