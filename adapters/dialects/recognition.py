"""Tells from a body alone which dialect a request is in, for tools that are handed no path."""

from collections.abc import Mapping
from typing import Any

from adapters.dialects.fields import decoded
from domain.conversation.request import DialectName

_ANTHROPIC_KEYS = {"system", "stop_sequences", "thinking", "top_k", "anthropic_version"}
_ANTHROPIC_BLOCKS = {"tool_use", "tool_result", "thinking", "redacted_thinking", "image", "document"}


def recognised(body: bytes) -> DialectName:
    """
    The dialect that a request's body is most likely in.

    What only one vendor has decides: OpenAI's Responses say ``input`` and its completions ``prompt``,
    Anthropic's Messages have system texts outside the messages, tools with an ``input_schema`` and blocks of
    their own. The rest is a chat.

    Raises:
        MalformedRequest: the body is not JSON.
    """
    request = decoded(body, "")
    if not isinstance(request, dict):
        return "openai_chat"
    if "input" in request and "messages" not in request:
        return "openai_responses"
    if "prompt" in request and "messages" not in request:
        return "openai_completions"
    return "anthropic_messages" if _is_anthropic(request) else "openai_chat"


def _is_anthropic(request: Mapping[str, Any]) -> bool:
    if _ANTHROPIC_KEYS & request.keys():
        return True
    tools = request.get("tools")
    if isinstance(tools, list) and any(isinstance(tool, dict) and "input_schema" in tool for tool in tools):
        return True
    messages = request.get("messages")
    return isinstance(messages, list) and any(map(_holds_its_blocks, messages))


def _holds_its_blocks(message: object) -> bool:
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return False
    return any(isinstance(block, dict) and block.get("type") in _ANTHROPIC_BLOCKS for block in content)
