"""
Estimates how many tokens a text is, from the shapes of its words, marks, numbers and scripts.

Theory of operation. A vocabulary splits a text into words with the space before them, runs of marks, groups
of digits and lines, and splits further what it does not know. We count those runs by their lengths, which
needs no vocabulary: one pass maps every byte to its kind, the rest is splitting and counting in C. How much
of a long word is unknown depends on the language: the share of English function words and of the signs of
code tells that well enough.
"""

import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable

from infrastructure.token_weights import (
    ACCENT,
    DIGIT_GROUP,
    DIGIT_SPACE,
    FOREIGN_RUN,
    INDENT,
    LINE,
    NOISE_LETTER,
    TAB,
    THREE_SPACES,
    character_tokens,
    mark_tokens,
    word_tokens,
)

_ACCENTED = re.compile("[\u0080-\u024f\u1e00-\u1eff]")
_FOREIGN = re.compile("[^\x00-\u024f\u1e00-\u1eff]+")

_LONGEST_READ = 65_536
"""Characters that are read in full; a longer text is judged by evenly spread slices."""
_SLICES = 16

_REMEMBERED = 4096
"""Texts whose count is kept: an agent sends its instructions, tools and history again with every turn."""


class TokenEstimator:
    """Implements `domain.ports.tokens.TokenCounter`; remembers what it has counted, but not the texts."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, int], int] = OrderedDict()

    def __repr__(self) -> str:
        return f"<TokenEstimator knows {len(self._known)} texts>"

    def count(self, text: str) -> int:
        key = (hash(text), len(text))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = estimate(text)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return known

    def at_most(self, text: str) -> int:
        """One token for each byte: the vocabularies of today fall back to bytes, and never below them."""
        return len(text.encode("utf-8", "surrogatepass"))


def estimate(text: str) -> int:
    """About as many tokens as a current model makes of the text; 0 for none, else at least 1."""
    if not text:
        return 0
    if len(text) <= _LONGEST_READ:
        return max(1, round(_tokens(text)))
    stride = len(text) // _SLICES
    size = _LONGEST_READ // _SLICES
    read = "".join([text[start : start + size] for start in range(0, stride * _SLICES, stride)])
    return round(_tokens(read) * len(text) / len(read))


def _tokens(text: str) -> float:
    foreign = 0.0
    accents = 0
    if not text.isascii():
        runs = _FOREIGN.findall(text)
        foreign = sum(character_tokens(one) * times for one, times in Counter("".join(runs)).items())
        foreign += FOREIGN_RUN * len(runs)
        text, accents = _ACCENTED.subn("\xe9", _FOREIGN.sub("\x7f", text))
    return foreign + accents * ACCENT + _latin_tokens(text.encode("latin-1"))


def _latin_tokens(text: bytes) -> float:
    kinds = text.translate(_KINDS)
    words = _run_lengths(kinds.replace(_HUMP, b"a A"), _WORD_KINDS)
    return (
        _weigh_words(text, kinds, words)
        + _noise(kinds, words)
        + sum(-(-length // 3) * times for length, times in _run_lengths(kinds, b"0").items()) * DIGIT_GROUP
        + sum(mark_tokens(length) * times for length, times in _run_lengths(kinds, b".").items())
        + kinds.count(b" 0") * DIGIT_SPACE
        + kinds.count(b"\n") * LINE
        + kinds.count(b"\n ") * INDENT
        + kinds.count(b"   ") * THREE_SPACES
        + kinds.count(b"\t") * TAB
    )


def _run_lengths(kinds: bytes, kept: bytes) -> Counter[int]:
    """How many runs of these kinds there are of each length."""
    return Counter(map(len, kinds.translate(_ONLY[kept]).split()))


def _weigh_words(text: bytes, kinds: bytes, words: Counter[int]) -> float:
    unfamiliarity = _unfamiliarity(text, kinds, words.total())
    return sum(word_tokens(length, unfamiliarity) * times for length, times in words.items())


def _unfamiliarity(text: bytes, kinds: bytes, words: int) -> float:
    """From 0, English or code, to 1, neither."""
    if not words:
        return 0.0
    english = sum(map(text.count, _FUNCTION_WORDS)) / (words * _ENGLISH_SHARE)
    code = max(0.0, (kinds.count(b".") + _HUMP_SAYS * kinds.count(_HUMP)) / words - _PROSE_MARKS)
    return max(0.0, 1.0 - english - code)


def _noise(kinds: bytes, words: Counter[int]) -> float:
    """Keys, hashes and base64 change between cases and digits all the time."""
    letters = sum(length * times for length, times in words.items())
    if not letters:
        return 0.0
    changes = (kinds.count(_HUMP) + kinds.count(b"0a") + kinds.count(b"0A")) / letters
    share = min(1.0, max(0.0, (changes - _USUAL_CHANGES) / _NOISY_CHANGES))
    return share * letters * NOISE_LETTER


_HUMP = b"aA"
"""A capital letter inside a word, as in ``camelCase``: two words in one."""

_FUNCTION_WORDS = tuple(
    f" {word} ".encode()
    for word in "the of to and in is for a that be with it this or are not".split()  # noqa: SIM905
)
_ENGLISH_SHARE = 0.12
"""Function words in a hundredth of the words of plain English, at the least."""
_PROSE_MARKS = 0.5
"""Marks for each word up to which a text is no code."""
_HUMP_SAYS = 3
"""As a sign of code, a hump is worth so many marks."""
_USUAL_CHANGES = 0.09
_NOISY_CHANGES = 0.12
"""Changes for each letter that code has, and how many more make noise of it."""


def _kind(byte: int) -> int:
    """A letter's case, a digit, white space, a foreign run, or a mark."""
    character = chr(byte)
    if byte == _FOREIGN_RUN or character in " \t":
        return byte
    if character in "\r\n":
        return ord("\n")
    for kind, holds in _TESTS:
        if holds(character):
            return ord(kind)
    return ord(".")


_FOREIGN_RUN = 0x7F
_TESTS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("e", lambda character: ord(character) >= 0x80),
    ("a", str.islower),
    ("A", str.isupper),
    ("0", str.isdigit),
)
_WORD_KINDS = b"aAe"
_KINDS = bytes(map(_kind, range(256)))


def _only(kept: Iterable[int]) -> bytes:
    """A table that turns every other kind into a blank."""
    return bytes(kind if kind in kept else ord(" ") for kind in range(256))


_ONLY = {kept: _only(kept) for kept in (_WORD_KINDS, b"0", b".")}
