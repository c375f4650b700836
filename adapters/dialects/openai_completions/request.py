"""Requests: a body to a request, and back to the body of an upstream of the same dialect."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from adapters.dialects.dialect import Outgoing
from adapters.dialects.fields import Fields, expected
from adapters.dialects.json_body import JsonBody
from adapters.dialects.json_text import json_text
from adapters.dialects.members import JsonMembers
from adapters.dialects.openai_completions.wire import NAME
from adapters.dialects.plain import Plain
from domain.conversation.parts import Text
from domain.conversation.reply import MOST_TOKENS
from domain.conversation.request import (
    ChatRequest,
    Conversation,
    MalformedRequest,
    Message,
    Role,
    Sampling,
    newest_of,
)

_NEVER_BELOW = frozenset({"model", "prompt", "stream", "profile", "messages"})
_READ_AT_ONCE = ("model", "prompt", "stream", "profile", "n", "best_of", "stream_options")
_SAID = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "stop", "seed")


_read_plain = msgspec.json.Decoder(Plain).decode


class CompletionsBody(JsonBody):
    """
    The source of a request of this dialect: a text that the model goes on with, as if the user had said it.

    Raises:
        MalformedRequest: on construction, for a body that is no object or has no prompt.
    """

    def __init__(self, body: bytes) -> None:
        super().__init__(JsonMembers(body), NAME, _read_plain)
        self._conversation: Conversation | None = None
        _prompt(self.members.fields("prompt"))

    def conversation(self) -> Conversation:
        if self._conversation is None:
            fields = self.members.fields("prompt", "max_tokens", *_SAID)
            said = Message(role=Role.USER, parts=(Text(text=_prompt(fields)),))
            self._conversation = Conversation(messages=(said,), sampling=_sampling(fields))
        return self._conversation

    def newest(self, *roles: Role) -> Iterator[Message]:
        return newest_of(self.conversation(), roles)

    def afresh(self) -> "CompletionsBody":
        return CompletionsBody(self.members.body)

    @property
    def output_limit(self) -> int:
        limit = self.members.limit("max_tokens")
        return MOST_TOKENS if limit == 0 else limit or 0

    def envelope(self) -> Fields:
        """What every route reads of a request."""
        return self.members.fields(*_READ_AT_ONCE)


def decode_request(body: bytes, headers: Mapping[str, str]) -> ChatRequest:  # noqa: ARG001  it has none
    """
    A request to go on with a text.

    Raises:
        MalformedRequest: not JSON, or a field that is wrong; the error names the place.
    """
    source = CompletionsBody(body)
    fields = source.envelope()
    options = fields.nested("stream_options") if fields.has("stream_options") else None
    return ChatRequest(
        dialect=NAME,
        model=fields.optional_text("model") or "",
        source=source,
        stream=fields.optional_flag("stream") or False,
        profile=fields.optional_text("profile"),
        choices=max(fields.optional_choices("n"), fields.optional_choices("best_of")),
        wants_usage=(options is not None and options.optional_flag("include_usage")) or False,
    )


def encode_request(outgoing: Outgoing) -> bytes:
    """
    The client's own body with splices.

    Raises:
        MalformedRequest: the request came in another dialect, and has turns.
    """
    source = outgoing.request.source
    if not isinstance(source, CompletionsBody):
        raise MalformedRequest("", "a conversation is no text to go on with")
    return source.members.replaced(_changes(source, outgoing))


def _changes(source: CompletionsBody, outgoing: Outgoing) -> dict[str, bytes | None]:
    members = source.members
    left_away = {"max_tokens"} if members.limit("max_tokens") is None and "max_tokens" in members else set()
    changes: dict[str, bytes | None] = dict.fromkeys(left_away)
    changes |= {
        key: json_text(value)
        for key, value in outgoing.extra_body.items()
        if key not in _NEVER_BELOW and (key not in members or key in left_away)
    }
    changes["model"] = json_text(outgoing.model) if outgoing.model else None
    changes["profile"] = None
    if outgoing.stream or "stream" in members:
        changes["stream"] = b"true" if outgoing.stream else b"false"
    if outgoing.stream and outgoing.quirks.usage_in_streams:
        changes["stream_options"] = b'{"include_usage":true}'
    elif not outgoing.stream:
        changes["stream_options"] = None
    return changes | _bounded(source, outgoing)


def _bounded(source: CompletionsBody, outgoing: Outgoing) -> dict[str, bytes | None]:
    limit, most = source.conversation().sampling.max_output_tokens, outgoing.shaping.most_output_tokens
    return {"max_tokens": b"%d" % most} if most is not None and limit is not None and limit > most else {}


def _prompt(fields: Fields) -> str:
    """One text; a list of one is the same. Numbers of tokens mean something to one vocabulary only."""
    match fields.anything("prompt"):
        case str(text) | [str(text)] if text:
            return text
        case [str(), *_]:
            raise MalformedRequest("prompt", "expected one text at a time")
        case other:
            raise expected("prompt", "a text", other)


def _sampling(fields: Fields) -> Sampling:
    return Sampling(
        max_output_tokens=fields.optional_limit("max_tokens"),
        temperature=fields.optional_number("temperature"),
        top_p=fields.optional_number("top_p"),
        presence_penalty=fields.optional_number("presence_penalty"),
        frequency_penalty=fields.optional_number("frequency_penalty"),
        stop=_stop(fields.anything("stop")),
        seed=fields.optional_count("seed"),
    )


def _stop(value: Any) -> tuple[str, ...]:
    match value:
        case None:
            return ()
        case str(stop):
            return (stop,)
        case [*stops] if all(isinstance(stop, str) for stop in stops):
            return tuple(stops)
        case other:
            raise expected("stop", "a string or a list of strings", other)
