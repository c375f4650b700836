"""What a provider's prompt cache did for an answer."""

from enum import StrEnum

from domain.conversation.reply import Usage


class CacheOutcome(StrEnum):
    """Whether the prompt, or its beginning, was found in the provider's cache."""

    HIT = "cache_hit"
    CREATION = "cache_creation"
    NONE = "no_cache"
    UNKNOWN = "unknown"


def cache_outcome(usage: Usage | None) -> CacheOutcome:
    """From what the upstream counted; unknown when it counted nothing."""
    if usage is None or not _says_anything(usage):
        return CacheOutcome.UNKNOWN
    if (usage.cache_read_tokens or 0) > 0:
        return CacheOutcome.HIT
    return CacheOutcome.CREATION if (usage.cache_creation_tokens or 0) > 0 else CacheOutcome.NONE


def _says_anything(usage: Usage) -> bool:
    counts = (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_creation_tokens)
    return any(count is not None and count > 0 for count in counts)
