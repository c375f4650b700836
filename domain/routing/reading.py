"""Reads what turns and tools are made of: their words, their pictures, and how many characters there are."""

import json
from collections.abc import Iterable, Iterator

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
from domain.conversation.request import ForeignTool, Tool
from domain.tokens.request import schema_text


def words(parts: Iterable[Part]) -> Iterator[str]:
    """What is said in so many words, piece by piece; not what tools answered."""
    for part in parts:
        match part:
            case Text(text=text):
                yield text
            case ForeignPart():
                yield from _foreign_words(part)
            case _:
                pass


def shows(part: Part) -> bool:
    """Whether there is a picture, in a tool's answer too."""
    if isinstance(part, ToolResult):
        return any(map(is_picture, part.content))
    return is_picture(part)


def is_picture(part: Part) -> bool:
    if isinstance(part, ForeignPart):
        return _members(part).get("type") in _PICTURES
    return isinstance(part, Image)


_PICTURES = ("image", "image_url", "input_image")
"""What the dialects call a picture; a client may use another dialect's word."""


def readable_characters(parts: Iterable[Part]) -> int:
    """Characters of what people and tools said."""
    count = 0
    for part in parts:
        match part:
            case Text(text=text) | Refusal(text=text) | Document(source=Text(text=text)):
                count += len(text)
            case ToolResult(content=content):
                count += readable_characters(content)
            case ForeignPart():
                count += sum(map(len, _foreign_words(part)))
            case _:
                pass
    return count


def made_characters(parts: Iterable[Part]) -> int:
    """Characters of a model's calls and thinking."""
    count = 0
    for part in parts:
        match part:
            case ToolCall(name=name, arguments=arguments):
                count += len(name) + len(arguments)
            case Thinking(text=text):
                count += len(text)
            case _:
                pass
    return count


def definition_characters(tool: Tool | ForeignTool) -> int:
    """Characters of a tool's name, description and schema, the schema as compact JSON."""
    if isinstance(tool, ForeignTool):
        return len(tool.payload.decode("utf-8", "replace"))
    schema = "" if tool.parameters is None else schema_text(tool.parameters)
    return len(tool.name) + len(tool.description or "") + len(schema)


def _foreign_words(part: ForeignPart) -> Iterator[str]:
    """A part that the dialect does not know may still say its words under the usual name."""
    text = _members(part).get("text")
    if isinstance(text, str):
        yield text


def _members(part: ForeignPart) -> dict[str, object]:
    try:
        value = json.loads(part.payload)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
