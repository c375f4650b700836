"""Events about counting tokens."""

from typing import ClassVar

from domain.inventory.level import Level
from domain.values import value


@value(kw_only=True)
class CountTokensServed:
    """A client was told how many tokens its request is; ``exact`` counts come from ``provider``."""

    name: ClassVar[str] = "count-tokens-served"
    level: ClassVar[Level] = Level.DEBUG
    request_id: str
    model: str
    input_tokens: int
    exact: bool
    provider: str
    duration_ms: float


@value(kw_only=True)
class ContextTruncationSuspected:
    """
    An upstream seems to have cut the prompt to its context window without saying so.

    It counted exactly a power of two of prompt tokens, or hardly fewer, where ours are clearly more.
    """

    name: ClassVar[str] = "context-truncation-suspected"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    provider: str
    model: str
    prompt_tokens: int
    estimated_tokens: int
    hint: str = "raise the context of the model; for Ollama use kind: ollama with context_window"
