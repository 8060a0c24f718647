"""The log of a hammer finds an address on two containers at a time."""

from tests.reliability.cluster.hammers import Log, Stay


def _stay(host: int, address: str, begin: float, end: float) -> Stay:
    return Stay(host=host, container=f"c{host}", address=address, begin=begin, end=end)


def test_two_at_a_time_are_found() -> None:
    """Also one that came and went while another stayed."""
    long, short = _stay(0, "10.61.0.2", 0, 10), _stay(1, "10.61.0.2", 3, 4)
    late = _stay(2, "10.61.0.2", 9, 12)
    log = Log(stays=[late, short, long])

    assert log.doubles() == [(long, short), (long, late)]


def test_one_after_the_other_is_none() -> None:
    """Nor are different addresses."""
    stays = [_stay(0, "10.61.0.2", 0, 1), _stay(1, "10.61.0.2", 1, 2), _stay(2, "10.61.0.3", 0, 9)]

    assert Log(stays=stays).doubles() == []
