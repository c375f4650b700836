"""What an adapter is asked while it is tried, as clients of the gateway would ask it."""

import json
from typing import Any

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.outbound.contract.stage import Setting
from domain.conversation.request import ChatRequest
from domain.ports.providers import EmbeddingCall, ProviderCall

TOOL = "look_up"
"""The tool that the model is offered; it takes a place."""

_SCHEMA = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
_WORDS = "Say hello to the world."
_DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""The smallest picture there is."""


def question(setting: Setting, *, stream: bool = True) -> ProviderCall:
    """A question in OpenAI's words."""
    return _call(setting, _openai({"messages": [{"role": "user", "content": _WORDS}]}, stream), stream=stream)


def question_of_anthropics_client(setting: Setting) -> ProviderCall:
    """The same question in Anthropic's words."""
    body = {
        "model": "any",
        "max_tokens": 1000,
        "stream": True,
        "messages": [{"role": "user", "content": _WORDS}],
    }
    request = ANTHROPIC_MESSAGES.decode_request(json.dumps(body).encode(), {})
    return _call(setting, request, stream=True)


def question_with_tool(setting: Setting, *, stream: bool = True) -> ProviderCall:
    """A question with a tool that would help."""
    body = {"messages": [{"role": "user", "content": "How is the weather in Rome?"}], "tools": [_tool()]}
    return _call(setting, _openai(body, stream), stream=stream)


def long_history(setting: Setting) -> ProviderCall:
    """A conversation with instructions, a picture, a call of a tool and its result."""
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_DOT}"}}
    function = {"name": TOOL, "arguments": '{"place": "Rome"}'}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Where is this, and how warm?"}, picture]},
        {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "22 °C"},
        {"role": "user", "content": _WORDS},
    ]
    body = {"messages": messages, "tools": [_tool()], "temperature": 0, "stop": ["END"], "max_tokens": 1000}
    return _call(setting, _openai(body, stream=True), stream=True)


def texts_to_embed(setting: Setting) -> EmbeddingCall:
    """One text."""
    body = json.dumps({"model": "any", "input": "hello"}).encode()
    return EmbeddingCall(body=body, request_id="contract", model=setting.spec.model)


def _tool() -> dict[str, Any]:
    return {"type": "function", "function": {"name": TOOL, "description": "Weather", "parameters": _SCHEMA}}


def _openai(body: dict[str, Any], stream: bool) -> ChatRequest:  # noqa: FBT001
    whole = {"model": "any", "stream": stream, **body}
    return OPENAI_CHAT.decode_request(json.dumps(whole).encode(), {})


def _call(setting: Setting, request: ChatRequest, *, stream: bool) -> ProviderCall:
    return ProviderCall(request=request, request_id="contract", model=setting.spec.model, stream=stream)
