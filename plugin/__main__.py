"""``python -m plugin`` is ``pynet``."""

from plugin.cli import main

main()
