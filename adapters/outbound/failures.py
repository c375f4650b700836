"""
Classifies what goes wrong between here and an upstream: once, at this border.

Two tables do it. `TRANSPORT_FAILURES` names the exceptions of httpx, most specific match first; the rows of
`_REFUSALS` read a refusal's status and words. Words win over status, as servers disagree on statuses (a full
context is a 400 at one, a 413 or 500 at another) but must say what is wrong somewhere.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import isfinite
from types import MappingProxyType

import httpx

from adapters.dialects.dialect import GarbledReply, ReportedError, TruncatedReply
from domain.failures import FailureKind, UpstreamAnswer, UpstreamFailure

TRANSPORT_FAILURES: Mapping[type[httpx.HTTPError | httpx.InvalidURL], FailureKind] = MappingProxyType(
    {
        httpx.ConnectTimeout: FailureKind.UNREACHABLE,
        httpx.PoolTimeout: FailureKind.UNREACHABLE,
        httpx.WriteTimeout: FailureKind.SLOW,
        httpx.ReadTimeout: FailureKind.SLOW,
        httpx.TimeoutException: FailureKind.SLOW,
        httpx.TransportError: FailureKind.UNREACHABLE,
        httpx.DecodingError: FailureKind.GARBLED,
        httpx.TooManyRedirects: FailureKind.CREDENTIALS,
        httpx.HTTPStatusError: FailureKind.ADAPTER_FAULT,
        httpx.RequestError: FailureKind.UNREACHABLE,
        httpx.HTTPError: FailureKind.ADAPTER_FAULT,
        httpx.InvalidURL: FailureKind.ADAPTER_FAULT,
    }
)
"""httpx's exceptions before an answer began; after that a transport failure is a broken answer."""


_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)
"""After these the upstream cannot have read anything; after a reset it may have."""


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
    "requires more system memory",
    "failed to allocate",
    "failed to load model",
    "ggml_cuda_host_malloc",
    "oom",
)
_CONTEXT_OVERFLOW = _words(
    "exceed_context_size_error",
    "context_length_exceeded",
    "exceeds the available context size",
    "maximum context length",
    "prompt is too long",
    "context window (?:is )?(?:exceeded|full)",
    "exceeds? the context (?:window|length)",
    "input is too long",
    "too many tokens",
)
_MONEY = _words(
    "insufficient_quota",
    "insufficient (?:balance|credits?|funds)",
    "credit balance",
    "billing",
    "exceeded your current quota",
)
_BILLING = _words("billing")
_DAY = _words("daily limit", "per day", "free-models-per-day")
_CLIENT_FAULT_IN_500 = _words(
    "parse error",
    "invalid json",
    "failed to parse",
    "image input is not supported",
    "tools? param",
    "unsupported content",
)
_MODERATION = _words("moderation", "flagged", "content[ _]policy", "content[ _]filter")

_REFUSALS: tuple[_Row, ...] = (
    _Row(FailureKind.OUT_OF_MEMORY, _ANY, _OUT_OF_MEMORY),
    _Row(FailureKind.CONTEXT_OVERFLOW, frozenset({400, 413, 422, 500}), _CONTEXT_OVERFLOW),
    _Row(FailureKind.QUOTA, frozenset({400, 402, 429}), _MONEY),
    _Row(FailureKind.QUOTA, frozenset({403}), _BILLING),
    _Row(FailureKind.QUOTA, frozenset({429}), _DAY),
    _Row(FailureKind.QUOTA, frozenset({402})),
    _Row(FailureKind.RATE_LIMITED, frozenset({429})),
    _Row(FailureKind.REQUEST_FAULT, frozenset({403}), _MODERATION),
    _Row(FailureKind.CREDENTIALS, frozenset({401, 403}) | frozenset(range(300, 400))),
    _Row(FailureKind.MODEL_MISSING, frozenset({404})),
    _Row(FailureKind.BUSY, frozenset({408, 425})),
    _Row(FailureKind.REQUEST_FAULT, frozenset({500}), _CLIENT_FAULT_IN_500),
    _Row(FailureKind.REQUEST_FAULT, _CLIENT),
    _Row(FailureKind.OVERLOADED, _ANY),
)
"""First row that holds; the last holds for every 5xx."""

_TYPE_STATUSES: Mapping[str, int] = MappingProxyType(
    {
        "overloaded_error": 529,
        "rate_limit_error": 429,
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

_SHOWN_HEADERS = (
    "content-type",
    "request-id",
    "x-request-id",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
)
_SHOWN_PREFIXES = ("anthropic-ratelimit-", "x-ratelimit-")

_LONGEST_WAIT_S = 30 * 24 * 3600.0
"""Nobody means to be left alone for longer; what says so has slipped in its unit or its year."""


def classify(status: int, words: str) -> FailureKind:
    """What a refusal means. ``words`` is its message with its type and code; no status of HTTP is garbled."""
    return next((row.kind for row in _REFUSALS if row.holds(status, words)), FailureKind.GARBLED)


def refusal(error: ReportedError, answer: UpstreamAnswer, now: float) -> UpstreamFailure:
    """The failure that an error status with this body is; ``now`` in seconds since the epoch."""
    return UpstreamFailure(
        classify(answer.status, f"{error.message} {error.type} {error.code}"),
        f"{answer.status}: {error.message}",
        status=answer.status,
        retry_after_s=retry_after_s(answer.headers, now),
        answer=answer,
    )


def reported(error: ReportedError) -> UpstreamFailure:
    """The failure that an error told inside a reply is, by its words if they say more than that it broke."""
    status = error.status or _TYPE_STATUSES.get(error.type, 0)
    kind = classify(status, f"{error.message} {error.type} {error.code}") if status >= 300 else None
    in_band = FailureKind.GARBLED if kind is None or kind is FailureKind.REQUEST_FAULT else kind
    return UpstreamFailure(in_band, error.message, status=status or None)


def shown_headers(headers: httpx.Headers) -> Mapping[str, str]:
    """The headers of a refusal that a client may see."""
    shown = {name: headers[name] for name in _SHOWN_HEADERS if name in headers}
    limits = {name: value for name, value in headers.items() if name.startswith(_SHOWN_PREFIXES)}
    return MappingProxyType(shown | limits)


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """How long to wait: ``retry-after-ms``, or ``Retry-After`` as seconds or a date (RFC 9110, 10.2.3)."""
    if "retry-after-ms" in headers:
        return _number(headers["retry-after-ms"], 0.001)
    if "retry-after" not in headers:
        return None
    seconds = _number(headers["retry-after"], 1.0)
    return seconds if seconds is not None else _until(headers["retry-after"], now)


def _number(text: str, unit: float) -> float | None:
    try:
        return _wait_s(float(text) * unit)
    except ValueError:
        return None


def _until(date: str, now: float) -> float | None:
    try:
        return _wait_s(parsedate_to_datetime(date).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _wait_s(seconds: float) -> float | None:
    return min(max(0.0, seconds), _LONGEST_WAIT_S) if isfinite(seconds) else None


@contextmanager
def unanswered() -> Iterator[None]:
    """Renames what the transport raises before an answer began."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        kind = next(TRANSPORT_FAILURES[kind] for kind in type(error).__mro__ if kind in TRANSPORT_FAILURES)
        was_sent = not isinstance(error, _NEVER_SENT)
        raise UpstreamFailure(kind, _in_words(error), was_sent=was_sent) from error


@contextmanager
def answering() -> Iterator[None]:
    """Renames what the transport and the dialect raise while an answer is being read."""
    try:
        yield
    except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
        words = "the connection ended inside the answer"
        raise UpstreamFailure(FailureKind.BROKEN_OFF, words) from error
    except (httpx.HTTPError, TruncatedReply) as error:
        raise UpstreamFailure(FailureKind.BROKEN_OFF, _in_words(error)) from error
    except GarbledReply as error:
        raise UpstreamFailure(FailureKind.GARBLED, f"the answer makes no sense: {error}") from error
    except ReportedError as error:
        raise reported(error) from error


def _in_words(error: Exception) -> str:
    """httpx's connection errors often come without words of their own."""
    return str(error) or type(error).__name__
