"""
What must change in the tools of a request on their way to one target.

A client names and describes its tools as its own vendor lets it. Elsewhere a name is of ``[A-Za-z0-9_-]`` and
bounded in length, a schema has fewer words, and a tool is either offered or not: nobody looks one up when it
is needed.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import is_
from typing import TypeAlias

from domain.conversation.extensions import Json, Nothing
from domain.conversation.parts import Document, ForeignPart, Image, Part, Text, ToolCall, ToolResult
from domain.conversation.request import Conversation, ForeignTool, Message, Tool, ToolChoice
from domain.routing.plain_schemas import plain_schemas
from domain.values import value

LONGEST_NAME = 64
"""OpenAI's bound; Anthropic's is 128 and others' no less than this."""

_LEGAL = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_-]")
_NAME_REFERRED_TO = re.compile(rb'"tool_name"\s*:\s*"([^"\\]*)"')
_MARK_LENGTH = 8
_ANTHROPIC = "anthropic_messages"


class ToolNames(StrEnum):
    """Whether tools are renamed for a provider: in translation, always, or never."""

    AUTO = "auto"
    SAFE = "safe"
    AS_IS = "as_is"


class ToolSchemas(StrEnum):
    """How a provider is told what a tool takes: as the client says it, or in plain words."""

    AS_IS = "as_is"
    PLAIN = "plain"


class DeferredTools(StrEnum):
    """Whether tools that would be looked up are offered at once: by the vendor, always, or never."""

    AUTO = "auto"
    EXPAND = "expand"
    LEAVE = "pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolManners:
    """What a provider needs of the tools it is told."""

    names: ToolNames = ToolNames.AUTO
    schemas: ToolSchemas = ToolSchemas.AS_IS
    deferred: DeferredTools = DeferredTools.AUTO


AS_NEEDED = ToolManners()
"""Of a provider that has said nothing about it."""


@value(kw_only=True)
class Tooling:
    """
    What changes in the tools of one request.

    Attributes:
        names: the client's name -> the one that the target is told, of those that differ.
        plain_schemas: whether schemas are said in plain words.
        offers_all: whether tools that would be looked up are offered at once.
    """

    names: Mapping[str, str] = Nothing()
    plain_schemas: bool = False
    offers_all: bool = False

    @property
    def changes_something(self) -> bool:
        return bool(self.names) or self.plain_schemas or self.offers_all


AS_OFFERED = Tooling()


def tool_names(conversation: Conversation) -> Iterator[str]:
    """The tools that are offered, then those that were called: a client may since have put some away."""
    yield from (tool.name for tool in conversation.tools if isinstance(tool, Tool))
    for message in conversation.messages:
        yield from (part.name for part in message.parts if isinstance(part, ToolCall))


def safe_names(names: Iterable[str]) -> Mapping[str, str]:
    """
    A name that every server takes for each that is not one.

    The same names always get the same ones, and no two share one; names that may stay do.
    """
    names = tuple(dict.fromkeys(names))
    taken = {name for name in names if _LEGAL.fullmatch(name)}
    given: dict[str, str] = {}
    for name in names:
        if name not in taken and name not in given:
            plain = _plain(name)
            unique = plain if plain not in taken else _marked(plain, name)
            given[name] = unique
            taken.add(unique)
    return given


def tooled(conversation: Conversation, tooling: Tooling) -> Conversation:
    """The conversation as the target is told it; the very same if nothing has to change."""
    if not tooling.changes_something:
        return conversation
    tools = tuple(_tool(tool, tooling) for tool in conversation.tools if _is_offered(tool, tooling))
    return replace(
        conversation,
        messages=tuple(_message(message, tooling) for message in conversation.messages),
        tools=_plainly(tools)[0] if tooling.plain_schemas else tools,
        tool_choice=_choice(conversation.tool_choice, tooling.names),
    )


def searches(tools: Iterable[Tool | ForeignTool]) -> bool:
    """Whether there is a tool of the vendor's among them that looks others up."""
    return any(isinstance(tool, ForeignTool) and _is_search(tool) for tool in tools)


def loses_schemas(tools: Iterable[Tool | ForeignTool]) -> bool:
    """Whether plain words do not suffice for what some of these tools take."""
    return _plainly(tuple(tools))[1]


def defers(conversation: Conversation) -> bool:
    """Whether tools are, or have been, looked up only when they are needed."""
    waiting = any(
        _is_search(tool) if isinstance(tool, ForeignTool) else _said(tool).get("defer_loading") is not None
        for tool in conversation.tools
    )
    return waiting or any(_looks_up(part) for message in conversation.messages for part in message.parts)


def _looks_up(part: Part) -> bool:
    if isinstance(part, ToolResult):
        return any(map(_is_reference, part.content))
    return isinstance(part, ForeignPart) and (_is_search(part) or _is_reference(part))


def _is_search(said: ForeignTool | ForeignPart) -> bool:
    """A tool that looks others up on the vendor's server, or a call of it."""
    return said.dialect == _ANTHROPIC and b'"tool_search_tool_' in said.payload and not _is_reference(said)


def _is_offered(tool: Tool | ForeignTool, tooling: Tooling) -> bool:
    """Nothing is left to search for where everything is offered."""
    return not (tooling.offers_all and isinstance(tool, ForeignTool) and _is_search(tool))


def _tool(tool: Tool | ForeignTool, tooling: Tooling) -> Tool | ForeignTool:
    if isinstance(tool, ForeignTool):
        return tool
    tool = replace(tool, name=tooling.names.get(tool.name, tool.name))
    if tooling.offers_all and "defer_loading" in _said(tool):
        kept = {key: value for key, value in _said(tool).items() if key != "defer_loading"}
        tool = replace(tool, extensions={**tool.extensions, _ANTHROPIC: kept})
    return tool


def _plainly(tools: tuple[Tool | ForeignTool, ...]) -> tuple[tuple[Tool | ForeignTool, ...], bool]:
    """The tools with their schemas in plain words, and whether something of these could not be said."""
    schemas = [tool.parameters for tool in tools if isinstance(tool, Tool) and tool.parameters is not None]
    plain, untold = plain_schemas(schemas)
    told = iter(plain)
    return tuple(
        replace(tool, parameters=next(told))
        if isinstance(tool, Tool) and tool.parameters is not None
        else tool
        for tool in tools
    ), untold


def _said(tool: Tool) -> Mapping[str, Json]:
    return tool.extensions.get(_ANTHROPIC, {})


def _choice(choice: ToolChoice | None, names: Mapping[str, str]) -> ToolChoice | None:
    if choice is None or choice.name is None or choice.name not in names:
        return choice
    return replace(choice, name=names[choice.name])


def _message(message: Message, tooling: Tooling) -> Message:
    parts = tuple(_part(part, tooling) for part in message.parts if _is_shown(part, tooling))
    unchanged = len(parts) == len(message.parts) and all(map(is_, parts, message.parts))
    return message if unchanged else replace(message, parts=parts)


def _is_shown(part: Part, tooling: Tooling) -> bool:
    return not (tooling.offers_all and isinstance(part, ForeignPart) and _is_search(part))


def _part(part: Part, tooling: Tooling) -> Part:
    match part:
        case ToolCall(name=name) if name in tooling.names:
            return replace(part, name=tooling.names[name])
        case ToolResult(content=content) if tooling.offers_all and any(map(_is_reference, content)):
            return replace(part, content=tuple(_unreferenced(each, tooling) for each in content))
        case ForeignPart() if tooling.offers_all:
            return _unreferenced(part, tooling)
        case _:
            return part


ResultPart: TypeAlias = Text | Image | Document | ForeignPart


def _is_reference(part: ResultPart | ForeignTool) -> bool:
    return (
        isinstance(part, ForeignPart) and part.dialect == _ANTHROPIC and b'"tool_reference"' in part.payload
    )


def _unreferenced(part: ResultPart, tooling: Tooling) -> ResultPart:
    """A search found a tool, which is offered anyway."""
    if not isinstance(part, ForeignPart) or not _is_reference(part):
        return part
    found = (name.decode("utf-8", "replace") for name in _NAME_REFERRED_TO.findall(part.payload))
    names = ", ".join(tooling.names.get(name, name) for name in found)
    return Text(text=f"Available tools: {names}.")


def _plain(name: str) -> str:
    plain = _FORBIDDEN.sub("_", name) or "_"
    return plain if len(plain) <= LONGEST_NAME else _marked(plain, name)


def _marked(plain: str, whole: str) -> str:
    """A digest of the whole name keeps apart what the bound would make alike."""
    digest = hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:_MARK_LENGTH]
    return f"{plain[: LONGEST_NAME - _MARK_LENGTH - 1]}_{digest}"
