"""A full window beside a larger prompt is suspicious; nothing else is."""

import pytest

from domain.tokens.truncation import is_truncation_suspected


@pytest.mark.parametrize("counted", [1024, 4096, 4095, 8192, 32768])
def test_a_window_that_was_filled_to_the_brim_is_suspicious(counted: int) -> None:
    assert is_truncation_suspected(counted, counted * 2)


@pytest.mark.parametrize(
    ("counted", "estimated"),
    [(4096, 4500), (4096, 5600), (4000, 9000), (4097, 9000), (0, 9000), (512, 9000), (16384, 16384)],
)
def test_a_prompt_that_fits_or_a_count_of_its_own_is_not(counted: int, estimated: int) -> None:
    assert not is_truncation_suspected(counted, estimated)
