"""
What the parts of a text weigh in tokens.

The weights were fitted to the median of five vocabularies (OpenAI's o200k_base, Anthropic's published one,
Llama 3, Qwen 3, Gemma 3) over some 1600 samples: prose in 27 languages, seven programming languages, JSON,
logs, tables, keys. `tests/infrastructure/token_texts` holds what they are checked against.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WordWeight:
    """Tokens of a word of at most ``length`` letters; ``unfamiliar`` comes on top where words are rare."""

    length: int
    plain: float
    unfamiliar: float


_WORDS = (
    WordWeight(1, 0.87, 0),
    WordWeight(3, 0.77, 0),
    WordWeight(5, 0.93, 0),
    WordWeight(7, 1.05, 1.2),
    WordWeight(9, 1.7, 1.25),
    WordWeight(12, 1.02, 2.08),
    WordWeight(16, 3.8, 0.0),
)
_WORD_LENGTHS = [weight.length for weight in _WORDS]
_LONG_WORD_LETTER = 0.28
"""Tokens of each letter of a word too long to be one."""


def word_tokens(length: int, unfamiliarity: float) -> float:
    """Tokens of a run of ``length`` Latin letters; ``unfamiliarity`` from 0 (common English) to 1."""
    place = bisect_left(_WORD_LENGTHS, length)
    if place == len(_WORDS):
        return length * _LONG_WORD_LETTER
    return _WORDS[place].plain + unfamiliarity * _WORDS[place].unfamiliar


_MARKS = (0.0, 1.00, 1.13, 0.98, 1.39)
_LONG_MARKS_SIGN = 0.014
"""A rule of dashes is one or two tokens, however long."""


def mark_tokens(length: int) -> float:
    """Tokens of a run of ``length`` punctuation marks."""
    if length < len(_MARKS):
        return _MARKS[length]
    return _MARKS[-1] + (length - len(_MARKS) + 1) * _LONG_MARKS_SIGN


DIGIT_GROUP = 1.02
"""Up to three digits; vocabularies that take digits one by one are in the minority."""

DIGIT_SPACE = 1.38
"""A space before a number is a token of its own, unlike one before a word."""

ACCENT = 0.33
"""A Latin letter outside ASCII."""

NOISE_LETTER = 0.26
"""On top for each letter of keys, hashes and base64."""

LINE = 0.28
INDENT = 0.39
THREE_SPACES = 0.14
TAB = 0.61
FOREIGN_RUN = 1.10
"""What a run of another script weighs beside its characters."""


_SCRIPTS: tuple[tuple[int, float], ...] = (
    (0x0370, 1.48),  # modifiers, combining marks
    (0x0400, 0.242),  # Greek
    (0x0530, 0.173),  # Cyrillic
    (0x0590, 1.48),  # Armenian
    (0x0600, 0.353),  # Hebrew
    (0x0780, 0.202),  # Arabic
    (0x0900, 1.0),  # Thaana to Mandaic
    (0x0E00, 0.372),  # the scripts of India
    (0x0E80, 0.453),  # Thai
    (0x1100, 1.0),  # Lao to Georgian
    (0x1200, 0.9),  # single Hangul letters
    (0x2000, 1.0),  # Ethiopic to Vedic signs
    (0x2070, 2.145),  # typographic marks
    (0x2E80, 1.48),  # arrows, lines, boxes, symbols
    (0x3000, 0.9),  # radicals
    (0x3040, 0.787),  # Chinese and Japanese marks
    (0x30A0, 0.630),  # Hiragana
    (0x3100, 0.562),  # Katakana
    (0x3400, 1.0),  # Bopomofo, enclosed letters
    (0xA000, 0.730),  # Chinese characters
    (0xAC00, 1.5),  # Yi to Meetei Mayek
    (0xD7B0, 0.412),  # Hangul syllables
    (0xF900, 3.0),  # private use
    (0xFB00, 1.5),  # compatibility characters
    (0xFE00, 1.0),  # presentation forms
    (0xFF00, 1.48),  # variation selectors, small forms
    (0x10000, 0.85),  # full-width forms
    (0x1F000, 2.5),  # old and rare scripts
    (0x20000, 2.2),  # emoji
    (0x110000, 2.5),  # rare Chinese characters
)
_SCRIPT_ENDS = [end for end, _ in _SCRIPTS]


def character_tokens(character: str) -> float:
    """Tokens of a character outside the Latin scripts; the first block that ends behind it says so."""
    return _SCRIPTS[bisect_right(_SCRIPT_ENDS, ord(character))][1]
