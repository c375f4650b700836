"""
Carries free text inside the JSON arguments of a function, and takes it out again while it streams.

A custom tool of this dialect takes any text; the functions of other dialects take a JSON object. So the tool
is offered as a function with one string parameter, and what the model writes there is the text.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from domain.conversation.extensions import Json

PARAMETER = "input"
"""The one parameter's name."""

_OPENING = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_PLAIN = re.compile(r'[^"\\]+')
_ESCAPES = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}
_LONGEST_OPENING = 200
_LOST = "\ufffd"
_UNICODE_ESCAPE = 6
_PAIR = 2 * _UNICODE_ESCAPE


def parameters() -> dict[str, Json]:
    """The JSON Schema of a function that stands for a custom tool."""
    return {
        "type": "object",
        "properties": {PARAMETER: {"type": "string", "description": "The whole input, as plain text."}},
        "required": [PARAMETER],
        "additionalProperties": False,
    }


def wrapped(text: str) -> str:
    """The text as a function's arguments."""
    return msgspec.json.encode({PARAMETER: text}).decode()


def unwrapped(arguments: str) -> str:
    """The text of whole arguments; what is not in the agreed form is taken for the text itself."""
    unwrapping = Unwrapping()
    return unwrapping.feed(arguments) + unwrapping.close()


class Unwrapping:
    """Arguments being unwrapped: `feed` their pieces, then `close`; each returns text that became known."""

    def __init__(self) -> None:
        self._state: _Outside | _Inside | _Done = _Outside()

    def __repr__(self) -> str:
        return f"<Unwrapping {self._state!r}>"

    def feed(self, piece: str) -> str:
        match self._state:
            case _Outside() as outside:
                rest = outside.feed(piece)
                if rest is None:
                    return ""
                self._state = _Inside()
                return self.feed(rest)
            case _Inside() as inside:
                text = inside.feed(piece)
                if inside.ended:
                    self._state = _Done()
                return text
            case _Done():
                return ""

    def close(self) -> str:
        state, self._state = self._state, _Done()
        match state:
            case _Outside() | _Inside():
                return state.close()
            case _Done():
                return ""


class _Outside:
    """Before the string: it may yet turn out that the arguments have another form."""

    def __init__(self) -> None:
        self._beginning = ""
        self._rest: list[str] = []

    def __repr__(self) -> str:
        return f"outside held={len(self._beginning) + sum(map(len, self._rest))}"

    def feed(self, piece: str) -> str | None:
        """What follows the opening quote, once that has come."""
        if len(self._beginning) > _LONGEST_OPENING:
            self._rest.append(piece)
            return None
        self._beginning += piece
        opening = _OPENING.match(self._beginning)
        return None if opening is None else self._beginning[opening.end() :]

    def close(self) -> str:
        return _text_in(self._beginning + "".join(self._rest))


class _Inside:
    """Within the string; holds an escape that is not complete."""

    def __init__(self) -> None:
        self._held = ""
        self.ended = False

    def __repr__(self) -> str:
        return f"inside held={self._held!r}"

    def feed(self, piece: str) -> str:
        data, self._held = self._held + piece, ""
        return "".join(self._read(data))

    def close(self) -> str:
        """An escape that was cut short: half of a pair has been a character, the rest is lost."""
        return _LOST if len(self._held) >= _UNICODE_ESCAPE else ""

    def _read(self, data: str) -> Iterator[str]:
        at = 0
        while at < len(data):
            plain = _PLAIN.match(data, at)
            if plain is not None:
                yield plain.group()
                at = plain.end()
            elif data[at] == '"':
                self.ended = True
                return
            else:
                character, length = _escape(data[at : at + _PAIR])
                if not length:
                    self._held = data[at:]
                    return
                yield character
                at += length


class _Done:
    """After the string; what follows closes the object."""

    def __repr__(self) -> str:
        return "done"


def _escape(text: str) -> tuple[str, int]:
    """
    The escaped character that a text begins with, and the length of the escape; 0 if more must come.

    What is no escape in JSON stands for itself, as models forget to escape backslashes.
    """
    if len(text) < 2:
        return "", 0
    if text[1] != "u":
        return _ESCAPES.get(text[1], text[:2]), 2
    if len(text) < _UNICODE_ESCAPE:
        return ("", 0) if _may_be_hex(text[2:]) else ("\\u", 2)
    unit = _unit(text)
    if unit is None:
        return "\\u", 2
    if 0xDC00 <= unit <= 0xDFFF:
        return _LOST, _UNICODE_ESCAPE
    if 0xD800 <= unit <= 0xDBFF:
        return _pair(unit, text[_UNICODE_ESCAPE:])
    return chr(unit), _UNICODE_ESCAPE


def _pair(high: int, text: str) -> tuple[str, int]:
    """A character outside the basic plane is written as two escapes; half of one is no character."""
    if len(text) < _UNICODE_ESCAPE and "\\u".startswith(text[:2]) and _may_be_hex(text[2:]):
        return "", 0
    low = _unit(text) if text.startswith("\\u") else None
    if low is None or not 0xDC00 <= low <= 0xDFFF:
        return _LOST, _UNICODE_ESCAPE
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)), _PAIR


def _may_be_hex(text: str) -> bool:
    return all(character in "0123456789abcdefABCDEF" for character in text)


def _unit(escape: str) -> int | None:
    digits = escape[2:_UNICODE_ESCAPE]
    return int(digits, 16) if len(digits) == 4 and _may_be_hex(digits) else None


def _text_in(arguments: str) -> str:
    """The text in arguments of another form: one string alone, under any name or none; else all of it."""
    try:
        told: Any = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return arguments
    match told:
        case {"input": str(text)} | str(text):
            return text
        case dict() if len(told) == 1 and isinstance(text := next(iter(told.values())), str):
            return text
        case dict() if not told:
            return ""
        case _:
            return arguments
