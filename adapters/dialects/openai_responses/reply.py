"""Whole answers: a body to events, and a completion to a body."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from adapters.dialects.dialect import Answering, GarbledReply
from adapters.dialects.error_bodies import reported_error
from adapters.dialects.json_text import json_text
from adapters.dialects.members import JsonMembers
from adapters.dialects.openai_responses.answer import Answer
from adapters.dialects.openai_responses.frames import NumberedFrames
from adapters.dialects.openai_responses.output_reading import OutputReading
from adapters.dialects.openai_responses.words import NAME, stop_reason, usage_of
from domain.conversation.parts import (
    Document,
    ForeignPart,
    Image,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from domain.conversation.reply import (
    Batch,
    Completion,
    Finished,
    Foreign,
    PartEnded,
    RedactedThinking,
    RefusalDelta,
    ReplyEvent,
    ReplyStarted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
    WeighedText,
    Wire,
)
from domain.conversation.request import MalformedRequest

_EXCERPT = 200


def decode_completion(body: bytes) -> Batch:
    """
    A whole body's events, with the body.

    Raises:
        GarbledReply: not a response that has ended.
        ReportedError: a response that failed.
    """
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GarbledReply(f"not a response: {error}") from error
    refuse_failure(told)
    if not isinstance(told.get("output"), list):
        raise GarbledReply(f"not a response: no output in {body[:_EXCERPT]!r}")
    return Batch(tuple(_events(told)), Wire(NAME, body, whole=True))


def encode_completion(completion: Completion, answering: Answering) -> bytes:
    """The answer's own body under the client's model name, or one that is put together."""
    wire = completion.wire
    if wire is None or wire.dialect != NAME:
        return _built(completion, answering)
    if answering.model in {"", completion.model}:
        return wire.data
    try:
        return JsonMembers(wire.data).replaced({"model": json_text(answering.model)})
    except MalformedRequest:  # a key twice: legible, but not a body to cut
        return _built(completion, answering)


def refuse_failure(told: Any) -> None:
    """
    Stops at a response that failed, or an error that came as one.

    Raises:
        GarbledReply: no JSON object.
        ReportedError: it holds an error.
    """
    if not isinstance(told, dict):
        raise GarbledReply("not a response: expected an object")
    if told.get("error") is not None:
        raise reported_error({"error": told["error"]})
    if told.get("status") in {"failed", "cancelled"} or told.get("object") == "error":
        raise reported_error({"message": told.get("message") or f"the response {told.get('status')}"})
    if told.get("status") in {"queued", "in_progress"}:
        raise GarbledReply("the response has not ended")


def started(told: Mapping[str, Any]) -> ReplyStarted:
    """How the answer of a ``response`` object begins."""
    response_id, model, created = told.get("id"), told.get("model"), told.get("created_at")
    return ReplyStarted(
        response_id if isinstance(response_id, str) else "",
        model if isinstance(model, str) else "",
        int(created) if isinstance(created, int | float) else None,
    )


def ended(told: Mapping[str, Any], output: OutputReading) -> Iterator[ReplyEvent]:
    """How it ends."""
    usage = usage_of(told.get("usage"))
    if usage is not None:
        yield UsageReported(usage)
    yield Finished(stop_reason(told, calls_tools=output.calls_tools))


def _events(told: Mapping[str, Any]) -> Iterator[ReplyEvent]:
    yield started(told)
    output = OutputReading()
    for index, item in enumerate(told["output"]):
        if not isinstance(item, dict):
            raise GarbledReply(f"output[{index}]: expected an object")
        yield from output.done(index, item, json_text({"item": item}))
    yield from ended(told, output)


def _built(completion: Completion, answering: Answering) -> bytes:
    answer = Answer(answering, NumberedFrames())
    answer.object.begin(ReplyStarted(completion.id, completion.model, completion.created), keeps_id=False)
    for event in _told(completion):
        answer.take(event)
    _, told = answer.whole()
    return json_text(told)


def _told(completion: Completion) -> Iterator[ReplyEvent]:
    """The completion as a stream would tell it."""
    if completion.usage is not None:
        yield UsageReported(completion.usage)
    choice = completion.choices[0] if completion.choices else None
    if choice is None:
        yield Finished(StopReason.END_TURN)
        return
    for number, part in enumerate(choice.parts):
        yield from _part_events(part, number)
    yield choice.finish or Finished(StopReason.END_TURN)


def _part_events(part: Part, number: int) -> Iterator[ReplyEvent]:
    match part:
        case Text(text=text, logprobs=logprobs):
            yield WeighedText(text, 0, logprobs) if logprobs else TextDelta(text)
            yield PartEnded()
        case Refusal(text=text):
            yield from (RefusalDelta(text), PartEnded())
        case Thinking():
            yield from _thought_events(part)
        case ToolCall(id=id, name=name, arguments=arguments):
            yield ToolCallStarted(number, id, name)
            yield ToolCallDelta(number, arguments)
        case ForeignPart(dialect=dialect, payload=payload):
            yield Foreign(dialect, payload, content=True)
        case Image() | Document() | ToolResult():
            pass  # no model says these


def _thought_events(part: Thinking) -> Iterator[ReplyEvent]:
    if part.redacted is not None:
        yield RedactedThinking(part.redacted)
        return
    yield ThinkingDelta(part.text)
    if part.signature is not None:
        yield ThinkingSigned(part.signature)
    yield PartEnded()
