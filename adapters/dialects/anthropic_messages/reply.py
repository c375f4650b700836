"""Reads and writes whole answers."""

from collections.abc import Iterable
from typing import Any

import msgspec

from adapters.dialects.anthropic_messages.answer_blocks import answer_blocks
from adapters.dialects.anthropic_messages.open_blocks import OpenBlocks
from adapters.dialects.anthropic_messages.told import told_object, words
from adapters.dialects.anthropic_messages.words import (
    NAME,
    kept,
    message_id,
    own,
    reason_from,
    reason_word,
    usage_from,
    whole_usage_fields,
)
from adapters.dialects.dialect import Answering, GarbledReply
from adapters.dialects.error_bodies import reported_error
from adapters.dialects.json_text import json_text
from adapters.dialects.members import JsonMembers
from domain.conversation.parts import Refusal, ToolCall
from domain.conversation.reply import (
    Batch,
    Choice,
    Completion,
    Finished,
    ReplyEvent,
    ReplyStarted,
    Usage,
    UsageReported,
    Wire,
)
from domain.conversation.request import MalformedRequest

_FIELDS = frozenset({"id", "type", "role", "content", "model", "stop_reason", "stop_sequence", "usage"})


class _Content(msgspec.Struct):
    content: list[msgspec.Raw]


_contents = msgspec.json.Decoder(_Content)


def decode_completion(body: bytes) -> Batch:
    """
    A whole answer as one batch.

    Raises:
        GarbledReply: the body is no message.
        ReportedError: it is an error in spite of its status.
    """
    told = told_object(body, "the body")
    if told.get("type") == "error" or isinstance(told.get("error"), dict | str):
        raise reported_error(told)
    shown = told.get("content")
    if not isinstance(shown, list):
        raise GarbledReply("content: expected a list of content blocks")
    events = [_started(told), *_counts(told), *_content(shown, body), *_finish(told)]
    return Batch(tuple(events), Wire(NAME, body, whole=True))


def encode_completion(completion: Completion, answering: Answering) -> bytes:
    """A whole answer; of several choices the first, as the dialect has no word for others."""
    wire = completion.wire
    if wire is not None and wire.dialect == NAME and wire.whole:
        return _with_model(wire.data, answering.model)
    choice = completion.choices[0] if completion.choices else Choice(parts=(), finish=None)
    content = answer_blocks(choice.parts, answering.reply_id)
    reason, stop_sequence, extra = _ending(choice)
    message: dict[str, Any] = {
        "id": message_id(completion.id, answering.reply_id),
        "type": "message",
        "role": "assistant",
        "model": answering.model or completion.model,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": stop_sequence,
        "usage": whole_usage_fields(completion.usage),
    }
    return json_text({**message, **own(completion.extensions), **extra})


def _started(told: dict[str, Any]) -> ReplyStarted:
    rest = {key: value for key, value in told.items() if key not in _FIELDS}
    return ReplyStarted(words(told, "id"), words(told, "model"), extensions=kept(rest))


def _counts(told: dict[str, Any]) -> Iterable[ReplyEvent]:
    said = told.get("usage")
    if isinstance(said, dict):
        yield UsageReported(usage_from(said, Usage()))


def _content(shown: list[Any], body: bytes) -> Iterable[ReplyEvent]:
    """Each block as a stream would tell it: it begins whole, and ends."""
    blocks = OpenBlocks()
    written = _contents.decode(body).content
    for index, (block, raw) in enumerate(zip(shown, written, strict=True)):
        if not isinstance(block, dict):
            raise GarbledReply(f"content[{index}]: expected an object")
        start = b'{"type":"content_block_start","index":%d,"content_block":%b}' % (index, bytes(raw))
        yield from blocks.start(index, block, start)
        yield from blocks.end(index, b'{"type":"content_block_stop","index":%d}' % index)


def _finish(told: dict[str, Any]) -> Iterable[ReplyEvent]:
    reason = words(told, "stop_reason")
    if reason:
        yield Finished(reason_from(reason), words(told, "stop_sequence") or None)


def _with_model(body: bytes, model: str) -> bytes:
    members = JsonMembers(body)
    name = json_text(model)
    if not model or bytes(members.raw("model") or b"") == name:
        return body
    try:
        return members.replaced({"model": name})
    except MalformedRequest:  # a key twice: of such the last counts
        return json_text(msgspec.json.decode(body) | {"model": model})


def _ending(choice: Choice) -> tuple[str | None, str | None, dict[str, Any]]:
    finish = choice.finish
    if finish is None:
        return None, None, {}
    calls = any(isinstance(part, ToolCall) for part in choice.parts)
    refuses = any(isinstance(part, Refusal) and part.text for part in choice.parts)
    reason = reason_word(finish.reason, calls_tools=calls, refuses=refuses)
    return reason, finish.stop_sequence, dict(own(finish.extensions))
