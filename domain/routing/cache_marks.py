"""Counts what a client has marked for a prompt cache."""

from collections.abc import Iterable

from domain.conversation.parts import Document, ForeignPart, Image, Part, Text, ToolCall, ToolResult
from domain.conversation.request import Conversation, ForeignTool, Tool

MOST_CACHE_MARKS = 4
"""Anthropic refuses a request with more breakpoints (docs.claude.com, "Prompt caching")."""

_MARK = b'"cache_control"'


def cache_marks(conversation: Conversation) -> int:
    """How many breakpoints there are: in tools, in turns, in results of tools and for the whole request."""
    whole = "cache_control" in conversation.extensions.get("anthropic_messages", {})
    in_turns = sum(_in_parts(message.parts) for message in conversation.messages)
    return whole + sum(map(_of_tool, conversation.tools)) + in_turns


def _of_tool(tool: Tool | ForeignTool) -> bool:
    return tool.cache_control is not None if isinstance(tool, Tool) else _MARK in tool.payload


def _in_parts(parts: Iterable[Part]) -> int:
    marks = 0
    for part in parts:
        match part:
            case Text() | Image() | Document() | ToolCall():
                marks += part.cache_control is not None
            case ToolResult(content=content):
                marks += (part.cache_control is not None) + _in_parts(content)
            case ForeignPart(payload=payload):
                marks += _MARK in payload
            case _:
                pass
    return marks
