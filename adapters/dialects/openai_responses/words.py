"""The words that requests, replies and streams share: the dialect's name, reasons, token counts, seals."""

from collections.abc import Mapping
from typing import Any

from domain.conversation.extensions import NO_EXTENSIONS, Extensions, Json
from domain.conversation.reply import StopReason, Usage, token_count
from domain.values import value

NAME = "openai_responses"

_SIGNED = "signed:"
_REDACTED = "redacted:"


@value
class Ending:
    """How an answer ended: ``completed``, or ``incomplete`` with the dialect's reason."""

    status: str
    reason: str | None = None

    @property
    def cut(self) -> bool:
        """Whether something is missing at the end."""
        return self.reason is not None


_COMPLETED = Ending("completed")
_CUT_BY_LENGTH = Ending("incomplete", "max_output_tokens")
_CUT_BY_FILTER = Ending("incomplete", "content_filter")

_ENDINGS: Mapping[str, Ending] = {
    StopReason.MAX_TOKENS: _CUT_BY_LENGTH,
    "model_context_window_exceeded": _CUT_BY_LENGTH,
    StopReason.CONTENT_FILTER: _CUT_BY_FILTER,
    StopReason.REFUSAL: _CUT_BY_FILTER,
}
"""Our reason -> theirs; any other completes the answer. ``model_context_window_exceeded`` is Anthropic's."""

_REASONS: Mapping[str, StopReason] = {
    "max_output_tokens": StopReason.MAX_TOKENS,
    "content_filter": StopReason.CONTENT_FILTER,
}
"""Their reason for an incomplete answer -> ours."""


def ending_of(reason: str, *, refuses: bool) -> Ending:
    """An answer that declines in words of its own is complete."""
    if refuses and reason == StopReason.REFUSAL:
        return _COMPLETED
    return _ENDINGS.get(reason, _COMPLETED)


def stop_reason(told: Mapping[str, Any], *, calls_tools: bool) -> str:
    """Why the answer of a ``response`` object stopped."""
    if told.get("status") == "incomplete":
        match told.get("incomplete_details"):
            case {"reason": str(reason)}:
                return _REASONS.get(reason, reason)
            case _:
                return StopReason.MAX_TOKENS
    return StopReason.TOOL_CALLS if calls_tools else StopReason.END_TURN


def usage_of(told: Any) -> Usage | None:
    """What a ``usage`` object counts; its ``input_tokens`` include what came from a cache or went into it."""
    if not isinstance(told, dict):
        return None
    details = _details(told, "input_tokens_details")
    read, written = token_count(details.get("cached_tokens")), token_count(details.get("cache_write_tokens"))
    total = token_count(told.get("input_tokens"))
    return Usage(
        input_tokens=None if total is None else max(0, total - (read or 0) - (written or 0)),
        output_tokens=token_count(told.get("output_tokens")),
        cache_read_tokens=read,
        cache_creation_tokens=written,
        reasoning_tokens=token_count(_details(told, "output_tokens_details").get("reasoning_tokens")),
    )


def usage_object(usage: Usage | None) -> dict[str, Json] | None:
    """A ``usage`` object; counts that nobody told are 0, as the dialect wants all of them."""
    if usage is None:
        return None
    read, written = usage.cache_read_tokens or 0, usage.cache_creation_tokens or 0
    total = (usage.input_tokens or 0) + read + written
    output = usage.output_tokens or 0
    return {
        "input_tokens": total,
        "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": total + output,
    }


def sealed_signature(signature: str) -> str:
    """
    A provider's signature over shown reasoning, as ``encrypted_content``.

    Clients send that field back unread, and so the signature returns to the provider that gave it.
    """
    return _SIGNED + signature


def sealed_redaction(data: str) -> str:
    """Reasoning that came sealed, as ``encrypted_content``."""
    return _REDACTED + data


def unsealed_signature(content: object) -> str | None:
    """The signature that `sealed_signature` put there; ``None`` for any other content."""
    return _after(_SIGNED, content)


def unsealed_redaction(content: object) -> str | None:
    """The data that `sealed_redaction` put there; ``None`` for any other content."""
    return _after(_REDACTED, content)


def kept(rest: Mapping[str, Json]) -> Extensions:
    """Fields that the neutral model has no word for, under this dialect's name."""
    return {NAME: rest} if rest else NO_EXTENSIONS


def own(extensions: Extensions) -> Mapping[str, Json]:
    """The fields of this dialect that were kept."""
    return extensions.get(NAME, {})


def response_id(upstream: str, reply_id: str) -> str:
    """An id that looks like OpenAI's: clients recognise responses by the prefix."""
    bare = upstream or reply_id
    return bare if bare.startswith("resp_") else f"resp_{bare}"


def _after(seal: str, content: object) -> str | None:
    return content.removeprefix(seal) if isinstance(content, str) and content.startswith(seal) else None


def _details(told: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    details = told.get(key)
    return details if isinstance(details, dict) else {}
