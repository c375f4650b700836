"""Reads a whole request body into a conversation."""

from typing import Any

from adapters.dialects.fields import Fields, decoded, expected
from adapters.dialects.openai_chat.message_reading import read_messages
from adapters.dialects.openai_chat.part_reading import json_of, kept
from adapters.dialects.openai_chat.sampling import read_sampling
from adapters.dialects.openai_chat.wire import NAME
from domain.conversation.request import (
    Conversation,
    ForeignTool,
    MalformedRequest,
    Tool,
    ToolChoice,
    ToolUse,
)

ENVELOPE = ("model", "stream", "stream_options", "profile", "n")
"""Fields that every route reads and that therefore belong to the request, not to the conversation."""

_TOOL_USES = {
    "auto": ToolUse.AUTO,
    "none": ToolUse.NONE,
    "required": ToolUse.REQUIRED,
    "any": ToolUse.REQUIRED,
}
"""Their word -> ours; ``any`` is Mistral's."""


def read_conversation(body: bytes) -> Conversation:
    """
    The whole content.

    Raises:
        MalformedRequest: with the place.
    """
    fields = Fields(decoded(body, ""), "")
    for field in ENVELOPE:
        fields.anything(field)
    return Conversation(
        messages=read_messages(fields.items("messages")),
        tools=_tools(fields),
        tool_choice=_tool_choice(fields),
        sampling=read_sampling(fields),
        extensions=kept(fields.rest()),
    )


def _tools(fields: Fields) -> tuple[Tool | ForeignTool, ...]:
    """``functions`` is the older form of ``tools``."""
    path, older = fields.path("tools"), fields.path("functions")
    tools = [_tool(tool, f"{path}[{index}]") for index, tool in enumerate(fields.items("tools"))]
    functions = [
        _function(Fields(function, f"{older}[{index}]"))
        for index, function in enumerate(fields.items("functions"))
    ]
    return (*tools, *functions)


def _tool(tool: Any, path: str) -> Tool | ForeignTool:
    fields = Fields(tool, path)
    if not fields.has("function"):
        fields.text("type")
        return ForeignTool(dialect=NAME, payload=json_of(tool))
    fields.optional_text("type")
    return _function(fields.nested("function"), fields)


def _function(function: Fields, around: Fields | None = None) -> Tool:
    name = function.text("name")
    description = function.optional_text("description")
    parameters = function.optional_object("parameters")
    strict = function.peek("strict") is True
    inner = function.rest()
    cache_control = around.anything("cache_control") if around is not None else None
    outer = around.rest() if around is not None else {}
    return Tool(
        name=name,
        description=description,
        parameters=parameters,
        strict=strict,
        cache_control=cache_control,
        extensions=kept(outer | ({"function": inner} if inner else {})),
    )


def _tool_choice(fields: Fields) -> ToolChoice | None:
    path = fields.path("tool_choice")
    choice = fields.anything("tool_choice")
    older = fields.anything("function_call")
    parallel = fields.optional_flag("parallel_tool_calls")
    if choice is None and older is not None:
        path, choice = fields.path("function_call"), _modern(older)
    if choice is None and parallel is None:
        return None
    return _chosen(choice, path, parallel=parallel)


def _modern(older: Any) -> Any:
    """The older form names the function without an object around it."""
    return {"type": "function", "function": older} if isinstance(older, dict) else older


def _chosen(choice: Any, path: str, *, parallel: bool | None) -> ToolChoice:
    match choice:
        case None:
            return ToolChoice(parallel=parallel)
        case str(word) if word in _TOOL_USES:
            return ToolChoice(use=_TOOL_USES[word], parallel=parallel)
        case str(word):
            raise MalformedRequest(path, f"expected one of {', '.join(_TOOL_USES)}, found {word!r}")
        case {"function": {"name": str(name)}}:
            return ToolChoice(use=ToolUse.NAMED, name=name, parallel=parallel)
        case {"type": "allowed_tools", "allowed_tools": {"mode": "required"}}:
            return ToolChoice(use=ToolUse.REQUIRED, parallel=parallel, extensions=kept({"verbatim": choice}))
        case {"type": str()}:
            return ToolChoice(parallel=parallel, extensions=kept({"verbatim": choice}))
        case _:
            raise expected(path, "a word or an object with a type", choice)
