"""
Chats of the usual kind: of words and calls, with one answer and a limit of it, and nothing that is rare.

Theory of operation. Of a long request only the heads of its messages are read at once, and all of it when
somebody asks what it may cost. A short one is read in one pass: that takes hardly longer than its heads do,
and tells all that is asked of it on the way to an upstream of the same language.
"""

from typing import Literal, TypeAlias

import msgspec

from adapters.dialects.plain import Limit, Plain, PlainTool, PlainTurn

Speaker: TypeAlias = Literal["system", "developer", "user", "assistant", "tool", "function"]
"""Whoever may say a message."""

_SHORT_BYTES = 2 * 1024


class _Chat(Plain, gc=False):
    """Of two limits the newer is the one that is sent."""

    tools: list[PlainTool] | None = None
    max_completion_tokens: Limit = None

    @property
    def output_limit(self) -> int:
        return self.max_completion_tokens or self.max_tokens or 0


class PlainChat(_Chat, gc=False):
    """A chat of any length."""

    messages: list[PlainTurn] | None = None


class _Message(PlainTurn, kw_only=True, gc=False):
    role: Speaker


class _StreamOptions(msgspec.Struct, gc=False):
    include_usage: bool | None = None


class ShortChat(_Chat, kw_only=True, gc=False):
    """A chat of which all is read at once that is read at all."""

    messages: list[_Message]
    model: str | None = None
    profile: str | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    n: Literal[1] | None = None
    best_of: Literal[1] | None = None
    functions: None = None

    @property
    def roles(self) -> list[str]:
        """Who speaks, message by message."""
        return [message.role for message in self.messages]

    @property
    def wants_usage(self) -> bool:
        """Whether a report of the tokens is to end the stream."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)


_decode_short = msgspec.json.Decoder(ShortChat).decode


def short_chat(body: bytes) -> ShortChat | None:
    """The chat, if it is short and of the usual kind; what is wrong with another shows in a closer look."""
    if len(body) > _SHORT_BYTES:
        return None
    try:
        chat = _decode_short(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return chat if chat.messages else None
