"""Writes a request body out of a conversation."""

from collections.abc import Mapping
from typing import Any

from adapters.dialects.dialect import Outgoing
from adapters.dialects.json_text import json_text
from adapters.dialects.ollama_chat.messages import message_objects
from domain.conversation.parts import Text
from domain.conversation.request import (
    AnswerSchema,
    Conversation,
    MalformedRequest,
    Message,
    Role,
    Sampling,
    Tool,
    ToolUse,
)

_NO_PARAMETERS = {"type": "object", "properties": {}}
_NO_THINKING = "none"


def encode_request(outgoing: Outgoing) -> bytes:
    """
    The body for an upstream.

    Raises:
        MalformedRequest: the conversation holds what this dialect cannot say.
    """
    if outgoing.request.choices > 1:
        raise MalformedRequest("n", "only one answer can be asked of this provider")
    conversation = outgoing.conversation
    told: dict[str, Any] = {
        "model": outgoing.model or outgoing.request.model,
        "messages": message_objects(_instructed(conversation, outgoing.system_suffix)),
        "stream": outgoing.stream,
    }
    if tools := _tools(conversation):
        told["tools"] = tools
    told |= _manner(conversation.sampling, outgoing) | _own_words(conversation)
    return json_text(_over(outgoing.extra_body, told, _options(conversation.sampling)))


def _over(extra: Mapping[str, Any], told: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """What the client says over what the configuration says, in ``options`` as well."""
    configured = extra.get("options")
    merged = {**(configured if isinstance(configured, Mapping) else {}), **options}
    return {**extra, **told, **({"options": merged} if merged else {})}


def _instructed(conversation: Conversation, suffix: str) -> tuple[Message, ...]:
    if not suffix:
        return conversation.messages
    return (*conversation.messages, Message(role=Role.SYSTEM, parts=(Text(text=suffix),)))


def _tools(conversation: Conversation) -> list[dict[str, Any]]:
    """
    The tools that may be used.

    The dialect has no word for the choice of a tool, so those that must not be used are not offered. Tools of
    other dialects' servers are left out.
    """
    choice = conversation.tool_choice
    if choice is not None and choice.use is ToolUse.NONE:
        return []
    named = choice.name if choice is not None and choice.use is ToolUse.NAMED else None
    tools = [tool for tool in conversation.tools if isinstance(tool, Tool)]
    return [_tool(tool) for tool in tools if named in (None, tool.name)]


def _tool(tool: Tool) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description or "",
        "parameters": _NO_PARAMETERS if tool.parameters is None else tool.parameters,
    }
    return {"type": "function", "function": function}


def _options(sampling: Sampling) -> dict[str, Any]:
    """https://github.com/ollama/ollama/blob/main/docs/modelfile.md, "Valid Parameters and Values"."""
    told = {
        "num_predict": sampling.max_output_tokens or None,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _manner(sampling: Sampling, outgoing: Outgoing) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if sampling.answer_schema is not None:
        told["format"] = _format(sampling.answer_schema)
    if sampling.reasoning_effort is not None:
        told["think"] = _think(sampling.reasoning_effort, levels=outgoing.quirks.thinking_levels)
    if sampling.top_logprobs is not None:
        told |= {"logprobs": True} | ({"top_logprobs": others} if (others := sampling.top_logprobs) else {})
    return told


def _own_words(conversation: Conversation) -> dict[str, Any]:
    """What clients say to Ollama through any dialect: how long the model shall stay in memory."""
    said = [fields for fields in conversation.extensions.values() if "keep_alive" in fields]
    return {"keep_alive": said[0]["keep_alive"]} if said else {}


def _think(effort: str, *, levels: bool) -> bool | str:
    """Most models know yes and no, and refuse a level."""
    if effort == _NO_THINKING:
        return False
    return effort if levels else True


def _format(schema: AnswerSchema) -> Any:
    return "json" if schema.schema is None else schema.schema
