"""
Writes messages: instructions first, and what tools gave under the names of the tools.

A message is a role, words, and pictures as bare base64; there are no other parts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from domain.conversation.parts import (
    Document,
    ForeignPart,
    Image,
    InlineData,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from domain.conversation.request import MalformedRequest, Message, Role

_INSTRUCTING = (Role.SYSTEM, Role.DEVELOPER)
_FAILED = "[the tool failed]"
_FROM_TOOL = "[shown by the tool]"


@dataclass(slots=True)
class _Written:
    """A message's words and pictures as they gather."""

    words: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)

    def message(self, role: str, *, joint: str = "\n") -> dict[str, Any]:
        told: dict[str, Any] = {"role": role, "content": joint.join(self.words)}
        return told | {"images": self.images} if self.images else told


def message_objects(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """
    The ``messages`` of a body; all instructions become one leading message.

    Raises:
        MalformedRequest: media that this dialect cannot carry.
    """
    instructions = _Written()
    told: list[dict[str, Any]] = []
    tools: dict[str, str] = {}
    for index, message in enumerate(messages):
        path = f"messages[{index}].content"
        if message.role in _INSTRUCTING:
            _gather(message.parts, path, instructions)
        elif message.role is Role.ASSISTANT:
            told += _assistant(message, path, tools)
        else:
            told += _others(message, path, tools)
    return [instructions.message("system", joint="\n\n"), *told] if instructions.words else told


def _assistant(message: Message, path: str, tools: dict[str, str]) -> Iterator[dict[str, Any]]:
    written = _Written()
    _gather(message.parts, path, written)
    thought = "\n".join(part.text for part in message.parts if isinstance(part, Thinking) and part.text)
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    tools |= {call.id: call.name for call in calls}
    if not (written.words or written.images or thought or calls):
        return
    told = written.message("assistant")
    if thought:
        told["thinking"] = thought
    if calls:
        told["tool_calls"] = [_call(call) for call in calls]
    yield told


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "function": {"name": call.name, "arguments": _arguments(call.arguments)}}


def _arguments(text: str) -> Any:
    """An object, as the server insists on one; what a model wrote otherwise stands in it as its text."""
    try:
        told = msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, RecursionError):
        told = text
    return told if isinstance(told, dict) else {"arguments": told}


def _others(message: Message, path: str, tools: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Results first, directly behind their calls, then the pictures that they hold, then the user's words."""
    shown = _Written()
    for index, part in enumerate(message.parts):
        if isinstance(part, ToolResult):
            yield _result(part, f"{path}[{index}].content", tools, shown)
    if shown.images:
        shown.words.append(_FROM_TOOL)
    _gather(message.parts, path, shown)
    if shown.words or shown.images:
        yield shown.message("user")


def _result(result: ToolResult, path: str, tools: dict[str, str], shown: _Written) -> dict[str, Any]:
    written = _Written([_FAILED] if result.is_error else [])
    _gather([_shown(part) for part in result.content], path, written)
    shown.images += written.images
    written.images = []
    told = written.message("tool") | {"tool_call_id": result.call_id}
    return told | {"tool_name": tools[result.call_id]} if result.call_id in tools else told


def _shown(part: Text | Image | Document | ForeignPart) -> Part:
    """What only another dialect knows is shown as what it is: JSON."""
    return Text(text=part.payload.decode("utf-8", "replace")) if isinstance(part, ForeignPart) else part


def _gather(parts: Sequence[Part], path: str, written: _Written) -> None:
    for index, part in enumerate(parts):
        match part:
            case Text(text=text) | Refusal(text=text):
                written.words += [text] if text else []
            case Image():
                written.images.append(_picture(part, f"{path}[{index}]"))
            case Document():
                written.words.append(_document(part, f"{path}[{index}]"))
            case ForeignPart() | Thinking() | ToolCall() | ToolResult():
                pass


def _picture(image: Image, path: str) -> str:
    if not isinstance(image.source, InlineData):
        raise MalformedRequest(path, "this provider takes pictures as data in the request, not as a link")
    return image.source.base64


def _document(document: Document, path: str) -> str:
    if not isinstance(document.source, Text):
        raise MalformedRequest(path, "this provider takes documents as plain text only")
    return f"{document.title}\n{document.source.text}" if document.title else document.source.text
