"""The command line ``python -m ipam``; nothing else of this package needs it."""
