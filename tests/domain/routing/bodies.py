"""The same conversation said in each dialect, as a client would send it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.conversation.request import ChatRequest
from domain.routing.facts import Facts
from tests.fakes.plain_counter import PlainCounter

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """A user's turn."""

    text: str = ""
    image: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """The model calls a tool, and the tool answers; the answer may show a picture."""

    answer: str = "done"
    image: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The model answers in words."""

    text: str = "ok"


Turn: TypeAlias = Say | Use | Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A request: its turns and what goes with them."""

    turns: tuple[Turn, ...] = (Say(text="hello"),)
    model: str = "any"
    system: str = ""
    tools: tuple[str, ...] = ()
    output_limit: int | None = None


def talk(*turns: Turn, **rest: Any) -> Talk:
    return Talk(turns=turns, **rest)


def openai_chat(talk: Talk) -> ChatRequest:
    body: dict[str, Any] = {"model": talk.model, "messages": []}
    if talk.system:
        body["messages"].append({"role": "system", "content": talk.system})
    for turn in talk.turns:
        body["messages"] += _chat_messages(turn)
    if talk.tools:
        body["tools"] = [
            {"type": "function", "function": {"name": name, "description": "A tool.", "parameters": SCHEMA}}
            for name in talk.tools
        ]
    if talk.output_limit is not None:
        body["max_tokens"] = talk.output_limit
    return OPENAI_CHAT.decode_request(json.dumps(body).encode(), {})


def anthropic_messages(talk: Talk) -> ChatRequest:
    body: dict[str, Any] = {"model": talk.model, "max_tokens": talk.output_limit or 1, "messages": []}
    if talk.system:
        body["system"] = [{"type": "text", "text": talk.system}]
    for turn in talk.turns:
        body["messages"] += _anthropic_messages(turn)
    if talk.tools:
        body["tools"] = [
            {"name": name, "description": "A tool.", "input_schema": SCHEMA} for name in talk.tools
        ]
    return ANTHROPIC_MESSAGES.decode_request(json.dumps(body).encode(), {})


def openai_responses(talk: Talk) -> ChatRequest:
    body: dict[str, Any] = {"model": talk.model, "input": []}
    if talk.system:
        body["instructions"] = talk.system
    for turn in talk.turns:
        body["input"] += _responses_items(turn)
    if talk.tools:
        body["tools"] = [
            {"type": "function", "name": name, "description": "A tool.", "parameters": SCHEMA}
            for name in talk.tools
        ]
    if talk.output_limit is not None:
        body["max_output_tokens"] = talk.output_limit
    return OPENAI_RESPONSES.decode_request(json.dumps(body).encode(), {})


DIALECTS: Mapping[str, Callable[[Talk], ChatRequest]] = {
    "openai_chat": openai_chat,
    "anthropic_messages": anthropic_messages,
    "openai_responses": openai_responses,
}


def facts(talk: Talk, dialect: str = "anthropic_messages") -> Facts:
    return facts_of(DIALECTS[dialect](talk))


def facts_of(request: ChatRequest) -> Facts:
    return Facts(request, PlainCounter().count)


def _chat_messages(turn: Turn) -> list[dict[str, Any]]:
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    match turn:
        case Say(text=text, image=False):
            return [{"role": "user", "content": text}]
        case Say(text=text):
            return [{"role": "user", "content": [{"type": "text", "text": text}, picture]}]
        case Reply(text=text):
            return [{"role": "assistant", "content": text}]
        case Use(answer=answer, image=image):
            call = {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": "{}"}}
            shown = [{"type": "text", "text": answer}, picture] if image else answer
            return [
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_1", "content": shown},
            ]


def _anthropic_messages(turn: Turn) -> list[dict[str, Any]]:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    match turn:
        case Say(text=text, image=False):
            return [{"role": "user", "content": text}]
        case Say(text=text):
            return [{"role": "user", "content": [{"type": "text", "text": text}, picture]}]
        case Reply(text=text):
            return [{"role": "assistant", "content": text}]
        case Use(answer=answer, image=image):
            call = {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}}
            shown = [{"type": "text", "text": answer}, picture] if image else answer
            result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": shown}
            return [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]


def _responses_items(turn: Turn) -> list[dict[str, Any]]:
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"}
    match turn:
        case Say(text=text, image=image):
            said: list[dict[str, Any]] = [{"type": "input_text", "text": text}]
            return [{"type": "message", "role": "user", "content": [*said, picture] if image else said}]
        case Reply(text=text):
            told = {"type": "output_text", "text": text, "annotations": []}
            return [{"type": "message", "role": "assistant", "content": [told]}]
        case Use(answer=answer, image=image):
            call = {"type": "function_call", "call_id": "call_1", "name": "read", "arguments": "{}"}
            shown = [{"type": "input_text", "text": answer}, picture] if image else answer
            return [call, {"type": "function_call_output", "call_id": "call_1", "output": shown}]
