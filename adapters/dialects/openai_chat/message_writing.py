"""Writes messages: instructions first, each turn's tool results directly after their calls."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from adapters.dialects.openai_chat.part_writing import Manner, content_of, own_words, part_object
from adapters.dialects.openai_chat.result_writing import result_messages, tool_results
from adapters.dialects.openai_chat.wire import NAME
from domain.conversation.parts import ForeignPart, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from domain.conversation.request import Message, Role

_INSTRUCTING = (Role.SYSTEM, Role.DEVELOPER)


@dataclass(frozen=True, slots=True)
class _Placed:
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
    return _system(instructions, manner) + list(_turns(others, manner, developer_role=developer_role))


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
    calls = [call for part in message.parts for call in _call_objects(part, manner)]
    thought = "\n".join(part.text for part in message.parts if isinstance(part, Thinking) and part.text)
    content = content_of(
        [part for part in message.parts if _is_content(part)], f"{placed.path}.content", manner
    )
    refusal = "".join(part.text for part in message.parts if isinstance(part, Refusal))
    if not (calls or thought or content or refusal or message.extensions):
        return
    told: dict[str, Any] = {"role": "assistant", "content": content or (None if calls or refusal else "")}
    if message.name is not None:
        told["name"] = message.name
    if thought:
        told[_thinking_field(message)] = thought
    if refusal:
        told["refusal"] = refusal
    if calls:
        told["tool_calls"] = calls
    yield told | dict(own_words(message.extensions))


def _is_content(part: Part) -> bool:
    match part:
        case ForeignPart(dialect=dialect, payload=payload):
            return dialect == NAME and not _is_call(payload)
        case Thinking() | ToolCall() | Refusal() | ToolResult():
            return False
        case _:
            return True


def _thinking_field(message: Message) -> str:
    for part in message.parts:
        if isinstance(part, Thinking):
            return str(own_words(part.extensions).get("field", "reasoning_content"))
    return "reasoning_content"


def _call_objects(part: Part, manner: Manner) -> list[Any]:
    match part:
        case ToolCall():
            told: dict[str, Any] = dict(own_words(part.extensions))
            function = {"name": part.name, "arguments": part.arguments or "{}"}
            function |= told.pop("function", {})
            if part.cache_control is not None and manner.cache_control:
                told["cache_control"] = part.cache_control
            return [{"id": part.id, "type": "function", "function": function, **told}]
        case ForeignPart(dialect=dialect, payload=payload) if dialect == NAME and _is_call(payload):
            return [msgspec.Raw(payload)]
        case _:
            return []


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
    return any(not isinstance(part, ToolResult | Thinking) for part in message.parts) or not message.parts


def _user(
    placed: _Placed, manner: Manner, *, developer_role: bool, before: Sequence[Any] = ()
) -> dict[str, Any]:
    message = placed.message
    parts = [part for part in message.parts if not isinstance(part, ToolResult | Thinking)]
    content: Any
    if before:
        told = [part for part in parts if not (isinstance(part, Text) and not part.text)]
        content = [*before, *(part_object(part, f"{placed.path}.content", manner) for part in told)]
    else:
        content = content_of(parts, f"{placed.path}.content", manner)
    role = "system" if message.role is Role.DEVELOPER and not developer_role else message.role.value
    name = {} if message.name is None else {"name": message.name}
    return {"role": role, "content": content, **name, **own_words(message.extensions)}
