"""What is wrong with an answer, as opposed to no answer."""


class UnacceptableError(Exception):
    """An answer that was read and must not be taken; the message says why, for people."""
