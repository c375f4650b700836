"""Takes values out of what an upstream told, and names what the dialect does not allow."""

from typing import Any

import msgspec

from adapters.dialects.dialect import GarbledReply

_MOST_BLOCKS = 1_000_000
"""No answer has more, and every reader takes numbers of this size."""


def told_object(data: bytes, what: str) -> dict[str, Any]:
    """
    A JSON object.

    Raises:
        GarbledReply: it is none.
    """
    try:
        told = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GarbledReply(f"{what} is not valid JSON: {error}: {excerpt(data)}") from error
    if not isinstance(told, dict):
        raise GarbledReply(f"{what} is not an object: {excerpt(data)}")
    return told


def inner_object(told: dict[str, Any], key: str) -> dict[str, Any]:
    value = told.get(key)
    if not isinstance(value, dict):
        raise GarbledReply(f"{told.get('type')}.{key}: expected an object")
    return value


def words(told: dict[str, Any], key: str) -> str:
    """A string, empty when absent or null."""
    value = told.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise GarbledReply(f"{key}: expected a string, found {value!r:.40}")
    return value


def block_index(told: dict[str, Any]) -> int:
    index = told.get("index")
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index <= _MOST_BLOCKS:
        raise GarbledReply(f"{told.get('type')}.index: expected a number")
    return index


def excerpt(data: bytes) -> str:
    """Enough of the bytes to recognise them in a log."""
    return data[:80].decode("utf-8", "replace")
