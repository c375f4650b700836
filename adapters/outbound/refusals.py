"""
Says what a refusal means, by its status and its words.

Words win over status, as servers disagree on statuses (a full context is a 400 at one, a 413, 429 or 500 at
another) but must say what is wrong somewhere. Addresses are no words: a link to a page about billing stands
in many a message about something else.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from adapters.dialects.dialect import ReportedError
from domain.failures import FailureKind, QuotaScope


@dataclass(frozen=True, slots=True)
class _Row:
    """A refusal with such a status whose words match, if words are asked for, is a failure of this kind."""

    kind: FailureKind
    statuses: frozenset[int]
    words: re.Pattern[str] | None = None

    def holds(self, status: int, words: str) -> bool:
        return status in self.statuses and (self.words is None or self.words.search(words) is not None)


def _words(*phrases: str) -> re.Pattern[str]:
    """Any of these phrases, as whole words: ``oom`` is not in ``zoom``."""
    return re.compile("|".join(rf"(?<!\w)(?:{phrase})(?!\w)" for phrase in phrases), re.IGNORECASE)


_ANY = frozenset(range(300, 600))
_CLIENT = frozenset(range(400, 500))

_OUT_OF_MEMORY = _words(
    "out of memory",
    "insufficient memory",
    "bad_alloc",  # llama.cpp
    "insufficient system resources",  # LM Studio
    "requires more system memory",  # Ollama
    "enough available memory",
    "(?:failed|unable) to allocate",
    "failed to load model",
    "ggml_cuda_host_malloc",
    "cudamalloc failed",
    "oom",
)
_CONTEXT_OVERFLOW = _words(
    "exceed_context_size_error",
    "context_length_exceeded",
    "exceeds the available context size",
    "context size has been exceeded",
    "maximum context length",
    "maximum model length",  # vLLM
    "too long to fit into the model",  # vLLM
    "prompt is too long",
    "context window (?:is )?(?:exceeded|full)",
    "exceeds? the context (?:window|length)",
    "exceeds? (?:your|this model's|the model's) context (?:window|length)",
    "exceed context limit",  # Anthropic, with the answer's room added
    "context the overflows",  # LM Studio
    "greater than the context length",  # LM Studio
    "exceeds the maximum number of tokens allowed",  # Gemini
    "input is too long",
    "too many tokens",
)
_TOO_LARGE_FOR_A_MINUTE = _words(
    "request too large for",  # OpenAI, Groq: more tokens than the limit of a whole minute
    "usage is required for long context requests",  # Anthropic
)
_MONEY = _words(
    "insufficient_quota",
    "insufficient (?:balance|credits?|funds)",
    "credit balance",
    "(?:more|any|out of) credits",
    "credits (?:expired|exhausted|exceeded)",
    "included credits",
    "exceeded your current quota",
    "key limit exceeded",  # OpenRouter
    "usage limits",  # Anthropic
    "usage_limit_reached",  # OpenAI's subscriptions
    "billing_[a-z_]+",  # OpenAI: billing_hard_limit_reached, billing_not_active
    "billing (?:hard limit|account|is not|is disabled)",
)
_TOO_DEAR = _words(r"can only afford \d+")  # OpenRouter: for so long an answer; a shorter one it still pays
_BILLING = _words("billing")
_BY_THE_DAY = _words(
    "per day", "daily", r"\w+_daily", r"\w*perday\w*", "free-models-per-day[a-z-]*", "[rt]pd"
)
_BY_THE_MONTH = _words("per month", "monthly")
_BY_THE_MINUTE = _words("per min(?:ute)?", "per-minute", r"\w*perminute\w*", "free-models-per-min", "[rt]pm")
_BAD_KEY = _words("api key (?:not valid|expired)", "api_key_invalid", "invalid api key", "incorrect api key")
_MISSING_MODEL = _words(r"model \S+ (?:was )?not found", r"model \S+ does not exist", "model_not_found")
_NO_SUCH_ENDPOINT = _words("does not support (?:the )?(?:embeddings?|(?:chat )?completions?)")
_UNABLE = _words(
    "does not support (?:tools?|tool use|tool call(?:ing|s)|function calling|thinking|chat)",  # Ollama
    "no endpoints found that support (?:tool use|image input)",  # OpenRouter
    "tool choice requires --enable-auto-tool-choice",  # vLLM
    "tool call(?:ing|s)?`? is not supported with this model",  # Groq
)
_CLIENT_FAULT_IN_500 = _words(
    "parse error",
    "invalid json",
    "failed to parse",
    "image input is not supported",
    "'messages' is required",
    "tools? param",
    "unsupported content",
)
_MODELS_OWN_FAULT = _words(
    "tool_use_failed",  # Groq: a call of a tool that it could not read
    "json_validate_failed",  # Groq
    "model produced output that does not match",  # llama.cpp
    "failed to parse input at pos",  # llama.cpp, of what its model wrote
)
_MODERATION = _words("moderation", "flagged", "content[ _]policy", "content[ _]filter")

_REFUSALS: tuple[_Row, ...] = (
    _Row(FailureKind.OUT_OF_MEMORY, _ANY, _OUT_OF_MEMORY),
    _Row(FailureKind.CONTEXT_OVERFLOW, frozenset({400, 413, 422, 500}), _CONTEXT_OVERFLOW),
    _Row(FailureKind.CONTEXT_OVERFLOW, frozenset({413, 429}), _TOO_LARGE_FOR_A_MINUTE),
    _Row(FailureKind.QUOTA, frozenset({429}), _BY_THE_DAY),
    _Row(FailureKind.QUOTA, frozenset({429}), _BY_THE_MONTH),
    _Row(FailureKind.RATE_LIMITED, frozenset({429}), _BY_THE_MINUTE),
    _Row(FailureKind.RATE_LIMITED, frozenset({402}), _TOO_DEAR),
    _Row(FailureKind.QUOTA, frozenset({400, 402, 403, 429}), _MONEY),
    _Row(FailureKind.QUOTA, frozenset({403, 429}), _BILLING),
    _Row(FailureKind.QUOTA, frozenset({402})),
    _Row(FailureKind.RATE_LIMITED, frozenset({429})),
    _Row(FailureKind.REQUEST_FAULT, frozenset({403}), _MODERATION),
    _Row(FailureKind.CREDENTIALS, frozenset({400}), _BAD_KEY),
    _Row(FailureKind.CREDENTIALS, frozenset({401, 403}) | frozenset(range(300, 400))),
    _Row(FailureKind.NOT_OFFERED, frozenset({400, 404, 405, 422, 500, 501}), _NO_SUCH_ENDPOINT),
    _Row(FailureKind.NOT_OFFERED, frozenset({400, 404, 422}), _UNABLE),
    _Row(FailureKind.MODEL_MISSING, frozenset({400}), _MISSING_MODEL),
    _Row(FailureKind.MODEL_MISSING, frozenset({404})),
    _Row(FailureKind.BUSY, frozenset({408, 425})),
    _Row(FailureKind.OVERLOADED, frozenset({498})),  # Groq: no capacity left
    _Row(FailureKind.GARBLED, frozenset({400, 500}), _MODELS_OWN_FAULT),
    _Row(FailureKind.REQUEST_FAULT, frozenset({500}), _CLIENT_FAULT_IN_500),
    _Row(FailureKind.REQUEST_FAULT, _CLIENT),
    _Row(FailureKind.OVERLOADED, _ANY),
)
"""First row that holds; the last holds for every 5xx."""

_SCOPES: tuple[tuple[QuotaScope, re.Pattern[str]], ...] = (
    (QuotaScope.DAY, _BY_THE_DAY),
    (QuotaScope.MONTH, _BY_THE_MONTH),
    (QuotaScope.MINUTE, _BY_THE_MINUTE),
    (QuotaScope.BALANCE, _MONEY),
)
"""What a limit is measured over, by the first words that match: who used a day up may also have a minute."""

TYPE_STATUSES: Mapping[str, int] = MappingProxyType(
    {
        "overloaded_error": 529,
        "rate_limit_error": 429,
        "rate_limit_exceeded": 429,
        "api_error": 500,
        "server_error": 500,
        "authentication_error": 401,
        "permission_error": 403,
        "billing_error": 402,
        "insufficient_quota": 402,
        "not_found_error": 404,
        "invalid_request_error": 400,
        "exceed_context_size_error": 400,
    }
)
"""The status that an error told inside a 200 would have had; vendors' documented error types."""

_MOST_WORDS = 4_000
"""Characters; what an upstream says beyond is not looked at."""

_ADDRESS = re.compile(r"https?://\S+")


def classify(status: int, words: str) -> FailureKind:
    """What a refusal means; no status of HTTP is garbled. For ``words`` see `words_of`."""
    return next((row.kind for row in _REFUSALS if row.holds(status, words)), FailureKind.GARBLED)


def names_a_missing_model(words: str) -> bool:
    """Whether a refusal says that the model is not there; not every server says so of an endpoint."""
    return _MISSING_MODEL.search(words) is not None


def scope_of(kind: FailureKind, words: str) -> QuotaScope | None:
    """What the limit is measured over that was run into."""
    if kind not in (FailureKind.RATE_LIMITED, FailureKind.QUOTA):
        return None
    return next((scope for scope, pattern in _SCOPES if pattern.search(words)), None)


def words_of(error: ReportedError) -> str:
    """All that a vendor says in words: the message, its class and code, and the names of exceeded limits."""
    said = (error.message, error.type, error.code, *_in_details(error.told))
    return _ADDRESS.sub("", " ".join(said)[:_MOST_WORDS])


def _in_details(told: Mapping[str, Any]) -> Iterator[str]:
    """Google's quota identifiers and reasons (``google.rpc.QuotaFailure``), OpenRouter's ``limit_source``."""
    match told.get("details"):
        case [*details]:
            for detail in details:
                yield from _in_detail(detail)
        case _:
            pass
    match told.get("metadata"):
        case {"limit_source": str(source)}:
            yield source
        case _:
            pass


def _in_detail(detail: object) -> Iterator[str]:
    match detail:
        case {"violations": [*violations]}:
            for violation in violations:
                if isinstance(violation, dict):
                    yield str(violation.get("quotaId", ""))
        case {"reason": str(reason)}:
            yield reason
        case _:
            pass
