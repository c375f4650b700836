"""Builds the body of a request that has no bytes of this dialect to go back to."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from adapters.dialects.dialect import Outgoing
from adapters.dialects.json_text import json_text
from adapters.dialects.openai_responses.item_building import items_of
from adapters.dialects.openai_responses.sampling import sampling_fields
from adapters.dialects.openai_responses.tool_names import ClientTool, ToolForm, client_tools
from adapters.dialects.openai_responses.words import NAME, own
from domain.conversation.extensions import Json
from domain.conversation.parts import Text
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

NEVER_BELOW = frozenset({"model", "stream", "input", "profile"})
"""What a provider's ``extra_body`` has no say in."""

_OURS = frozenset({"name", "namespace", "namespace_description", "description", "type"})
_NO_PARAMETERS: Mapping[str, Json] = {"type": "object", "properties": {}}


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
    below = {key: value for key, value in outgoing.extra_body.items() if key not in NEVER_BELOW}
    said = _said(outgoing.conversation, outgoing.system_suffix, at_home=at_home)
    model = {"model": outgoing.model} if outgoing.model else {}
    stream = {"stream": True} if outgoing.stream else {}
    return json_text({"store": False} | below | said | model | stream)


def _said(conversation: Conversation, suffix: str, *, at_home: bool) -> dict[str, Any]:
    """What the client said, field by field."""
    known = client_tools(conversation.tools)
    tools = _tools(conversation.tools, known)
    messages = (
        *conversation.messages,
        *([Message(role=Role.SYSTEM, parts=(Text(text=suffix),))] if suffix else []),
    )
    fields = {
        "input": items_of(messages, known, at_home=at_home),
        "tools": tools or None,
        **(_choice(conversation.tool_choice, known) if tools else {}),
        **sampling_fields(conversation.sampling),
        **own(conversation.extensions),
    }
    return {key: value for key, value in fields.items() if value is not None}


def _tools(tools: Iterable[Tool | ForeignTool], known: Mapping[str, ClientTool]) -> list[Any]:
    """Tools of one namespace stand in it together, where its first one stood."""
    told: list[Any] = []
    namespaces: dict[str, dict[str, Any]] = {}
    for tool in tools:
        if isinstance(tool, ForeignTool):
            if tool.dialect == NAME:
                told.append(msgspec.Raw(tool.payload))
            continue
        client = known.get(tool.name, ClientTool(tool.name))
        if client.namespace is None:
            told.append(_tool(tool, client))
            continue
        if client.namespace not in namespaces:
            description = own(tool.extensions).get("namespace_description") or ""
            opened = {
                "type": "namespace",
                "name": client.namespace,
                "description": description,
                "tools": [],
            }
            told.append(opened)
            namespaces[client.namespace] = opened
        namespaces[client.namespace]["tools"].append(_tool(tool, client))
    return told


def _tool(tool: Tool, client: ClientTool) -> dict[str, Any]:
    said = own(tool.extensions)
    rest = {key: value for key, value in said.items() if key not in _OURS}
    description = said.get("description", tool.description)
    described = {} if description is None else {"description": description}
    if client.form is ToolForm.CUSTOM:
        return {"type": "custom", "name": client.name, **described, **rest}
    schema = _NO_PARAMETERS if tool.parameters is None else tool.parameters
    if client.form is ToolForm.SEARCH:
        return {"type": client.form.value, **described, "parameters": schema, **rest}
    bound = {} if "strict" in rest else {"strict": tool.strict}
    return {
        "type": "function",
        "name": client.name,
        **described,
        "parameters": schema,
        **bound,
        **rest,
    }


def _choice(choice: ToolChoice | None, known: Mapping[str, ClientTool]) -> dict[str, Any]:
    if choice is None:
        return {}
    told: dict[str, Any] = {} if choice.parallel is None else {"parallel_tool_calls": choice.parallel}
    verbatim = own(choice.extensions).get("verbatim")
    if verbatim is not None:
        told["tool_choice"] = verbatim
    elif choice.use is ToolUse.NAMED:
        client = known.get(choice.name or "", ClientTool(choice.name or ""))
        told["tool_choice"] = {"type": client.form.value, "name": client.name}
    else:
        told["tool_choice"] = choice.use.value
    return told
