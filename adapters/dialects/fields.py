"""
Reads a JSON object by taking: each key is consumed once, errors name their place, the rest is kept.

>>> fields = Fields({"role": "user", "vendor": 1}, "messages[0]")
>>> fields.text("role")
'user'
>>> fields.rest()
{'vendor': 1}
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.conversation.extensions import Json
from domain.conversation.request import MalformedRequest

MOST_CHOICES = 128
"""https://platform.openai.com/docs/api-reference/chat/create, "n"."""

_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (str, "a string"),
    (int, "a number"),
    (float, "a number"),
    (list, "a list"),
    (dict, "an object"),
)


def decoded(raw: bytes | msgspec.Raw, path: str) -> Any:
    """
    Any JSON value.

    Raises:
        MalformedRequest: not JSON, or not UTF-8; the message carries the decoder's own words.
    """
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequest(path, f"not valid JSON: {error}") from error


def expected(path: str, what: str, found: object) -> MalformedRequest:
    """The error for a value of the wrong type."""
    return MalformedRequest(path, f"expected {what}, found {described(found)}")


def described(value: object) -> str:
    """A JSON value's type in words."""
    if value is None:
        return "null"
    return next((name for kind, name in _NAMES if isinstance(value, kind)), "something else")


class Fields:
    """
    One JSON object being read.

    Each method takes a key away and returns its value; ``None`` stands for a key that is absent or null.
    All raise `MalformedRequest` with the path of the field.
    """

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise expected(path, "an object", value)
        self._left: dict[str, Any] = dict(value)
        self._path = path

    def __repr__(self) -> str:
        return f"<Fields {self._path or 'body'} left={sorted(self._left)}>"

    def path(self, key: str) -> str:
        """The place of ``key``, for messages."""
        return f"{self._path}.{key}" if self._path else key

    def text(self, key: str) -> str:
        """A string that must be there."""
        value = self._left.pop(key, None)
        if not isinstance(value, str):
            raise expected(self.path(key), "a string", value)
        return value

    def optional_text(self, key: str) -> str | None:
        value = self._left.pop(key, None)
        if value is not None and not isinstance(value, str):
            raise expected(self.path(key), "a string", value)
        return value

    def optional_flag(self, key: str) -> bool | None:
        value = self._left.pop(key, None)
        if value is not None and not isinstance(value, bool):
            raise expected(self.path(key), "a boolean", value)
        return value

    def optional_count(self, key: str) -> int | None:
        """A whole number; ``1.0`` is one too."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise expected(self.path(key), "a whole number", value)
        return int(value)

    def optional_limit(self, key: str) -> int | None:
        """
        A number of tokens; ``None`` also for a negative one, which means as much as there is room for.

        -1 is what llama.cpp's and LM Studio's documentation have clients say for that.
        """
        limit = self.optional_count(key)
        return None if limit is None or limit < 0 else limit

    def optional_choices(self, key: str) -> int:
        """How many answers are wanted, 1 when that is unsaid; at most what OpenAI documents for ``n``."""
        choices = self.optional_count(key)
        if choices is not None and not 1 <= choices <= MOST_CHOICES:
            raise MalformedRequest(self.path(key), f"expected 1 to {MOST_CHOICES}, found {choices}")
        return 1 if choices is None else choices

    def optional_number(self, key: str) -> float | None:
        value = self._left.pop(key, None)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise expected(self.path(key), "a number", value)
        return value

    def items(self, key: str) -> list[Any]:
        """A list; empty when absent."""
        value = self._left.pop(key, None)
        if value is None:
            return []
        if not isinstance(value, list):
            raise expected(self.path(key), "a list", value)
        return value

    def optional_object(self, key: str) -> Mapping[str, Json] | None:
        value = self._left.pop(key, None)
        if value is not None and not isinstance(value, dict):
            raise expected(self.path(key), "an object", value)
        return value

    def nested(self, key: str) -> "Fields":
        """The object under ``key``, which must be there, to be read in turn."""
        return Fields(self._left.pop(key, None), self.path(key))

    def anything(self, key: str) -> Any:
        return self._left.pop(key, None)

    def peek(self, key: str) -> Any:
        """The value without taking it away."""
        return self._left.get(key)

    def has(self, key: str) -> bool:
        """Whether the key is there with a value."""
        return self._left.get(key) is not None

    def rest(self) -> dict[str, Json]:
        """What nobody took."""
        return self._left
