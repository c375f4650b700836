"""
What an OpenAI-compatible server sends, as typed records.

Only what is read is named, and only what must have its type is typed: servers of many makers send these.
Reference: https://platform.openai.com/docs/api-reference/chat
"""

from typing import Any

import msgspec

NAME = "openai_chat"
"""This dialect's name."""


class Function(msgspec.Struct, gc=False):
    """A call's function; ``arguments`` should be JSON text, some servers send an object."""

    name: str | None = None
    arguments: Any = None


class Call(msgspec.Struct, gc=False):
    """A tool call or a piece of one."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: Function | None = None
    custom: dict[str, Any] | None = None


class Words(msgspec.Struct, gc=False):
    """A message or a piece of one (``delta``)."""

    content: str | list[Any] | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    refusal: str | None = None
    tool_calls: list[Call] | None = None
    function_call: Function | None = None


class Choice(msgspec.Struct, gc=False):
    """One of several answers; streams say ``delta``, whole answers ``message``."""

    delta: Words | None = None
    message: Words | None = None
    finish_reason: str | None = None
    index: int | None = None
    logprobs: Any = None
    stop_reason: Any = None
    error: Any = None


class Reply(msgspec.Struct, gc=False):
    """A whole answer or a chunk of one."""

    choices: list[Choice] | None = None
    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    usage: dict[str, Any] | None = None
    error: Any = None
    object: str | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None


reply_decoder = msgspec.json.Decoder(Reply)
replies_decoder = msgspec.json.Decoder(list[Reply])
