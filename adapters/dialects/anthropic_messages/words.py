"""The words that requests, replies and streams share: the dialect's name, stop reasons, token counts."""

from collections.abc import Mapping
from typing import Any

from domain.conversation.extensions import NO_EXTENSIONS, Extensions, Json
from domain.conversation.reply import StopReason, Usage, token_count

NAME = "anthropic_messages"

_NO_FIELDS: Mapping[str, Json] = {}

_REASONS: Mapping[str, StopReason] = {
    "end_turn": StopReason.END_TURN,
    "stop_sequence": StopReason.STOP_SEQUENCE,
    "max_tokens": StopReason.MAX_TOKENS,
    "tool_use": StopReason.TOOL_CALLS,
    "refusal": StopReason.REFUSAL,
    "pause_turn": StopReason.PAUSE,
}
"""Wire word -> ours; a word that is not here travels as it is."""

_REASON_WORDS: Mapping[str, str] = {
    **{reason: word for word, reason in _REASONS.items()},
    StopReason.CONTENT_FILTER: "refusal",
}

_CUT_SHORT = frozenset({"max_tokens", "refusal", "pause_turn", "model_context_window_exceeded"})
"""Reasons that stay true when the answer holds a tool call: the call may be incomplete."""

_COUNTS: Mapping[str, str] = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation_input_tokens": "cache_creation_tokens",
}
"""Wire field -> field of `Usage`."""

_FOR_FIVE_MINUTES = "ephemeral_5m_input_tokens"
_FOR_AN_HOUR = "ephemeral_1h_input_tokens"


def reason_from(word: str) -> str:
    return _REASONS.get(word, word)


def reason_word(reason: str, *, calls_tools: bool, refuses: bool = False) -> str:
    """
    The stop reason to tell.

    Clients run tools on ``tool_use`` alone, so an answer with calls says so, and one without never does.
    """
    word = "refusal" if refuses else _REASON_WORDS.get(reason, reason)
    if calls_tools:
        return word if word in _CUT_SHORT else "tool_use"
    return "end_turn" if word == "tool_use" else word


def usage_from(said: Mapping[str, Any], before: Usage) -> Usage:
    """The counts so far: what is said now replaces what was said before, count by count."""
    rounds = said.get("iterations")
    counts = {
        ours: count for wire, ours in _COUNTS.items() if (count := _counted(said, wire, rounds)) is not None
    }
    details = said.get("output_tokens_details")
    reasoning = token_count(details.get("thinking_tokens")) if isinstance(details, dict) else None
    created = said.get("cache_creation")
    for_an_hour = token_count(created.get(_FOR_AN_HOUR)) if isinstance(created, dict) else None
    return Usage(
        input_tokens=counts.get("input_tokens", before.input_tokens),
        output_tokens=counts.get("output_tokens", before.output_tokens),
        cache_read_tokens=counts.get("cache_read_tokens", before.cache_read_tokens),
        cache_creation_tokens=counts.get("cache_creation_tokens", before.cache_creation_tokens),
        cache_hour_tokens=before.cache_hour_tokens if for_an_hour is None else for_an_hour,
        reasoning_tokens=before.reasoning_tokens if reasoning is None else reasoning,
    )


def _counted(said: Mapping[str, Any], wire: str, rounds: Json) -> int | None:
    """
    A count, with that of the rounds in which the conversation was summarized.

    Those are paid for too, and left out of the counts beside them, which are those of all other rounds:
    https://platform.claude.com/docs/en/build-with-claude/compaction, "Understanding usage".
    """
    count = token_count(said.get(wire))
    if not isinstance(rounds, list):
        return count
    in_rounds = sum(token_count(each.get(wire)) or 0 for each in rounds if isinstance(each, dict))
    return max(count or 0, in_rounds) if in_rounds else count


def usage_fields(usage: Usage | None) -> dict[str, Json]:
    """The counts that are known; ``output_tokens`` is always among them, as clients add it up."""
    usage = usage or Usage()
    fields: dict[str, Json] = {
        wire: count for wire, ours in _COUNTS.items() if (count := getattr(usage, ours)) is not None
    }
    fields.setdefault("output_tokens", 0)
    if usage.reasoning_tokens is not None:
        fields["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    if usage.cache_hour_tokens is not None:
        brief = max(0, (usage.cache_creation_tokens or 0) - usage.cache_hour_tokens)
        fields["cache_creation"] = {_FOR_FIVE_MINUTES: brief, _FOR_AN_HOUR: usage.cache_hour_tokens}
    return fields


def whole_usage_fields(usage: Usage | None) -> dict[str, Json]:
    """The counts for the places where ``input_tokens`` must not be missing either."""
    return {"input_tokens": 0} | usage_fields(usage)


def kept(rest: Mapping[str, Json]) -> Extensions:
    """Fields that the neutral model has no word for, under this dialect's name."""
    return {NAME: rest} if rest else NO_EXTENSIONS


def own(extensions: Extensions) -> Mapping[str, Json]:
    """The fields of this dialect that were kept."""
    return _NO_FIELDS if extensions is NO_EXTENSIONS else extensions.get(NAME, _NO_FIELDS)


def message_id(upstream: str, reply_id: str) -> str:
    """An id that looks like Anthropic's: clients and logs recognise messages by the prefix."""
    bare = upstream or reply_id
    return bare if bare.startswith("msg_") else f"msg_{bare}"


def call_id(upstream: str, reply_id: str, call: int) -> str:
    """The upstream's id of a call, or one that is unique to this answer."""
    return upstream or f"toolu_{reply_id}_{call}"
