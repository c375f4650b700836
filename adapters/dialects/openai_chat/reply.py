"""Whole answers: a body to events, and a completion to a body."""

from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.dialects.dialect import Answering, DialectError, GarbledReply
from adapters.dialects.error_bodies import reported_error
from adapters.dialects.logprobs import read_logprobs
from adapters.dialects.members import JsonMembers
from adapters.dialects.openai_chat.wire import NAME, Call, Choice, Reply, Words, reply_decoder
from adapters.dialects.openai_chat.words import arguments_text, made_call_id, spoken
from adapters.dialects.openai_tallies import finish_reason, stop_reason, usage_object, usage_of
from domain.conversation.extensions import NO_EXTENSIONS, Extensions, Json
from domain.conversation.parts import ForeignPart, Logprobs, Part, Refusal, Text, Thinking, ToolCall
from domain.conversation.reply import (
    Batch,
    Completion,
    Finished,
    Foreign,
    ReplyEvent,
    ReplyStarted,
    StopReason,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
    Wire,
)
from domain.conversation.reply import Choice as Answer
from domain.conversation.request import MalformedRequest


def decode_completion(body: bytes) -> Batch:
    """
    A whole body's events, with the body.

    Raises:
        GarbledReply: not a chat completion.
        ReportedError: an error that came as a success.
    """
    try:
        reply = reply_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GarbledReply(f"not a chat completion: {error}") from error
    refuse_told_error(reply)
    if not reply.choices:
        raise unreadable(body, "choices: expected at least one")
    wire = Wire(NAME, body, whole=True) if _calls_are_well_formed(reply) else None
    return Batch(tuple(_events(reply)), wire)


def encode_completion(completion: Completion, answering: Answering) -> bytes:
    """The answer's own body under the client's model name, or one that is put together."""
    wire = completion.wire
    if wire is None or wire.dialect != NAME:
        return _built(completion, answering)
    if answering.model in {"", completion.model}:
        return wire.data
    try:
        return JsonMembers(wire.data).replaced({"model": msgspec.json.encode(answering.model)})
    except MalformedRequest:  # a key twice: legible, but not a body to cut
        return _built(completion, answering)


def started(reply: Reply) -> ReplyStarted:
    """How the answer begins."""
    marks: dict[str, Json] = {}
    if reply.system_fingerprint is not None:
        marks["system_fingerprint"] = reply.system_fingerprint
    if reply.service_tier is not None:
        marks["service_tier"] = reply.service_tier
    extensions: Extensions = {NAME: marks} if marks else NO_EXTENSIONS
    created = None if reply.created is None else int(reply.created)
    return ReplyStarted(reply.id or "", reply.model or "", created, extensions)


def finished(word: str, choice: Choice, index: int) -> Finished:
    """vLLM tells the stop string that was met as ``stop_reason``."""
    if word == "stop" and isinstance(choice.stop_reason, str):
        return Finished(StopReason.STOP_SEQUENCE, choice.stop_reason, index)
    return Finished(stop_reason(word), None, index)


def logprobs_of(choice: Choice) -> Logprobs:
    """How likely the tokens of its text were, if it tells."""
    told = choice.logprobs
    return read_logprobs(told.get("content")) if isinstance(told, dict) else ()


def refuse_told_error(reply: Reply) -> None:
    """
    Stops at an error inside an answer or a chunk.

    Raises:
        ReportedError: it holds one, at the top or, as OpenRouter tells it, in a choice.
    """
    if reply.error is not None:
        raise reported_error({"error": reply.error})
    for choice in reply.choices or ():
        if choice.error is not None:
            raise reported_error({"error": choice.error})


def unreadable(data: bytes, fault: str) -> DialectError:
    """Why JSON that holds no answer is none: a flat error, or nothing that we know."""
    told = msgspec.json.decode(data)
    if told.get("object") == "error" or "detail" in told:
        return reported_error(told)
    return GarbledReply(f"not a chat completion: {fault}")


def foreign_call(call: Call, index: int, choice: int) -> Foreign:
    """A call of a custom tool, as a chunk of its own."""
    told = {"index": index, "id": call.id, "type": call.type, "custom": call.custom}
    piece = {"tool_calls": [{key: value for key, value in told.items() if value is not None}]}
    chunk = {"choices": [{"index": choice, "delta": piece, "finish_reason": None}]}
    return Foreign(NAME, msgspec.json.encode(chunk), content=True)


def _calls_are_well_formed(reply: Reply) -> bool:
    """Whether a client finds every call's id, and its arguments as text."""
    return all(
        call.function is None or (call.id and isinstance(call.function.arguments, str))
        for choice in reply.choices or ()
        if choice.message is not None
        for call in choice.message.tool_calls or ()
    )


def _events(reply: Reply) -> Iterator[ReplyEvent]:
    yield started(reply)
    for position, choice in enumerate(reply.choices or ()):
        index = position if choice.index is None else choice.index
        yield from _choice_events(choice, index, reply.id or "")
    usage = usage_of(reply.usage) if reply.usage is not None else None
    if usage is not None:
        yield UsageReported(usage)


def _choice_events(choice: Choice, index: int, reply_id: str) -> Iterator[ReplyEvent]:
    message = choice.message
    if message is None:
        raise GarbledReply(f"not a chat completion: choices[{index}].message: expected an object")
    yield from spoken(message, index, logprobs_of(choice))
    called = False
    for event in _call_events(message, index, reply_id):
        called = True
        yield event
    yield finished(choice.finish_reason or ("tool_calls" if called else "stop"), choice, index)


def _call_events(message: Words, choice: int, reply_id: str) -> Iterator[ReplyEvent]:
    calls = list(message.tool_calls or ())
    if message.function_call is not None:
        calls.append(Call(function=message.function_call))
    number = 0
    for position, call in enumerate(calls):
        if call.function is None:
            yield foreign_call(call, position, choice)
            continue
        yield ToolCallStarted(
            number, call.id or made_call_id(reply_id, number), call.function.name or "", choice
        )
        if arguments := arguments_text(call.function.arguments):
            yield ToolCallDelta(number, arguments, choice)
        number += 1


def _built(completion: Completion, answering: Answering) -> bytes:
    body: dict[str, Any] = {
        "id": completion.id or f"chatcmpl-{answering.reply_id}",
        "object": "chat.completion",
        "created": answering.created if completion.created is None else completion.created,
        "model": answering.model or completion.model,
        "choices": [_choice_object(choice, answering.reply_id) for choice in completion.choices],
    }
    if completion.usage is not None:
        body["usage"] = usage_object(completion.usage)
    return msgspec.json.encode(body | dict(completion.extensions.get(NAME, {})))


def _choice_object(choice: Answer, reply_id: str) -> dict[str, Any]:
    message = _message_object(choice.parts, reply_id)
    reason = None
    if choice.finish is not None:
        reason = finish_reason(choice.finish.reason, called_tools="tool_calls" in message)
    logprobs = [weighed for part in choice.parts if isinstance(part, Text) for weighed in part.logprobs]
    told = {"content": logprobs, "refusal": None} if logprobs else None
    return {"index": choice.index, "message": message, "logprobs": told, "finish_reason": reason}


def _message_object(parts: tuple[Part, ...], reply_id: str) -> dict[str, Any]:
    """Text between thinking or calls joins to one string: a message has one place for each."""
    text = "".join(part.text for part in parts if isinstance(part, Text))
    thought = "".join(part.text for part in parts if isinstance(part, Thinking))
    refusal = "".join(part.text for part in parts if isinstance(part, Refusal))
    calls = [call for part in parts for call in _call_objects(part)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text or (None if calls or refusal else ""),
        "refusal": refusal or None,
    }
    if thought:
        message["reasoning_content"] = thought
    for number, call in enumerate(calls):
        call["id"] = call.get("id") or made_call_id(reply_id, number)
    if calls:
        message["tool_calls"] = calls
    return message


def _call_objects(part: Part) -> list[dict[str, Any]]:
    match part:
        case ToolCall(id=id, name=name, arguments=arguments):
            return [{"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]
        case ForeignPart(dialect=dialect, payload=payload) if dialect == NAME:
            return [_without_index(call) for call in _calls_in(payload)]
        case _:
            return []


def _calls_in(chunk: bytes) -> list[dict[str, Any]]:
    match msgspec.json.decode(chunk):
        case {"choices": [{"delta": {"tool_calls": [*calls]}}]}:
            return calls
        case _:
            return []


def _without_index(call: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in call.items() if key != "index"}
