"""Writes messages: instructions first, each turn's tool results directly after their calls."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple

import msgspec

from adapters.dialects.openai_chat.part_writing import Manner, content_of, marks, own_words, part_object
from adapters.dialects.openai_chat.result_writing import result_messages, tool_results
from adapters.dialects.openai_chat.wire import NAME
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
from domain.conversation.request import Message, Role

_INSTRUCTING = (Role.SYSTEM, Role.DEVELOPER)
_BESIDE_WORDS = (ToolResult, Thinking)
"""What a user's own message does not hold."""


class _Placed(NamedTuple):
    """A message and its place in the request."""

    path: str
    message: Message


def message_objects(
    messages: Sequence[Message], manner: Manner, *, developer_role: bool
) -> list[dict[str, Any]]:
    """
    The ``messages`` of a body.

    Instructions from another dialect become one leading system message, since chat templates refuse others.

    Raises:
        MalformedRequest: media that this dialect cannot carry.
    """
    placed = [_Placed(f"messages[{index}]", message) for index, message in enumerate(messages)]
    if manner.native:
        return list(_turns(placed, manner, developer_role=developer_role))
    instructions = [one for one in placed if one.message.role in _INSTRUCTING]
    others = [one for one in placed if one.message.role not in _INSTRUCTING]
    others = list(_in_turns(others))
    return _system(instructions, manner) + list(_turns(others, manner, developer_role=developer_role))


def _in_turns(placed: list[_Placed]) -> Iterator[_Placed]:
    """What the assistant says in a row as one message: the results of all its calls come after the last."""
    for speaks, group in groupby(placed, key=lambda one: one.message.role is Role.ASSISTANT):
        said = list(group)
        if speaks and len(said) > 1:
            parts = tuple(part for one in said for part in one.message.parts)
            said = [_Placed(said[0].path, replace(said[0].message, parts=parts))]
        yield from said


def _system(instructions: list[_Placed], manner: Manner) -> list[dict[str, Any]]:
    parts = [part for one in instructions for part in one.message.parts]
    content = content_of(parts, instructions[0].path if instructions else "", manner, joint="\n\n")
    return [{"role": "system", "content": content}] if content else []


def _turns(placed: list[_Placed], manner: Manner, *, developer_role: bool) -> Iterator[dict[str, Any]]:
    turns = _by_turn(placed)
    for number, (speaker, others) in enumerate(turns, start=1):
        calls: list[ToolCall] = []
        if speaker is not None:
            yield from _assistant(speaker, manner)
            calls = [part for part in speaker.message.parts if isinstance(part, ToolCall)]
        results = [result for one in others for result in tool_results(one.message, one.path)]
        goes_on = bool(others) or number < len(turns)
        answers, moved = result_messages(calls, results, manner, goes_on=goes_on)
        yield from answers
        yield from _words(others, moved, manner, developer_role=developer_role)


def _by_turn(placed: list[_Placed]) -> list[tuple[_Placed | None, list[_Placed]]]:
    """Each message of the assistant with what was said until it spoke again; ``None`` for the beginning."""
    turns: list[tuple[_Placed | None, list[_Placed]]] = [(None, [])]
    for one in placed:
        if one.message.role is Role.ASSISTANT:
            turns.append((one, []))
        else:
            turns[-1][1].append(one)
    return turns


def _assistant(placed: _Placed, manner: Manner) -> Iterator[dict[str, Any]]:
    message = placed.message
    said = _sorted_out(message.parts, manner)
    calls = said.calls
    thought = "\n".join(said.thoughts)
    refusal = "".join(said.refusals)
    content = content_of(said.content, f"{placed.path}.content", manner)
    if not (calls or thought or content or refusal or message.extensions):
        return
    told: dict[str, Any] = {"role": "assistant", "content": content or (None if calls or refusal else "")}
    if message.name is not None:
        told["name"] = message.name
    if thought or (calls and manner.fills_reasoning):
        told[_thinking_field(message)] = thought
    if refusal:
        told["refusal"] = refusal
    if calls:
        told["tool_calls"] = calls
    told.update(own_words(message.extensions))
    yield told


class _Said:
    """The parts of an assistant's message by the fields that they go to."""

    __slots__ = ("calls", "content", "refusals", "thoughts")

    def __init__(self) -> None:
        self.content: list[Part] = []
        self.calls: list[Any] = []
        self.thoughts: list[str] = []
        self.refusals: list[str] = []


def _sorted_out(parts: Iterable[Part], manner: Manner) -> _Said:
    said = _Said()
    for part in parts:
        match part:
            case ToolCall():
                said.calls.append(_call_object(part, manner))
            case Text() | Image() | Document():
                said.content.append(part)
            case Thinking(text=text):
                if text:
                    said.thoughts.append(text)
            case Refusal(text=text):
                said.refusals.append(text)
            case ForeignPart(dialect=dialect, payload=payload) if dialect == NAME:
                if _is_call(payload):
                    said.calls.append(msgspec.Raw(payload))
                else:
                    said.content.append(part)
            case ForeignPart() | ToolResult():
                pass
    return said


def _thinking_field(message: Message) -> str:
    for part in message.parts:
        if isinstance(part, Thinking):
            return str(own_words(part.extensions).get("field", "reasoning_content"))
    return "reasoning_content"


def _call_object(call: ToolCall, manner: Manner) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    told: dict[str, Any] = {"id": call.id, "type": "function", "function": function}
    told.update(marks(call, manner))
    if told["function"] is not function:
        told["function"] = function | told["function"]
    return told


def _is_call(payload: bytes) -> bool:
    """Unlike a content part, a call of a custom tool has an id."""
    told = msgspec.json.decode(payload)
    return isinstance(told, dict) and "id" in told


def _words(
    placed: list[_Placed], moved: list[Any], manner: Manner, *, developer_role: bool
) -> Iterator[dict[str, Any]]:
    """What was said beside tool results; the media that these may not hold come first."""
    others = [one for one in placed if _says_more(one.message)]
    if moved and others and others[0].message.role is Role.USER:
        yield _user(others.pop(0), manner, developer_role=developer_role, before=moved)
    elif moved:
        yield {"role": "user", "content": moved}
    for one in others:
        yield _user(one, manner, developer_role=developer_role)


def _says_more(message: Message) -> bool:
    return not message.parts or any(not isinstance(part, _BESIDE_WORDS) for part in message.parts)


def _user(
    placed: _Placed, manner: Manner, *, developer_role: bool, before: Sequence[Any] = ()
) -> dict[str, Any]:
    message = placed.message
    parts = [part for part in message.parts if not isinstance(part, _BESIDE_WORDS)]
    content: Any
    if before:
        told = [part for part in parts if not (isinstance(part, Text) and not part.text)]
        content = [*before, *(part_object(part, f"{placed.path}.content", manner) for part in told)]
    else:
        content = content_of(parts, f"{placed.path}.content", manner)
    role = "system" if message.role is Role.DEVELOPER and not developer_role else message.role.value
    name = {} if message.name is None else {"name": message.name}
    return {"role": role, "content": content, **name, **own_words(message.extensions)}
