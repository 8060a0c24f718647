"""Tests on a kernel that has everything: Debian's own, under qemu.

The kernel of the machine that runs the tests may lack 802.1Q, ipvlan, SCTP or
others.  A test that needs such a thing is marked ``vm``: it is left out on this
machine, and runs in a virtual machine that boots in seconds from a Debian root
in memory, with this tree in it.  ::

    make vm                                       # tests/vm, and tests/kernel again
    python -m tests.vm tests/vm/test_sctp.py -x   # any nodes, with pytest's options

A marked test may stand anywhere in ``tests/vm`` and ``tests/kernel`` and has
their fixtures.  It is root, alone, and its kernel loads a module when a test
first needs it.  In there are the packages of ``image.PACKAGES``, what
``setup.cfg`` says pynet needs, and pytest.
"""
