"""What can go wrong with a call, told by what is known of its effect.

After ``UnavailableError`` and ``RefusedError`` nothing was written.  After ``UnknownOutcomeError``
only reading tells: the answer was lost, the write perhaps not.
"""


class EtcdError(Exception):
    """The root of everything this package raises on purpose."""


class InvalidSettingError(EtcdError):
    """Settings that no client can be made of."""


class UnavailableError(EtcdError):
    """No member did it within the deadline, and nothing was written."""


class UnknownOutcomeError(EtcdError):
    """A write was sent and not answered: it may or may not have been done."""


class RefusedError(EtcdError):
    """etcd understood the call and said no."""


class AccessError(RefusedError):
    """The user or its password is wrong, or the user may not do this."""


class CompactedError(RefusedError):
    """The revision that was asked for is no longer kept."""
