"""Sends a request on in the bytes it came in, but for the members that must change."""

from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.dialects.dialect import Outgoing
from adapters.dialects.fields import decoded, expected
from adapters.dialects.members import JsonMembers
from adapters.dialects.openai_chat.body import ChatBody
from domain.conversation.extensions import Json

_INSTRUCTING = ("system", "developer")
_LIMITS = ("max_tokens", "max_completion_tokens")
_OURS = frozenset({"model", "messages", "stream", "profile"})
"""What a provider's ``extra_body`` has no say in."""

Changes = dict[str, bytes | None]
_messages_decoder = msgspec.json.Decoder(list[msgspec.Raw])


def spliced(outgoing: Outgoing, body: ChatBody) -> bytes:
    """
    The body for the upstream; every byte that need not change is the client's.

    Raises:
        MalformedRequest: a member that must change stands twice.
    """
    changes: Changes = _limit(outgoing, body) | _extra(outgoing, body)
    changes |= {"model": _encoded(outgoing.model) if outgoing.model else None, "profile": None}
    changes |= _bounded(outgoing, body, changes)
    changes |= _stream(outgoing, body, changes.get("stream_options"))
    messages = _messages(outgoing, body)
    if messages is not None:
        changes["messages"] = messages
    return body.members.replaced(changes)


def extra_fields(extra_body: Mapping[str, Json], *, has_limit: bool) -> dict[str, Json]:
    """The provider's fields that may lie below the client's; never a second output limit."""
    barred = _OURS | frozenset(_LIMITS if has_limit else ())
    return {key: value for key, value in extra_body.items() if key not in barred}


def _extra(outgoing: Outgoing, body: ChatBody) -> Changes:
    if not outgoing.extra_body:
        return {}
    limits = [limit for limit in _LIMITS if _limits(body, limit)]
    extra = extra_fields(outgoing.extra_body, has_limit=bool(limits))
    return {
        key: _encoded(value) for key, value in extra.items() if key in _LIMITS or not body.members.says(key)
    }


def _limit(outgoing: Outgoing, body: ChatBody) -> Changes:
    """
    The output limit under the one name that the server knows; 0 and -1 are none to some, and left away.

    Of two the newer counts: it takes the place of the older (https://platform.openai.com/docs/api-reference/chat,
    "max_tokens").
    """
    wanted = outgoing.quirks.max_tokens_field
    changes: Changes = {}
    for limit in _LIMITS:
        if limit == wanted:
            if body.members.says(limit) and not _limits(body, limit):
                changes[limit] = None
        elif limit in body.members:
            changes[limit] = None
    said = next((limit for limit in reversed(_LIMITS) if _limits(body, limit)), wanted)
    if said != wanted:
        changes[wanted] = bytes(body.members.raw(said) or b"null")
    return changes


def _limits(body: ChatBody, limit: str) -> bool:
    """Whether the client sets this limit."""
    return bool(body.members.limit(limit))


def _bounded(outgoing: Outgoing, body: ChatBody, changes: Changes) -> Changes:
    """A lower output limit for a target whose context leaves no more room."""
    most = outgoing.shaping.most_output_tokens
    if most is None:
        return {}
    said = {limit: changes[limit] if limit in changes else body.members.raw(limit) for limit in _LIMITS}
    wanted = {limit: decoded(raw, limit) for limit, raw in said.items() if raw is not None}
    return {name: b"%d" % most for name, limit in wanted.items() if isinstance(limit, int) and limit > most}


def _stream(outgoing: Outgoing, body: ChatBody, extra_options: bytes | None) -> Changes:
    if not outgoing.stream:
        changes: Changes = {"stream_options": None}
        return changes | ({"stream": b"false"} if body.members.value("stream") else {})
    changes = {} if body.members.value("stream") is True else {"stream": b"true"}
    if outgoing.quirks.usage_in_streams and extra_options is None:
        changes["stream_options"] = _asking_for_usage(body)
    return changes


def _asking_for_usage(body: ChatBody) -> bytes:
    if not body.members.says("stream_options"):
        return b'{"include_usage":true}'
    options = JsonMembers(bytes(body.members.raw("stream_options") or b"{}"))
    return options.replaced({"include_usage": b"true"})


def _messages(outgoing: Outgoing, body: ChatBody) -> bytes | None:
    """The messages with what the configuration adds, or ``None`` if they may stay as they are."""
    renames = not outgoing.quirks.developer_role and "developer" in body.roles
    fills = outgoing.quirks.fills_reasoning and "assistant" in body.roles
    if not outgoing.system_suffix and not renames and not fills:
        return None
    messages = [bytes(message) for message in _messages_decoder.decode(body.members.raw("messages") or b"[]")]
    if outgoing.system_suffix:
        messages, roles = _instructed(messages, body.roles, outgoing.system_suffix)
    else:
        roles = list(body.roles)
    if renames:
        messages = [
            JsonMembers(message).replaced({"role": b'"system"'}) if role == "developer" else message
            for message, role in zip(messages, roles, strict=True)
        ]
    if fills:
        messages = [
            _filled(message) if role == "assistant" else message
            for message, role in zip(messages, roles, strict=True)
        ]
    return b"[" + b",".join(messages) + b"]"


def _filled(message: bytes) -> bytes:
    """A turn that calls tools with reasoning; what a client has kept of it under either name stays."""
    members = JsonMembers(message)
    reasons = any(isinstance(members.value(field), str) for field in _REASONING)
    if reasons or not members.lists_something("tool_calls"):
        return message
    return members.replaced({_REASONING[0]: b'""'})


_REASONING = ("reasoning_content", "reasoning")


def _instructed(messages: list[bytes], roles: Any, suffix: str) -> tuple[list[bytes], list[str]]:
    """The suffix at the end of the first instructions, or as instructions of its own at the front."""
    for position, role in enumerate(roles):
        if role in _INSTRUCTING:
            changed = _with_suffix(messages[position], suffix, f"messages[{position}].content")
            return [*messages[:position], changed, *messages[position + 1 :]], list(roles)
    return [_encoded({"role": "system", "content": suffix}), *messages], ["system", *roles]


def _with_suffix(message: bytes, suffix: str, path: str) -> bytes:
    members = JsonMembers(message)
    raw = members.raw("content")
    content = None if raw is None else decoded(raw, path)
    return members.replaced({"content": _encoded(_extended(content, suffix, path))})


def _extended(content: Any, suffix: str, path: str) -> Any:
    match content:
        case None | "":
            return suffix
        case str():
            return f"{content}\n{suffix}"
        case list():
            return [*content, {"type": "text", "text": suffix}]
        case _:
            raise expected(path, "a string or a list of parts", content)


def _encoded(value: object) -> bytes:
    return msgspec.json.encode(value)
