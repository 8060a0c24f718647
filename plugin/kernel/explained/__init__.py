"""Each kind of host object as the commands that build it by hand.

Beside the handlers, because a command says in iproute2's words what a handler says in netlink's,
with the same numbers.  An explanation needs a value and no host, so it is no verb of a handler: what
explains needs no kernel, and the kernel of a test explains nothing.
"""
