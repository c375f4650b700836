"""Finds the end of a JSON value in text that is still coming, and turns away early what is not sought."""

import re
from collections.abc import Callable

from domain.repair.reading import Cursor, Reading, run_of, skip_space, waits

MAX_DEPTH = 64
"""Calls nest a few levels deep; deeper text is refused before it can exhaust a reader's stack."""

Admits = Callable[[str, str | None], bool]
"""Whether this outer key, or this key with the string that is its value, may be part of what is sought."""

_CLOSERS = {"{": "}", "[": "]"}
_OUTER = (["}"], ["]", "}"])
_BETWEEN = re.compile(r"""[^"'{}\[\]]*""")
_UNQUOTED = {'"': re.compile(r'[^"\\]*'), "'": re.compile(r"[^'\\]*")}


def json_text(cursor: Cursor, admits: Admits) -> Reading[str | None]:
    """
    The text of the object or array that begins here; strings may be in single quotes, as Python writes them.

    `None` as soon as quotes or brackets do not close, or ``admits`` turns down a member of the
    object, or of an object in the array.
    """
    begun = cursor.offset
    open_brackets: list[str] = []
    while (yield from waits(cursor)):
        character = cursor.text[cursor.position]
        if character in _CLOSERS:
            open_brackets.append(_CLOSERS[character])
            cursor.position += 1
            if len(open_brackets) > MAX_DEPTH:
                return None
        elif character in "}]":
            if open_brackets.pop() != character:
                return None
            cursor.position += 1
            if not open_brackets:
                return cursor.since(begun)
        elif character in "\"'":
            admitted = yield from _string(cursor, admits if open_brackets in _OUTER else None)
            if not admitted:
                return None
        else:
            yield from run_of(cursor, _BETWEEN)
    return None


def anything(_key: str, _value: str | None) -> bool:
    """Admits every member."""
    return True


def _string(cursor: Cursor, admits: Admits | None) -> Reading[bool]:
    """Reads a string and, if it is an outer key, its value when that is a string too."""
    key = yield from _quoted(cursor)
    if key is None or admits is None:
        return key is not None
    yield from skip_space(cursor)
    if not cursor.stands_at(":"):
        return True
    cursor.position += 1
    if not admits(key, None):
        return False
    yield from skip_space(cursor)
    if not cursor.stands_at("\"'"):
        return True
    value = yield from _quoted(cursor)
    return value is not None and admits(key, value)


def _quoted(cursor: Cursor) -> Reading[str | None]:
    """What stands between the quotes, with its escapes as written."""
    quote = cursor.text[cursor.position]
    cursor.position += 1
    begun = cursor.offset
    while (yield from waits(cursor)):
        yield from run_of(cursor, _UNQUOTED[quote])
        if cursor.stands_at(quote):
            cursor.position += 1
            return cursor.since(begun)[:-1]
        cursor.position += 1
        if not (yield from waits(cursor)):
            return None
        cursor.position += 1
    return None
