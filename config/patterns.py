"""
Compiles the regular expressions of routing rules so that no text can keep the gateway busy.

Python's engine backtracks: `(a+)+$` over thirty letters takes longer than anybody waits, on the one thread
that serves everyone. So a pattern goes where its worst case is bounded:

1. to Python's engine, when the steps of its worst case are few: it means exactly what Python says it means;
2. else to RE2, whose time grows with the length of the text alone; its `\\w`, `\\d`, `\\s`, `\\b` know ASCII;
3. else nowhere. Look-around and back-references have no linear-time form; with many repetitions beside them
   the pattern is refused.

See https://swtch.com/~rsc/regexp/regexp1.html for why, and https://github.com/google/re2/wiki/Syntax.
"""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import re2

LONGEST_TEXT = 65_536
"""Characters of the latest user text that a pattern looks at."""
LONGEST_NAME = 256
"""Characters of a model's name; a longer one fits no pattern."""

_MOST_STEPS = 2_000_000
"""About 20 ms of Python's engine."""
_LARGEST_PROGRAM = 500
"""Instructions of RE2's program: its worst case is this many steps for each character."""

_REPEATED_GROUP = re.compile(r"\)\s*[*+{]")
_FREE_SPACING = re.compile(r"\(\?[a-zA-Z]*x")
_GROUP_MARK = re.compile(r"\(\?")


class PatternRefused(ValueError):
    """A pattern that is not one, or that could keep the gateway busy; ``hint`` says what to write instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class BoundedPattern:
    """A pattern with an engine that ends; implements `domain.routing.predicates.Pattern`."""

    source: str
    _fits: Callable[[str], bool]

    def __repr__(self) -> str:
        return f"<BoundedPattern {self.source!r}>"

    def fits(self, text: str) -> bool:
        return self._fits(text)


def search_pattern(source: str) -> BoundedPattern:
    """
    A pattern to be found anywhere in a text.

    Raises:
        PatternRefused: it is no regular expression, or no engine could bound its time.
    """
    compiled = _compiled(source)
    if _worst_case_steps(source, compiled, LONGEST_TEXT, starts=LONGEST_TEXT) <= _MOST_STEPS:
        return BoundedPattern(source, lambda text: compiled.search(text[:LONGEST_TEXT]) is not None)
    linear = _linear(source)
    return BoundedPattern(source, lambda text: _found(linear, text[:LONGEST_TEXT]))


def name_pattern(source: str) -> BoundedPattern:
    """
    A pattern that a model's whole name must fit.

    Raises:
        PatternRefused: as `search_pattern`.
    """
    compiled = _compiled(source)
    if _worst_case_steps(source, compiled, LONGEST_NAME, starts=1) <= _MOST_STEPS:
        return BoundedPattern(
            source, lambda name: len(name) <= LONGEST_NAME and compiled.fullmatch(name) is not None
        )
    linear = _linear(source)
    return BoundedPattern(
        source, lambda name: len(name) <= LONGEST_NAME and linear.fullmatch(_utf8(name)) is not None
    )


def _compiled(source: str) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(source)
    except re.error as error:
        raise PatternRefused(f"not a regular expression: {error}") from None
    except (OverflowError, RecursionError):
        raise PatternRefused("not a regular expression: too large") from None


def _worst_case_steps(source: str, compiled: re.Pattern[str], length: int, *, starts: int) -> float:
    """
    An upper bound of what Python's engine tries, told from the characters of the pattern.

    Each repetition may end at any of ``length`` places, each optional thing is there or not, and each of the
    alternatives of a group may be tried. A repeated group multiplies without bound. Characters that only look
    like operators (in a class, escaped) count as well: that errs on the safe side.
    """
    if _REPEATED_GROUP.search(source) or _FREE_SPACING.search(source) or compiled.flags & re.VERBOSE:
        return float("inf")
    bare = _GROUP_MARK.sub("(", source)
    repetitions = sum(map(bare.count, "*+{"))
    groups = bare.count("(") + 1
    alternatives = (1 + bare.count("|") / groups) ** groups
    try:
        return float(starts) * float(length) ** repetitions * 2.0 ** bare.count("?") * alternatives
    except OverflowError:
        return float("inf")


def _linear(source: str) -> "re2._Regexp":
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    try:
        compiled = re2.compile(source, options)
    except (re2.error, UnicodeEncodeError):
        raise PatternRefused(
            "its matching could take for ever",
            "leave out look-around, back-references and possessive repetitions, or have fewer repetitions",
        ) from None
    if compiled.programsize > _LARGEST_PROGRAM:
        raise PatternRefused("its matching could take too long", "repeat less, or split it into two rules")
    return compiled


def _found(linear: "re2._Regexp", text: str) -> bool:
    """As in Python, `$` also stands before a line end that ends the text."""
    if linear.search(_utf8(text)) is not None:
        return True
    return text.endswith("\n") and linear.search(_utf8(text[:-1])) is not None


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")
