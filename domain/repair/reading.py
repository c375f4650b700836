"""Reads text that is still coming: a grammar asks, and sleeps until there is enough to answer."""

import re
from collections.abc import Generator, Iterable
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Reading: TypeAlias = Generator[None, None, T]
"""A grammar at work. It yields when it has read everything there is and needs more to decide."""

_SPACE = re.compile(r"\s*")


class Cursor:
    """
    A place in the text of an answer.

    ``start`` is where the text begins that nobody has settled yet; a grammar remembers places as offsets from
    there, as what lies before is forgotten when more text comes.
    """

    def __init__(self) -> None:
        self.text = ""
        self.start = 0
        self.position = 0
        self.ended = False

    def __repr__(self) -> str:
        return f"<Cursor {self.text[self.start : self.position]!r} | {self.text[self.position :]!r}>"

    @property
    def offset(self) -> int:
        return self.position - self.start

    @property
    def exhausted(self) -> bool:
        return self.position >= len(self.text)

    def stands_at(self, characters: str) -> bool:
        """Whether one of the characters comes next."""
        return not self.exhausted and self.text[self.position] in characters

    @property
    def held(self) -> int:
        """How many characters are not settled."""
        return len(self.text) - self.start

    def append(self, text: str) -> None:
        self.text = self.text[self.start :] + text
        self.position -= self.start
        self.start = 0

    def since(self, offset: int) -> str:
        return self.text[self.start + offset : self.position]

    def go_to(self, offset: int) -> None:
        self.position = self.start + offset


def waits(cursor: Cursor) -> Reading[bool]:
    """Whether there is at least one more character."""
    while cursor.exhausted and not cursor.ended:
        yield
    return not cursor.exhausted


def skip_space(cursor: Cursor) -> Reading[None]:
    yield from run_of(cursor, _SPACE)


def run_of(cursor: Cursor, characters: re.Pattern[str]) -> Reading[str]:
    """What the pattern, a class with a star, matches from here on."""
    begun = cursor.offset
    while True:
        match = characters.match(cursor.text, cursor.position)
        cursor.position = match.end() if match else cursor.position
        if not cursor.exhausted or cursor.ended:
            return cursor.since(begun)
        yield


def accept(cursor: Cursor, words: Iterable[str]) -> Reading[str]:
    """The one of the words that stands here, or nothing. No word may be the beginning of another."""
    candidates = tuple(words)
    while True:
        for word in candidates:
            if cursor.text.startswith(word, cursor.position):
                cursor.position += len(word)
                return word
        seen = cursor.text[cursor.position :] if _near_end(cursor, candidates) else ""
        if cursor.ended or not (seen or cursor.exhausted):
            return ""
        candidates = tuple(word for word in candidates if word.startswith(seen))
        if not candidates:
            return ""
        yield


def up_to(cursor: Cursor, stop: str) -> Reading[str | None]:
    """What stands before the next ``stop``, which is read too; `None` when it does not come."""
    begun = cursor.offset
    while (found := cursor.text.find(stop, cursor.position)) < 0:
        if cursor.ended:
            return None
        cursor.position = max(cursor.position, len(cursor.text) - len(stop) + 1)
        yield
    cursor.position = found + len(stop)
    return cursor.since(begun)[: -len(stop)]


def rest_of_line(cursor: Cursor, limit: int) -> Reading[str]:
    """What stands before the next line end, cut at ``limit`` characters; it is not read."""
    while True:
        seen = cursor.text[cursor.position : cursor.position + limit]
        if "\n" in seen:
            return seen[: seen.index("\n")]
        if len(seen) == limit or cursor.ended:
            return seen
        yield


def _near_end(cursor: Cursor, words: tuple[str, ...]) -> bool:
    return len(cursor.text) - cursor.position < max(map(len, words))
