"""Drop all rights of the relay before it reads a byte, except its sockets.

The relay needs no capability, no file and no other process.  It drops all other rights as far as
the kernel and the environment allow.  Without CAP_SETUID it stays root, which owns files; then
Landlock (Linux 5.13) denies it access to them.
"""

import contextlib
import ctypes
import os
import resource
import struct
from typing import Final

_NOBODY: Final = 65534
_PR_SET_NO_NEW_PRIVS: Final = 38  # linux/prctl.h
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
_CAPABILITY_VERSION_3: Final = 0x20080522  # linux/capability.h
_LANDLOCK_CREATE_RULESET: Final = 444  # the same number on every architecture since Linux 5.1
_LANDLOCK_RESTRICT_SELF: Final = 446
_EVERY_FILE_RIGHT: Final = (1 << 13) - 1  # linux/landlock.h, those of its first version

_libc: Final = ctypes.CDLL(None, use_errno=True)


def confine() -> None:
    """Give up everything.  Raises OSError if the capabilities cannot be given up."""
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(PermissionError):
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, bytes(24)), "capset")
    _close_files()


def _close_files() -> None:
    rights = ctypes.create_string_buffer(struct.pack("=Q", _EVERY_FILE_RIGHT), 8)
    ruleset = _libc.syscall(_LANDLOCK_CREATE_RULESET, rights, ctypes.c_size_t(8), 0)
    if ruleset >= 0:
        _libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0)
        os.close(ruleset)


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
