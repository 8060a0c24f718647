"""Recognize a system call that failed because no more files can be opened.

Sockets are files: a published port takes one for each address family, and the limit is the
process's (RLIMIT_NOFILE, LimitNOFILE in a systemd unit) or the host's (sysctl fs.file-max).
"""

import errno
import resource

from plugin.errors import KernelError


def explain(error: OSError) -> str:
    """Why the call failed, and which limit to raise if it was one."""
    match error.errno:
        case errno.EMFILE:
            soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            return (
                f"pynet may open {soft} files and has them all open, two for each published port; "
                "publish fewer ports, or raise the limit (LimitNOFILE in the systemd unit) and "
                "restart pynet"
            )
        case errno.ENFILE:
            return "the host has no more files to open; raise the sysctl fs.file-max"
        case _:
            return str(error)


def is_limit(error: OSError) -> bool:
    """Whether a limit on open files was reached."""
    return error.errno in (errno.EMFILE, errno.ENFILE)


def refusal(what: str, error: OSError) -> KernelError:
    """``what`` could not be done, and why."""
    return KernelError(f"{what}: {explain(error)}")
