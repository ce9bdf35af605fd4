"""Lines of the log that anybody may cause."""

from hintsync.surfaces.web.sparing import Sparing


def test_one_line_in_a_while_tells_how_many_were_left_out():
    now = [100.0]
    sparing = Sparing(every=10, monotonic=lambda: now[0])
    assert [sparing.left_out() for _ in range(4)] == [0, None, None, None]
    now[0] += 9.9
    assert sparing.left_out() is None
    now[0] += 0.1
    assert [sparing.left_out(), sparing.left_out()] == [4, None]
