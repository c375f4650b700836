"""Reads JSON as small models write it, with its usual slips mended."""

import json
import re
from collections.abc import Iterator
from typing import Never

from domain.conversation.extensions import Json

_TOKEN = re.compile(
    r"""
      (?P<double> "[^"\\]*(?:\\.[^"\\]*)*" )
    | (?P<single> '[^'\\]*(?:\\.[^'\\]*)*' )
    | (?P<comma>  , )
    | (?P<mark>   [{}\[\]:] )
    | (?P<word>   [^\s{}\[\]:,"']+ )
    | (?P<space>  \s+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"""\\(?:(?P<known>["\\/bfnrt]|u[0-9a-fA-F]{4})|(?P<quote>')|)|(?P<bare>")""")
_NAME = re.compile(r"[A-Za-z_]\w*")
_PYTHON_WORDS = {"True": "true", "False": "false", "None": "null"}


def read_json(text: str) -> Json:
    """
    The value of a JSON text.

    Mends line ends inside strings, trailing commas, Python's quotes and words, keys without quotes, and
    backslashes that escape nothing.

    Raises:
        ValueError: it is no JSON, not even after that.
    """
    try:
        return _strict(text)
    except ValueError:
        return _strict("".join(_mended(text)))


def write_json(value: Json) -> str:
    """
    The value as JSON text that any UTF-8 encoder takes.

    Raises:
        ValueError: a number is beyond what JSON can say.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text if _is_unicode(text) else json.dumps(value, allow_nan=False)


def _strict(text: str) -> Json:
    try:
        value: Json = json.loads(text, strict=False, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def _no_constant(name: str) -> Never:
    raise ValueError(f"JSON has no {name}")


def _mended(text: str) -> Iterator[str]:
    """The tokens of the text. A comma waits for what follows it, and so does a word that may be a key."""
    comma = ""
    word = ""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"a string does not end, from character {position}")
        position = match.end()
        token = match.group()
        if match.lastgroup == "space":
            continue
        yield _key_or_value(word, token)
        word = ""
        if comma and token not in ("}", "]"):
            yield comma
        comma = ""
        if match.lastgroup == "comma":
            comma = token
        elif match.lastgroup == "word":
            word = token
        elif match.lastgroup == "mark":
            yield token
        else:
            yield _double_quoted(token)
    yield word + comma


def _key_or_value(word: str, follower: str) -> str:
    if follower == ":" and _NAME.fullmatch(word):
        return f'"{word}"'
    return _PYTHON_WORDS.get(word, word)


def _double_quoted(token: str) -> str:
    single = token[0] == "'"

    def mended(match: re.Match[str]) -> str:
        if match["known"]:
            return match.group()
        if match["quote"]:
            return "'"
        if match["bare"]:
            return '\\"' if single else '"'
        return "\\\\"

    return f'"{_ESCAPE.sub(mended, token[1:-1])}"'


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
