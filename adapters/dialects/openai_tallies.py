"""Token counts and reasons to stop, in the words of OpenAI's completions and in ours."""

from collections.abc import Mapping
from typing import Any

from domain.conversation.reply import StopReason, Usage, token_count

_STOP_REASONS: Mapping[str, str] = {
    "stop": StopReason.END_TURN,
    "length": StopReason.MAX_TOKENS,
    "tool_calls": StopReason.TOOL_CALLS,
    "function_call": StopReason.TOOL_CALLS,
    "content_filter": StopReason.CONTENT_FILTER,
}
"""Their word -> ours."""

_FINISH_REASONS: Mapping[str, str] = {
    StopReason.END_TURN: "stop",
    StopReason.STOP_SEQUENCE: "stop",
    StopReason.PAUSE: "stop",
    StopReason.MAX_TOKENS: "length",
    StopReason.TOOL_CALLS: "tool_calls",
    StopReason.REFUSAL: "content_filter",
    StopReason.CONTENT_FILTER: "content_filter",
    "model_context_window_exceeded": "length",
}
"""Our word -> theirs; the last is Anthropic's own."""


def stop_reason(word: str) -> str:
    return _STOP_REASONS.get(word, word)


def finish_reason(reason: str, *, called_tools: bool = False) -> str:
    """Their word; an answer that holds tool calls cannot have ended in plain words."""
    word = _FINISH_REASONS.get(reason, reason)
    return "tool_calls" if called_tools and word == "stop" else word


def usage_of(told: Mapping[str, Any]) -> Usage | None:
    """
    What a ``usage`` object counts; ``None`` when it counts nothing.

    ``prompt_tokens`` includes what came from a cache. DeepSeek names the hits ``prompt_cache_hit_tokens``,
    OpenRouter counts cache writes in ``prompt_tokens_details.cache_write_tokens``.
    """
    prompt = token_count(told.get("prompt_tokens"))
    completion = token_count(told.get("completion_tokens"))
    if prompt is None and completion is None:
        return None
    details = _details(told, "prompt_tokens_details")
    read = token_count(details.get("cached_tokens"))
    read = token_count(told.get("prompt_cache_hit_tokens")) if read is None else read
    written = token_count(details.get("cache_write_tokens"))
    return Usage(
        input_tokens=None if prompt is None else max(0, prompt - (read or 0) - (written or 0)),
        output_tokens=completion,
        cache_read_tokens=read,
        cache_creation_tokens=written,
        reasoning_tokens=token_count(_details(told, "completion_tokens_details").get("reasoning_tokens")),
    )


def usage_object(usage: Usage) -> dict[str, Any]:
    """A ``usage`` object; counts that nobody told are 0, as the dialect has no word for that."""
    prompt = (usage.input_tokens or 0) + (usage.cache_read_tokens or 0) + (usage.cache_creation_tokens or 0)
    completion = usage.output_tokens or 0
    told: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if usage.cache_read_tokens is not None:
        told["prompt_tokens_details"] = {"cached_tokens": usage.cache_read_tokens}
    if usage.reasoning_tokens is not None:
        told["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return told


def _details(told: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    details = told.get(key)
    return details if isinstance(details, dict) else {}
