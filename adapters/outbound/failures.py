"""
Classifies what goes wrong between here and an upstream: once, at this border.

`TRANSPORT_FAILURES` names the exceptions of httpx, most specific match first. What an upstream says itself is
read by its words: what it means in `adapters.outbound.refusals`, for how long it wants to be left alone in
`adapters.outbound.limits`, by how much a prompt was too long in `adapters.outbound.overflows`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType, TracebackType

import httpx

from adapters.dialects.dialect import GarbledReply, ReportedError, TruncatedReply
from adapters.outbound.limits import wait_of
from adapters.outbound.overflows import overflow_of
from adapters.outbound.refusals import TYPE_STATUSES, classify, names_a_missing_model, scope_of, words_of
from domain.failures import FailureKind, Overflow, UpstreamAnswer, UpstreamFailure
from domain.ports.time import Clock

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

_MEANING_NO_ENDPOINT = frozenset({404, 405, 501})

_SHOWN_HEADERS = (
    "content-type",
    "request-id",
    "x-request-id",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
)
_SHOWN_PREFIXES = ("anthropic-ratelimit-", "x-ratelimit-")


def refusal(error: ReportedError, answer: UpstreamAnswer, now: float) -> UpstreamFailure:
    """The failure that an error status with this body is; ``now`` in seconds since the epoch."""
    kind = classify(answer.status, words_of(error))
    wait = wait_of(error, answer.headers, now)
    return UpstreamFailure(
        kind,
        f"{answer.status}: {error.message}",
        status=answer.status,
        retry_after_s=wait.retry_after_s,
        resets_in_s=wait.resets_in_s,
        scope=scope_of(kind, words_of(error)),
        overflow=_overflow(kind, error),
        answer=answer,
    )


@contextmanager
def beside_the_conversation() -> Iterator[None]:
    """
    At an endpoint that not every server has, a bare "not found" says nothing about the model behind another.

    Held against the model, one request for embeddings would keep everybody from talking to it.
    """
    try:
        yield
    except UpstreamFailure as failure:
        if failure.status in _MEANING_NO_ENDPOINT and not names_a_missing_model(failure.message):
            failure.kind = FailureKind.NOT_OFFERED
        raise


def reported(error: ReportedError, now: float) -> UpstreamFailure:
    """The failure that an error told inside a reply is, by its words if they say more than that it broke."""
    status = error.status or TYPE_STATUSES.get(error.type) or TYPE_STATUSES.get(error.code)
    kind = _in_band(classify(status or _UNTOLD, words_of(error)), status)
    wait = wait_of(error, {}, now)
    return UpstreamFailure(
        kind,
        error.message,
        status=status,
        retry_after_s=wait.retry_after_s,
        resets_in_s=wait.resets_in_s,
        scope=scope_of(kind, words_of(error)),
        overflow=_overflow(kind, error),
    )


def shown_headers(headers: httpx.Headers) -> Mapping[str, str]:
    """The headers of a refusal that a client may see."""
    shown = {name: headers[name] for name in _SHOWN_HEADERS if name in headers}
    limits = {name: value for name, value in headers.items() if name.startswith(_SHOWN_PREFIXES)}
    return MappingProxyType(shown | limits)


class Unanswered:
    """While entered, what the transport raises before an answer began is renamed."""

    # A class, like `Answering`: every request enters it, and a generator would cost it several times as much.

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
            was_sent = not isinstance(error, _NEVER_SENT)
            raise UpstreamFailure(_kind_of(error), _in_words(error), was_sent=was_sent) from error


class Answering:
    """While entered, what the transport and the dialect raise as an answer is being read is renamed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        match error:
            case httpx.NetworkError() | httpx.RemoteProtocolError():
                words = "the connection ended inside the answer"
                raise UpstreamFailure(FailureKind.BROKEN_OFF, words) from error
            case httpx.HTTPError() | TruncatedReply():
                raise UpstreamFailure(FailureKind.BROKEN_OFF, _in_words(error)) from error
            case GarbledReply():
                words = f"the answer makes no sense: {error}"
                raise UpstreamFailure(FailureKind.GARBLED, words) from error
            case ReportedError():
                raise reported(error, self._clock.time()) from error
            case _:
                pass


def _kind_of(error: httpx.HTTPError | httpx.InvalidURL) -> FailureKind:
    return next(TRANSPORT_FAILURES[kind] for kind in type(error).__mro__ if kind in TRANSPORT_FAILURES)


_UNTOLD = 500
"""The status by which an error is read that told none."""


def _in_band(kind: FailureKind, status: int | None) -> FailureKind:
    """An answer had been promised: the request was not at fault, and an error without words is nonsense."""
    says_little = kind is FailureKind.OVERLOADED and status is None
    return FailureKind.GARBLED if says_little or kind is FailureKind.REQUEST_FAULT else kind


def _overflow(kind: FailureKind, error: ReportedError) -> Overflow | None:
    return overflow_of(error) if kind is FailureKind.CONTEXT_OVERFLOW else None


def _in_words(error: Exception) -> str:
    """httpx's connection errors often come without words of their own."""
    return str(error) or type(error).__name__
