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
    if usage is None:
        return CacheOutcome.UNKNOWN
    if (usage.cache_read_tokens or 0) > 0:
        return CacheOutcome.HIT
    if (usage.cache_creation_tokens or 0) > 0:
        return CacheOutcome.CREATION
    said_anything = (usage.input_tokens or 0) > 0 or (usage.output_tokens or 0) > 0
    return CacheOutcome.NONE if said_anything else CacheOutcome.UNKNOWN
