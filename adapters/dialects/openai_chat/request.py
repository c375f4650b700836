"""Requests: a body to a request that reads itself on demand, and a request to a body."""

from collections.abc import Mapping

from adapters.dialects.dialect import Outgoing
from adapters.dialects.fields import Fields
from adapters.dialects.openai_chat.body import ChatBody
from adapters.dialects.openai_chat.conversation_writing import written
from adapters.dialects.openai_chat.plain_chat import short_chat
from adapters.dialects.openai_chat.splicing import spliced
from adapters.dialects.openai_chat.wire import NAME
from domain.conversation.request import NO_HEADERS, ChatRequest

_HEADERS = ("openai-beta",)
"""Headers that belong to the dialect. An organisation or a project belongs to a key, and the key is ours."""

_READ_AT_ONCE = (
    "model",
    "stream",
    "profile",
    "n",
    "best_of",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
)


def decode_request(body: bytes, headers: Mapping[str, str]) -> ChatRequest:
    """
    A request; its messages are read no further than who speaks.

    Raises:
        MalformedRequest: not JSON, or a field that is wrong; the error names the place.
    """
    short = short_chat(body)
    source = ChatBody(body, short)
    kept = {name: headers[name] for name in _HEADERS if name in headers} or NO_HEADERS
    if short is not None:
        return ChatRequest(
            dialect=NAME,
            model=short.model or "",
            source=source,
            stream=short.stream or False,
            profile=short.profile,
            declares_tools=bool(short.tools),
            wants_usage=short.wants_usage,
            headers=kept,
        )
    fields = source.members.fields(*_READ_AT_ONCE)
    for limit in ("max_tokens", "max_completion_tokens"):
        fields.optional_count(limit)
    tools = source.members.lists_something("tools")
    functions = source.members.lists_something("functions")
    return ChatRequest(
        dialect=NAME,
        model=fields.optional_text("model") or "",
        source=source,
        stream=fields.optional_flag("stream") or False,
        profile=fields.optional_text("profile"),
        declares_tools=tools or functions,
        choices=max(fields.optional_choices("n"), fields.optional_choices("best_of")),
        wants_usage=_wants_usage(fields),
        headers=kept,
    )


def encode_request(outgoing: Outgoing) -> bytes:
    """
    The body for an upstream: the client's own with splices, or one written from the conversation.

    Raises:
        MalformedRequest: the request says what this dialect cannot.
    """
    source = outgoing.request.source
    keeps_bytes = isinstance(source, ChatBody) and not outgoing.shaping.tooling.changes_something
    return spliced(outgoing, source) if isinstance(source, ChatBody) and keeps_bytes else written(outgoing)


def _wants_usage(fields: Fields) -> bool:
    if not fields.has("stream_options"):
        return False
    return fields.nested("stream_options").optional_flag("include_usage") or False
