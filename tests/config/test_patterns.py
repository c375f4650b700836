"""Patterns of routing rules end soon, whatever anybody sends."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.load import load_text
from config.patterns import LONGEST_NAME, LONGEST_TEXT, PatternRefused, name_pattern, search_pattern
from config.problems import ConfigError

DEADLINE_S = 1.5
"""Ten times what the slowest of these takes on a small machine; a pattern that backtracks takes years."""

TEXTS = {
    "one letter": "a" * 100_000,
    "one letter and another end": "a" * 100_000 + "!",
    "two letters": "ab" * 50_000,
    "runs": ("a" * 40 + "b") * 2500,
    "code": "for (int i = 0; i < n; i++) { x = x * 2; }\n" * 2500,
}

EVIL = (
    r"(a+)+$", r"(a|a)*b", r"(a*)*b", r"((a+)+)+c", r"(a|aa)+$", r"(.*a){20}c", r"(a?){50}a{50}c",
    r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(x+x+)+y", r".*.*.*.*.*=.*", r"(a|b)*a(a|b){12}c",
    r"(?:a?b?c?d?)*!", r"(\w+\s?)*$", r"([a-zA-Z]+)*\d", r"(a+a+)+$", r"a*a*a*a*a*a*c",
    r"(?i)(A+)+$", r"(a|b|ab)*c", r"(?P<x>a+)+$", r"(a+)?(a+)?(a+)?(a+)?c",
)  # fmt: skip


@pytest.mark.parametrize("evil", EVIL)
def test_a_pattern_that_would_backtrack_for_ever_ends(evil: str) -> None:
    pattern = search_pattern(evil)
    for name, text in TEXTS.items():
        begun = time.process_time()
        pattern.fits(text)
        assert time.process_time() - begun < DEADLINE_S, name


@pytest.mark.parametrize("evil", EVIL)
def test_a_models_name_keeps_nobody_busy_either(evil: str) -> None:
    pattern = name_pattern(evil)
    begun = time.process_time()
    for text in TEXTS.values():
        pattern.fits(text[:LONGEST_NAME])
        pattern.fits(text)
    assert time.process_time() - begun < DEADLINE_S


@pytest.mark.parametrize(
    "evil",
    [
        r"(a+)+\1$", r"(?=(a+)+$)b", r"(?!.*.*=)(a|a)*", r"(a|a)*(?<!x)b", r"(?=a*)a*b", r"(?>a+)+b",
        r"(?x) ( a+ ) + \1", "(?x:(a+) # words\n+)(?=b)", r"(a++)+b", r"\b(?=.*x)",
    ],
)  # fmt: skip
def test_what_no_engine_can_bound_is_refused(evil: str) -> None:
    with pytest.raises(PatternRefused):
        search_pattern(evil)


@pytest.mark.parametrize("large", [r"((a{0,30}){0,30})c", r"(.{1,400}a.{1,490}c)+", r"([ab]{0,100}){9}c"])
def test_a_program_that_is_too_large_is_refused(large: str) -> None:
    with pytest.raises(PatternRefused, match="too long"):
        search_pattern(large)


@pytest.mark.parametrize("broken", ["(", "*", "[", "(?P<", "a{2,1}", "\\"])
def test_what_is_no_pattern_is_refused_as_such(broken: str) -> None:
    for compiled in (search_pattern, name_pattern):
        with pytest.raises(PatternRefused, match="not a regular expression"):
            compiled(broken)


@pytest.mark.parametrize("key", ["content_regex", "model_pattern"])
def test_a_refused_pattern_is_reported_with_its_line_and_key(key: str) -> None:
    text = (
        "providers: [{name: a, base_url: 'http://h/v1', model: m}]\n"
        "profiles: [{name: default, providers: [a]}]\n"
        "default_profile: auto\n"
        "auto_router:\n"
        "  default_rule_profile: default\n"
        "  rules:\n"
        "    - id: evil\n"
        "      profile: default\n"
        "      match:\n"
        f"        {key}: '(a+)+\\1$'\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_text(text)

    (problem,) = caught.value.problems
    assert (problem.place.origin, problem.place.line) == ("providers.yaml", 10)
    assert problem.path == f"auto_router.rules[0].match.{key}"
    assert "for ever" in problem.message
    assert "back-references" in problem.hint


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        (r"(?i)\b(refactor|stack ?trace|pytest)\b", "run PyTest now", True),
        (r"\bprüfung\b", "die prüfung beginnt", True),
        (r"\bテスト\b", "これは テスト です", True),
        (r"\bfoo\b", "überfoo", False),
        (r"fix(?!ed)", "fixed it", False),
        (r"done$", "all done\n", True),
        (r"(a|b)+ done$", "a done\n", True),
        (r"^(a|b)+ done$", "x\na done", False),
        (r"(?m)^(a|b)+ done$", "x\na done\ny", True),
        (r"fix.*bug", "fix the bug", True),
        (r"fix.*bug", "fix the\nbug", False),
        (r"(?s)fix.*bug", "fix the\nbug", True),
    ],
)
def test_a_pattern_means_what_python_says_it_means(pattern: str, text: str, fits: bool) -> None:
    assert (re.search(pattern, text) is not None) is fits
    assert search_pattern(pattern).fits(text) is fits


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("claude-.*haiku.*", "claude-haiku-5-5", True),
        ("claude-.*haiku.*", "claude-3-5-haiku-latest", True),
        ("claude-.*haiku.*", "anthropic/claude-haiku", False),
        ("haiku", "claude-haiku", False),
        ("(?!.*haiku)claude-.*", "claude-opus-5", True),
        ("(?!.*haiku)claude-.*", "claude-haiku-5", False),
        ("(gpt|o)-?[0-9]+(-mini)*", "gpt-5-mini", True),
        ("(gpt|o)-?[0-9]+(-mini)*", "openai/gpt-5-mini", False),
        ("(gpt|o)-?[0-9]+(-mini)*", "gpt-5-mini-latest", False),
        (".*", "x" * LONGEST_NAME, True),
        (".*", "x" * (LONGEST_NAME + 1), False),
    ],
)
def test_a_model_pattern_fits_the_whole_name_or_not_at_all(pattern: str, name: str, fits: bool) -> None:
    assert name_pattern(pattern).fits(name) is fits


def test_what_lies_beyond_the_searched_part_is_not_found() -> None:
    for pattern in ("needle", "(n|N)+eedle"):
        assert search_pattern(pattern).fits("x" * (LONGEST_TEXT - 6) + "needle")
        assert not search_pattern(pattern).fits("x" * LONGEST_TEXT + "needle")


def test_half_a_character_in_a_text_is_no_trouble() -> None:
    assert search_pattern("(a|b)+c").fits("\ud800abc")


_patterns = st.text(alphabet="ab()|*+?.{2,}[]^$\\", max_size=14)


@settings(deadline=None)
@given(_patterns, st.text(alphabet="ab\n", max_size=20))
def test_both_engines_agree_on_plain_patterns(pattern: str, text: str) -> None:
    try:
        ours = search_pattern(pattern)
    except PatternRefused:
        return
    if "\\" in pattern or "$" in pattern:
        ours.fits(text)
        return
    assert ours.fits(text) is (re.compile(pattern).search(text) is not None)


@settings(deadline=None, max_examples=60)
@given(_patterns)
def test_no_pattern_that_is_accepted_takes_long(pattern: str) -> None:
    try:
        ours = search_pattern(pattern)
    except PatternRefused:
        return
    for text in ("a" * LONGEST_TEXT, "ab" * (LONGEST_TEXT // 2)):
        begun = time.process_time()
        ours.fits(text)
        assert time.process_time() - begun < DEADLINE_S
