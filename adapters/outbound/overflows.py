"""Reads the numbers out of what upstreams say about prompts that are too long."""

import re
from collections.abc import Iterable

from adapters.dialects.dialect import ReportedError
from domain.failures import Overflow

_NUMBER = r"(\d[\d,]*)"


def _patterns(*phrases: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(phrase.replace("#", _NUMBER), re.IGNORECASE) for phrase in phrases)


_WINDOWS = _patterns(
    r"available context size \(#",  # llama.cpp
    r"tokens > # maximum",  # Anthropic
    r"context limit: [\d,]+ \+ [\d,]+ > #",  # Anthropic
    r"context length (?:is |of )?(?:only )?#",  # OpenAI, OpenRouter, vLLM, LM Studio
    r"n_ctx: #",  # LM Studio
    r"maximum model length of #",  # vLLM
    r"maximum number of tokens allowed \(#",  # Gemini
    r"\(tpm\): limit #",  # OpenAI, Groq: no request may be larger than a minute's tokens
)
_PROMPTS = _patterns(
    r"request \(# tokens\)",  # llama.cpp
    r"prompt is too long: # tokens",  # Anthropic
    r"context limit: # \+",  # Anthropic
    r"\(# (?:in the messages|of text input)",  # OpenAI, OpenRouter, vLLM
    r"resulted in # tokens",  # OpenAI
    r"has # input tokens",  # vLLM
    r"prompt \((?:total )?length #\)",  # vLLM
    r"keep the first # tokens",  # LM Studio
    r"n_keep: #",  # LM Studio
    r"input token count \(#\)",  # Gemini
    r"requested (?:about |~)?#",  # what is left: the whole of what was asked for
)


def overflow_of(error: ReportedError) -> Overflow:
    """The size of the prompt and of the window, as far as they are told."""
    return Overflow(
        prompt_tokens=_field(error, "n_prompt_tokens") or _first(_PROMPTS, error.message),
        window=_field(error, "n_ctx") or _first(_WINDOWS, error.message),
    )


def _field(error: ReportedError, name: str) -> int | None:
    """llama.cpp tells both as numbers."""
    value = error.told.get(name)
    return value if isinstance(value, int) and value > 0 else None


def _first(patterns: Iterable[re.Pattern[str]], words: str) -> int | None:
    found = (pattern.search(words) for pattern in patterns)
    numbers = (int(match[1].replace(",", "")) for match in found if match)
    return next((number for number in numbers if number > 0), None)
