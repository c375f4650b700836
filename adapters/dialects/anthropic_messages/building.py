"""Builds the body of a request that has no bytes of this dialect to go back to."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import msgspec

from adapters.dialects.anthropic_messages.blocks import Block, blocks_of, noted
from adapters.dialects.anthropic_messages.sampling import sampling_fields
from adapters.dialects.anthropic_messages.turns import turns_of
from adapters.dialects.anthropic_messages.words import NAME, own
from adapters.dialects.dialect import Outgoing
from adapters.dialects.json_text import json_text
from domain.conversation.request import (
    Conversation,
    ForeignTool,
    MalformedRequest,
    Message,
    Role,
    Tool,
    ToolChoice,
    ToolUse,
)
from domain.routing.cache_marks import MOST_CACHE_MARKS

_INSTRUCTIONS = (Role.SYSTEM, Role.DEVELOPER)
_NOT_IN_BODY = frozenset({"anthropic_version", "profile"})

_CHOICES = {
    ToolUse.AUTO: "auto",
    ToolUse.REQUIRED: "any",
    ToolUse.NONE: "none",
    ToolUse.NAMED: "tool",
}


def built_body(outgoing: Outgoing) -> bytes:
    """
    The body, from neutral values.

    Raises:
        MalformedRequest: the request says something that this dialect has no words for.
    """
    request = outgoing.request
    if request.choices > 1:
        raise MalformedRequest(
            "n", f"{NAME}, the language of the chosen upstream, gives one answer at a time"
        )
    at_home = request.dialect == NAME
    below = {key: value for key, value in outgoing.extra_body.items() if key not in _NOT_IN_BODY}
    said = _said(outgoing.conversation, outgoing.system_suffix, at_home=at_home)
    _limit_breakpoints(said)
    model = {"model": outgoing.model} if outgoing.model else {}
    stream = {"stream": True} if outgoing.stream else {}
    default = {"max_tokens": outgoing.quirks.default_max_tokens}
    return json_text(default | below | said | model | stream)


def _said(conversation: Conversation, suffix: str, *, at_home: bool) -> dict[str, Any]:
    """What the client said, field by field."""
    leading = list(takewhile(lambda message: message.role in _INSTRUCTIONS, conversation.messages))
    if len(leading) == len(conversation.messages) and leading and not at_home:
        # Instructions alone are a legal request elsewhere; here somebody must have asked.
        leading.pop()
    following = conversation.messages[len(leading) :]
    tools = [_tool(tool) for tool in conversation.tools if _is_known(tool)]
    fields = {
        "system": _system(leading, suffix, at_home=at_home),
        "messages": turns_of(following, len(leading), at_home=at_home),
        "tools": tools,
        "tool_choice": _tool_choice(conversation.tool_choice) if tools or at_home else None,
        **sampling_fields(conversation.sampling, at_home=at_home),
        **own(conversation.extensions),
    }
    return {key: value for key, value in fields.items() if value is not None and value not in ("", [], ())}


def _system(leading: Sequence[Message], suffix: str, *, at_home: bool) -> str | list[Block]:
    """Instructions as one text if nothing is lost that way, else as blocks."""
    blocks = [
        block
        for index, message in enumerate(leading)
        for block in blocks_of(message.parts, f"messages[{index}].content", at_home=at_home)
    ]
    if suffix:
        blocks.append({"type": "text", "text": suffix})
    plain = all(block.keys() == {"type", "text"} for block in blocks)
    if not plain or (at_home and len(blocks) > 1):
        return blocks
    return "\n\n".join(block["text"] for block in blocks)


def _is_known(tool: Tool | ForeignTool) -> bool:
    """Another vendor's server tool cannot run here; the conversation goes on without it."""
    return isinstance(tool, Tool) or tool.dialect == NAME


def _tool(tool: Tool | ForeignTool) -> Block:
    if isinstance(tool, ForeignTool):
        block: Block = msgspec.json.decode(tool.payload)
        return block
    description = {} if tool.description is None else {"description": tool.description}
    schema = {"type": "object", **(tool.parameters if tool.parameters else {"properties": {}})}
    written = {"name": tool.name, **description, "input_schema": schema}
    return noted(written, tool.cache_control, tool.extensions)


def _tool_choice(choice: ToolChoice | None) -> Block | None:
    if choice is None:
        return None
    block: Block = {"type": _CHOICES[choice.use]}
    if choice.use is ToolUse.NAMED:
        if not choice.name:
            raise MalformedRequest("tool_choice", "expected the name of the tool to call")
        block["name"] = choice.name
    if choice.parallel is not None and choice.use is not ToolUse.NONE:
        block["disable_parallel_tool_use"] = not choice.parallel
    return {**block, **own(choice.extensions)}


def _limit_breakpoints(said: dict[str, Any]) -> None:
    """The last breakpoints cover the most; one for the whole request counts as well."""
    system = said.get("system")
    blocks = [*said.get("tools", []), *(system if isinstance(system, list) else [])]
    for turn in said.get("messages", []):
        for block in turn["content"]:
            blocks += block["content"] if isinstance(block.get("content"), list) else []
            blocks.append(block)
    marked = [block for block in blocks if "cache_control" in block]
    most = MOST_CACHE_MARKS - ("cache_control" in said)
    for block in marked[:-most]:
        del block["cache_control"]
