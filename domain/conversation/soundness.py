"""Tells whether a batch of events is what it says it is, whoever made it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from domain.conversation.reply import (
    MOST_TOKENS,
    Batch,
    Finished,
    Foreign,
    PartEnded,
    RedactedThinking,
    RefusalDelta,
    ReplyStarted,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
    Wire,
    token_count,
)

_MOST = 10**12
"""What any number in a reply may come to; the largest is the second in which an answer was created."""

_MOST_DEPTH = 64
"""Levels of a JSON value; what is nested deeper is no extension but an accident."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a field takes, in words and as a test."""

    words: str
    holds: Callable[[object], bool]


def _is_text(value: object) -> bool:
    """Text that can be sent: half of a surrogate pair cannot."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST


def _is_json(value: object, depth: int = 0) -> bool:
    if depth > _MOST_DEPTH:
        return False
    match value:
        case None | bool() | int() | float():
            return True
        case str():
            return _is_text(value)
        case Mapping():
            return all(_is_text(key) and _is_json(inner, depth + 1) for key, inner in value.items())
        case list() | tuple():
            return all(_is_json(inner, depth + 1) for inner in value)
        case _:
            return False


def _is_extensions(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and all(isinstance(each, Mapping) for each in value.values())
        and _is_json(value)
    )


def _or_none(kind: _Kind) -> _Kind:
    return _Kind(f"{kind.words} or None", lambda value: value is None or kind.holds(value))


_TEXT = _Kind("text", _is_text)
_COUNT = _Kind(f"a whole number from 0 to {_MOST:,}", _is_count)
_TOKENS = _Kind(
    f"a whole number from 0 to {MOST_TOKENS:,}",
    lambda value: isinstance(value, int) and token_count(value) is not None,
)
_BYTES = _Kind("bytes", lambda value: isinstance(value, bytes))
_FLAG = _Kind("True or False", lambda value: isinstance(value, bool))
_EXTENSIONS = _Kind("JSON by dialect and field", _is_extensions)
_TUPLE = _Kind("a tuple of events", lambda value: isinstance(value, tuple))
_WIRE = _Kind("a Wire", lambda value: isinstance(value, Wire))
_USAGE = _Kind("a Usage", lambda value: isinstance(value, Usage))

_BATCH_KINDS: Mapping[str, _Kind] = MappingProxyType({"events": _TUPLE, "wire": _or_none(_WIRE)})
_USAGE_KINDS: Mapping[str, _Kind] = MappingProxyType({each.name: _or_none(_TOKENS) for each in fields(Usage)})
_WIRE_KINDS: Mapping[str, _Kind] = MappingProxyType({"dialect": _TEXT, "data": _BYTES, "whole": _FLAG})
_EVENT_KINDS: Mapping[type, Mapping[str, _Kind]] = MappingProxyType(
    {
        ReplyStarted: {"id": _TEXT, "model": _TEXT, "created": _or_none(_COUNT), "extensions": _EXTENSIONS},
        TextDelta: {"text": _TEXT, "choice": _COUNT},
        ThinkingDelta: {"text": _TEXT, "choice": _COUNT},
        ThinkingSigned: {"signature": _TEXT, "choice": _COUNT},
        RedactedThinking: {"data": _TEXT, "choice": _COUNT},
        RefusalDelta: {"text": _TEXT, "choice": _COUNT},
        ToolCallStarted: {"call": _COUNT, "id": _TEXT, "name": _TEXT, "choice": _COUNT},
        ToolCallDelta: {"call": _COUNT, "arguments": _TEXT, "choice": _COUNT},
        PartEnded: {"call": _or_none(_COUNT), "choice": _COUNT},
        UsageReported: {"usage": _USAGE},
        Finished: {
            "reason": _TEXT,
            "stop_sequence": _or_none(_TEXT),
            "choice": _COUNT,
            "extensions": _EXTENSIONS,
        },
        Foreign: {"dialect": _TEXT, "payload": _BYTES, "content": _FLAG},
    }
)
"""Every event of a reply, and what each of its fields takes."""


def unsoundness(batch: object) -> str:
    """What is wrong with it, in words fit for its author; empty when nothing is."""
    if not isinstance(batch, Batch):
        return f"{type_in_words(batch)} instead of a Batch"
    return _fault(batch, _BATCH_KINDS) or _parts_fault(batch)


def _parts_fault(batch: Batch) -> str:
    faults = (_event_fault(event) for event in batch.events)
    return (_fault(batch.wire, _WIRE_KINDS) if batch.wire else "") or next(filter(None, faults), "")


def _event_fault(event: object) -> str:
    kinds = _EVENT_KINDS.get(type(event))
    if kinds is None:
        return f"{type_in_words(event)} instead of an event"
    fault = _fault(event, kinds)
    if not fault and isinstance(event, UsageReported):
        return _fault(event.usage, _USAGE_KINDS)
    return fault


def _fault(value: object, kinds: Mapping[str, _Kind]) -> str:
    for name, kind in kinds.items():
        found = getattr(value, name)
        if not kind.holds(found):
            return f"{type(value).__name__}.{name}: expected {kind.words}, found {_found(found)}"
    return ""


def _found(value: object) -> str:
    """Never the value itself, which may be words of a conversation; a number says what is wrong with it."""
    match value:
        case str():
            return "text" if _is_text(value) else "text with half of a surrogate pair"
        case bool() | int() | float():
            return str(value)[:20]
        case _:
            return type_in_words(value)


def type_in_words(value: object) -> str:
    """
    What somebody gave where something else was wanted.

    >>> type_in_words([]), type_in_words(None)
    ('a list', 'None')
    """
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
