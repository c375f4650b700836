"""Requests: a body to a request that reads itself on demand, and a request to a body."""

from collections.abc import Mapping

from adapters.dialects.dialect import Outgoing
from adapters.dialects.json_text import json_text
from adapters.dialects.openai_responses.body import ResponsesBody
from adapters.dialects.openai_responses.building import NEVER_BELOW, built_body
from adapters.dialects.openai_responses.words import NAME
from domain.conversation.request import NO_HEADERS, ChatRequest, MalformedRequest

_HEADERS = ("openai-beta",)
"""Headers that belong to the dialect. An organisation or a project belongs to a key, and the key is ours."""

_READ_AT_ONCE = ("model", "stream", "profile", "max_output_tokens", "store")


def decode_request(body: bytes, headers: Mapping[str, str]) -> ChatRequest:
    """
    A request; its input is read no further than what kinds of items there are.

    ``store`` is allowed and changes nothing: no response is ever stored.

    Raises:
        MalformedRequest: not JSON, a field that is wrong, or a wish for state that is not kept here.
    """
    source = ResponsesBody(body)
    fields = source.members.fields(*_READ_AT_ONCE)
    limit = fields.optional_count("max_output_tokens")
    if limit is not None and limit < 1:
        raise MalformedRequest("max_output_tokens", f"expected at least 1, found {limit}")
    fields.optional_flag("store")
    return ChatRequest(
        dialect=NAME,
        model=fields.optional_text("model") or "",
        source=source,
        stream=fields.optional_flag("stream") or False,
        profile=fields.optional_text("profile"),
        declares_tools=source.members.lists_something("tools"),
        wants_usage=True,
        headers={name: headers[name] for name in _HEADERS if name in headers} or NO_HEADERS,
    )


def encode_request(outgoing: Outgoing) -> bytes:
    """
    The body for an upstream: the client's own with splices, or one built from the conversation.

    Raises:
        MalformedRequest: the request says what this dialect cannot.
    """
    source = outgoing.request.source
    if isinstance(source, ResponsesBody):
        return source.members.replaced(_changes(source, outgoing))
    return built_body(outgoing)


def _changes(source: ResponsesBody, outgoing: Outgoing) -> dict[str, bytes | None]:
    """The members that leave with another value than they came with."""
    changes: dict[str, bytes | None] = {
        key: json_text(value)
        for key, value in outgoing.extra_body.items()
        if key not in NEVER_BELOW and not source.members.says(key)
    }
    changes["model"] = json_text(outgoing.model) if outgoing.model else None
    changes["profile"] = None
    if outgoing.stream or "stream" in source.members:
        changes["stream"] = b"true" if outgoing.stream else b"false"
    if outgoing.system_suffix:
        given = source.members.value("instructions")
        changes["instructions"] = _with_suffix(given, outgoing.system_suffix)
    return changes


def _with_suffix(instructions: object, suffix: str) -> bytes:
    match instructions:
        case str() if instructions:
            return json_text(f"{instructions}\n\n{suffix}")
        case [*items]:
            message = {"type": "message", "role": "system", "content": suffix}
            return json_text([*items, message])
        case _:
            return json_text(suffix)
