"""Free text inside the arguments of a function, and out again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.openai_responses.free_text import Unwrapping, unwrapped, wrapped

PATCH = '*** Begin Patch\n*** Update File: a.py\n-print("\\t")\n+print("Zürich 🦀")\n*** End Patch'


def in_pieces(arguments: str, cuts: list[int]) -> str:
    unwrapping = Unwrapping()
    pieces = [arguments[start:end] for start, end in zip([0, *cuts], [*cuts, len(arguments)], strict=True)]
    return "".join([unwrapping.feed(piece) for piece in pieces]) + unwrapping.close()


@given(st.text())
def test_text_comes_out_as_it_went_in(text: str) -> None:
    assert unwrapped(wrapped(text)) == text


@given(
    st.text(),
    st.booleans(),
    st.sampled_from([None, 2]),
    st.lists(st.integers(0, 400), max_size=8).map(sorted),
)
def test_text_comes_out_alike_however_json_writes_it_and_wherever_it_is_cut(
    text: str, ascii_only: bool, indent: int | None, cuts: list[int]
) -> None:
    arguments = json.dumps({"input": text}, ensure_ascii=ascii_only, indent=indent)

    assert in_pieces(arguments, [min(cut, len(arguments)) for cut in cuts]) == text


def test_a_patch_survives_every_cut() -> None:
    arguments = json.dumps({"input": PATCH})

    for at in range(len(arguments) + 1):
        assert in_pieces(arguments, [at]) == PATCH
    assert in_pieces(arguments, list(range(1, len(arguments)))) == PATCH


def test_text_is_told_while_it_comes_and_not_only_at_the_end() -> None:
    unwrapping = Unwrapping()

    told = [unwrapping.feed(piece) for piece in ('{"inp', 'ut": "ab', "c\\", "nd\\ud83e", "\\udd80", '"}')]

    assert told == ["", "ab", "c", "\nd", "🦀", ""]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("", ""),
        ("{}", ""),
        ('"bare"', "bare"),
        ('{"patch": "other name"}', "other name"),
        ('{"reason": "x", "input": "second"}', "second"),
        ("*** Begin Patch", "*** Begin Patch"),
        ('{"a": 1, "b": 2}', '{"a": 1, "b": 2}'),
        ("[1, 2", "[1, 2"),
    ],
)
def test_models_that_write_another_form_are_understood(arguments: str, text: str) -> None:
    assert unwrapped(arguments) == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"input": "C:\\path"}', "C:\\path"),
        ('{"input": "line\nbreak"}', "line\nbreak"),
        ('{"input": "half \\ud83e"}', "half \ufffd"),
        ('{"input": "half \\udd80 pair"}', "half \ufffd pair"),
        ('{"input": "half \\ud83e\\n"}', "half \ufffd\n"),
        ('{"input": "\\uZZZZ"}', "\\uZZZZ"),
        ('{"input": "cut off', "cut off"),
        ('{"input": "cut off\\', "cut off"),
        ('{"input": "cut off\\ud83e', "cut off\ufffd"),
    ],
)
def test_text_that_is_not_quite_json_is_told_as_far_as_it_can_be_read(arguments: str, text: str) -> None:
    assert unwrapped(arguments) == text
    assert in_pieces(arguments, list(range(1, len(arguments)))) == text


def test_long_arguments_of_another_form_are_held_in_linear_time() -> None:
    unwrapping = Unwrapping()
    for _ in range(100_000):
        assert unwrapping.feed("abcdefgh") == ""

    assert unwrapping.close() == "abcdefgh" * 100_000
