"""Words that are said twice where one answer goes over into another are told once."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.conversation.seam import LEAST, LOOKED_AT, Seam

TEXT = st.text(alphabet="ab \n日", max_size=300)


def joined(said: str, pieces: list[str]) -> str:
    seam = Seam(said)
    return said + "".join([*map(seam.feed, pieces), seam.close()])


@pytest.mark.parametrize(
    ("said", "more", "whole"),
    [
        ("The quick brown fox", " jumps.", "The quick brown fox jumps."),
        ("The quick brown fox", "brown fox jumps.", "The quick brown fox jumps."),
        ("The quick brown fox", "The quick brown fox jumps.", "The quick brown fox jumps."),
        ("I saw the", "e end", "I saw thee end"),
        ("Hello", "", "Hello"),
    ],
)
def test_a_repetition_is_cut_and_chance_is_not(said: str, more: str, whole: str) -> None:
    assert joined(said, [more]) == whole
    assert joined(said, list(more)) == whole


@given(said=TEXT, more=TEXT, cuts=st.lists(st.integers(0, 300)))
def test_however_it_is_cut_the_whole_is_the_same_and_nothing_new_is_lost(
    said: str, more: str, cuts: list[int]
) -> None:
    at = sorted({0, len(more), *(cut for cut in cuts if cut <= len(more))})
    pieces = [more[start:end] for start, end in pairwise(at)]

    whole = joined(said, pieces)

    kept = whole.removeprefix(said)
    assert more.endswith(kept)
    dropped = len(more) - len(kept)
    assert dropped == 0 or LEAST <= dropped <= LOOKED_AT
    assert said.endswith(more[:dropped])
