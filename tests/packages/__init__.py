"""The packages that people install, on hosts that have nothing of this tree."""
