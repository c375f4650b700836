"""The tail of a child's log is the same however its bytes arrive, and small whatever it writes."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from infrastructure.model_server.log_tail import LogTail


@given(text=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200), max_size=5))
def test_the_tail_does_not_depend_on_how_the_bytes_were_split(text: bytes, cuts: list[int]) -> None:
    whole, pieces = LogTail(lines=3, line_bytes=20), LogTail(lines=3, line_bytes=20)
    whole.feed(text)
    edges = [0, *sorted(cuts), len(text)]
    for start, end in pairwise(edges):
        pieces.feed(text[start:end])

    assert pieces.lines() == whole.lines()


def test_only_the_last_lines_are_kept() -> None:
    tail = LogTail(lines=2)
    tail.feed(b"one\ntwo\nthree\n")

    assert tail.lines() == ("two", "three")


def test_a_long_line_is_cut() -> None:
    tail = LogTail(line_bytes=10)
    for _ in range(1000):
        tail.feed(b"x" * 1000)

    assert tail.lines() == ("x" * 10,)
