"""Tells when an upstream has probably cut a prompt to its context window without saying so."""

_SMALLEST_WINDOW = 1024
"""Tokens; nobody serves a model with less."""

_SLACK = 4
"""Tokens that a server may take off its window."""

_CLEARLY_MORE = 1.25
_FRAME = 512
"""Our count may err by a fifth, and by what a chat template adds or leaves out."""


def is_truncation_suspected(prompt_tokens: int, estimated_tokens: int) -> bool:
    """
    Whether the upstream counted a full window, which is a power of two, where the prompt is clearly larger.

    Args:
        prompt_tokens: what the upstream says it has read, from its cache or not.
        estimated_tokens: what we think the prompt is.
    """
    return is_full_window(prompt_tokens) and estimated_tokens > prompt_tokens * _CLEARLY_MORE + _FRAME


def is_full_window(prompt_tokens: int) -> bool:
    """Whether the number is a power of two or hardly less, as the window of a model usually is."""
    if prompt_tokens < _SMALLEST_WINDOW - _SLACK:
        return False
    return (1 << (prompt_tokens - 1).bit_length()) - prompt_tokens <= _SLACK
