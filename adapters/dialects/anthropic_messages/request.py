"""Reads requests lazily and writes them: at home as the bytes they came in, from abroad anew."""

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from adapters.dialects.anthropic_messages.building import built_body
from adapters.dialects.anthropic_messages.conversation import conversation_of
from adapters.dialects.anthropic_messages.heads import Heads
from adapters.dialects.anthropic_messages.reshaping import reshaped
from adapters.dialects.anthropic_messages.words import NAME
from adapters.dialects.dialect import Outgoing
from adapters.dialects.fields import decoded, described
from adapters.dialects.json_body import JsonBody
from adapters.dialects.json_text import json_text
from adapters.dialects.members import JsonMembers
from adapters.dialects.plain import Mark, Plain, PlainPart, PlainTurn
from domain.conversation.reply import MOST_TOKENS
from domain.conversation.request import (
    ChatRequest,
    Conversation,
    MalformedRequest,
    Message,
    Role,
    budget_asked,
    newest_of,
)
from domain.routing.shaping import Omission


class _PlainTool(msgspec.Struct, gc=False):
    """A tool that the client runs; here it need not say so."""

    name: str
    type: Literal["custom"] | None = None
    cache_control: Mark | None = None


class _PlainMessages(Plain, gc=False):
    messages: list[PlainTurn] | None = None
    system: str | list[PlainPart] | None = None
    tools: list[_PlainTool] | None = None


_read_plain = msgspec.json.Decoder(_PlainMessages).decode


class MessagesBody(JsonBody):
    """A request's content as the bytes it came in, decoded when somebody needs it."""

    def __init__(self, members: JsonMembers, heads: Heads) -> None:
        super().__init__(members, NAME, _read_plain, "messages", "system")
        self._heads = heads
        self._conversation: Conversation | None = None

    def __repr__(self) -> str:
        return f"<MessagesBody {self.members!r} decoded={self._conversation is not None}>"

    def conversation(self) -> Conversation:
        if self._conversation is None:
            self._conversation = conversation_of(self.members)
        return self._conversation

    def newest(self, *roles: Role) -> Iterator[Message]:
        if self._conversation is not None:
            return newest_of(self._conversation, roles)
        return self._heads.newest(roles)

    def afresh(self) -> "MessagesBody":
        return MessagesBody(self.members, self._heads)

    @property
    def thinking_budget(self) -> int | None:
        return budget_asked(self.members.value("thinking"))

    @property
    def output_limit(self) -> int:
        limit = _limit(self.members)
        return MOST_TOKENS if limit == 0 else limit or 0


def decode_request(body: bytes, headers: Mapping[str, str]) -> ChatRequest:
    """
    A request for an answer.

    Raises:
        MalformedRequest: top level or message heads are wrong; deeper faults show when the conversation
            is decoded.
    """
    request = decode_count_request(body, headers)
    source = request.source
    limit = _limit(source.members) if isinstance(source, MessagesBody) else 0
    if limit is None:
        raise MalformedRequest("max_tokens", "the field is required: a whole number of tokens")
    if limit < 0:
        raise MalformedRequest("max_tokens", f"expected a number of tokens, found {limit}")
    return request


def decode_count_request(body: bytes, headers: Mapping[str, str]) -> ChatRequest:
    """
    A request to count its tokens, which needs no ``max_tokens``.

    Raises:
        MalformedRequest: as `decode_request`.
    """
    members = JsonMembers(body)
    fields = members.fields("model", "stream", "profile")
    heads = Heads(members.raw("messages"))
    _check_system(members)
    return ChatRequest(
        dialect=NAME,
        model=fields.optional_text("model") or "",
        stream=fields.optional_flag("stream") or False,
        profile=fields.optional_text("profile"),
        declares_tools=members.lists_something("tools"),
        wants_usage=True,
        headers={name: value for name, value in headers.items() if name.startswith("anthropic-")},
        source=MessagesBody(members, heads),
    )


def encode_request(outgoing: Outgoing) -> bytes:
    """
    The body for an upstream.

    Raises:
        MalformedRequest: the request says something that this dialect has no words for.
    """
    source = outgoing.request.source
    shaping = outgoing.shaping
    keeps_bytes = not shaping.omits & _WITHIN_TURNS and not shaping.tooling.changes_something
    if isinstance(source, MessagesBody) and keeps_bytes:
        return source.members.replaced(_changes(source.members, outgoing))
    return built_body(outgoing)


_WITHIN_TURNS = frozenset({Omission.PAST_THINKING, Omission.CACHE_MARKS})
"""What stands too deep in a body to be taken out of its bytes."""


def _limit(members: JsonMembers) -> int | None:
    return members.count("max_tokens")


def _check_system(members: JsonMembers) -> None:
    raw = members.raw("system")
    if raw is not None and _first(raw) not in b'"[n':
        found = described(decoded(raw, "system"))
        raise MalformedRequest("system", f"expected a string or a list of text blocks, found {found}")


def _first(raw: msgspec.Raw) -> int:
    """The byte that tells a value's type."""
    return memoryview(raw)[0]


def _changes(members: JsonMembers, outgoing: Outgoing) -> dict[str, bytes | None]:
    """The members that leave with another value than they came with."""
    below = {key: value for key, value in outgoing.extra_body.items() if key not in _NEVER_BELOW}
    changes: dict[str, bytes | None] = {
        key: json_text(value) for key, value in below.items() if key not in members
    }
    changes["model"] = json_text(outgoing.model) if outgoing.model else None
    if outgoing.stream or "stream" in members:
        changes["stream"] = b"true" if outgoing.stream else b"false"
    changes["profile"] = None
    changes |= reshaped(members, outgoing.shaping)
    if outgoing.system_suffix:
        system = changes["system"] if "system" in changes else members.raw("system")
        changes["system"] = _with_suffix(None if system is None else bytes(system), outgoing.system_suffix)
    return changes


_NEVER_BELOW = frozenset({"model", "stream", "messages", "profile", "anthropic_version"})
"""``anthropic_version`` is a header here; in a body it belongs to other vendors' clouds."""


def _with_suffix(system: bytes | None, suffix: str) -> bytes:
    """The instructions with one more paragraph or block; what stood there keeps its bytes."""
    if system is None or system in (b"null", b'""'):
        return json_text(suffix)
    if system.startswith(b'"'):
        return system[:-1] + json_text("\n\n" + suffix)[1:]
    blocks = system[:-1].rstrip()
    comma = b"" if blocks == b"[" else b","
    return blocks + comma + json_text({"type": "text", "text": suffix}) + b"]"
