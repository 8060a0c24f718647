"""Real Docker hosts on one machine, for tests, benchmarks and the demo.

A host is a network, mount, PID and UTS namespace with a dockerd of its own on
an overlay of a Debian root file system; hosts of one run share a fabric (a
network namespace with a bridge).  Everything of a run lives in one directory
and carries the run's name in its environment, so that runs do not collide and
what a killed run left behind can be found.
"""
