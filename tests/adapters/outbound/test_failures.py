"""What goes wrong on the way is named once, at the border, and nothing slips through."""

import inspect

import httpx
import pytest

from adapters.dialects.dialect import GarbledReply, ReportedError, TruncatedReply
from adapters.outbound.failures import (
    TRANSPORT_FAILURES,
    Answering,
    Unanswered,
    refusal,
    reported,
    shown_headers,
)
from adapters.outbound.limits import retry_after_s
from adapters.outbound.refusals import classify
from domain.failures import FailureKind, UpstreamAnswer, UpstreamFailure
from tests.fakes.fixed_clock import FixedClock

_NEVER_FROM_A_TRANSPORT = {"CookieConflict", "StreamError", "StreamConsumed", "StreamClosed"} | {
    "ResponseNotRead",
    "RequestNotRead",
}
"""Mistakes of whoever calls httpx, not news from the network."""


def exceptions_of_httpx() -> list[type[Exception]]:
    classes = [value for _, value in inspect.getmembers(httpx, inspect.isclass)]
    return [each for each in classes if issubclass(each, Exception)]


@pytest.mark.parametrize("kind", exceptions_of_httpx(), ids=lambda kind: str(kind.__name__))
def test_every_exception_of_httpx_has_its_meaning(kind: type[Exception]) -> None:
    if kind.__name__ in _NEVER_FROM_A_TRANSPORT:
        assert not issubclass(kind, httpx.HTTPError)
        return

    assert any(base in TRANSPORT_FAILURES for base in kind.__mro__)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (httpx.ConnectError("refused"), FailureKind.UNREACHABLE),
        (httpx.ConnectTimeout("late"), FailureKind.UNREACHABLE),
        (httpx.ReadTimeout("late"), FailureKind.SLOW),
        (httpx.ReadError("reset"), FailureKind.UNREACHABLE),
        (httpx.RemoteProtocolError("nonsense"), FailureKind.UNREACHABLE),
        (httpx.ProxyError("no"), FailureKind.UNREACHABLE),
        (httpx.InvalidURL("no host"), FailureKind.ADAPTER_FAULT),
    ],
)
def test_what_fails_before_an_answer(raised: Exception, kind: FailureKind) -> None:
    with pytest.raises(UpstreamFailure) as caught, Unanswered():
        raise raised

    assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (httpx.ReadError(""), FailureKind.BROKEN_OFF),
        (TruncatedReply("no end"), FailureKind.BROKEN_OFF),
        (GarbledReply("not JSON"), FailureKind.GARBLED),
        (ReportedError("busy", type="overloaded_error"), FailureKind.OVERLOADED),
        (ReportedError("tool call could not be parsed", status=500), FailureKind.OVERLOADED),
        (ReportedError("it broke"), FailureKind.GARBLED),
    ],
)
def test_what_fails_in_the_midst_of_an_answer(raised: Exception, kind: FailureKind) -> None:
    with pytest.raises(UpstreamFailure) as caught, Answering(FixedClock()):
        raise raised

    assert caught.value.kind is kind
    assert caught.value.message


@pytest.mark.parametrize(
    "raised",
    [
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("ClientPayloadError: … <ContentLengthError: 400 …>"),
    ],
)
def test_a_connection_that_ends_inside_an_answer_is_told_in_plain_words(raised: Exception) -> None:
    with pytest.raises(UpstreamFailure) as caught, Answering(FixedClock()):
        raise raised

    assert caught.value.message == "the connection ended inside the answer"


LLAMA_OVERFLOW = (
    "request (84032 tokens) exceeds the available context size (8192 tokens), try increasing it "
    "exceed_context_size_error 400"
)
VLLM_OVERFLOW = "This model's maximum context length is 8192 tokens. However, you requested 9000"


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (400, LLAMA_OVERFLOW, FailureKind.CONTEXT_OVERFLOW),
        (400, VLLM_OVERFLOW, FailureKind.CONTEXT_OVERFLOW),
        (400, "prompt is too long: 210000 tokens > 200000 maximum", FailureKind.CONTEXT_OVERFLOW),
        (400, "messages: at least one message is required", FailureKind.REQUEST_FAULT),
        (400, "Your credit balance is too low to access the API", FailureKind.QUOTA),
        (400, "schedule.per day: expected a number", FailureKind.REQUEST_FAULT),
        (401, "invalid x-api-key", FailureKind.CREDENTIALS),
        (402, "Payment Required", FailureKind.QUOTA),
        (403, "forbidden", FailureKind.CREDENTIALS),
        (403, "this key may ask 0 times per day", FailureKind.CREDENTIALS),
        (403, "billing is not enabled for this project", FailureKind.QUOTA),
        (403, "Your input was flagged by moderation", FailureKind.REQUEST_FAULT),
        (307, "", FailureKind.CREDENTIALS),
        (404, "model not found", FailureKind.MODEL_MISSING),
        (408, "", FailureKind.BUSY),
        (422, "tools.0: field required", FailureKind.REQUEST_FAULT),
        (425, "", FailureKind.BUSY),
        (429, "Too many requests, slow down", FailureKind.RATE_LIMITED),
        (429, "Rate limit exceeded: free-models-per-day", FailureKind.QUOTA),
        (429, "You exceeded your current quota", FailureKind.QUOTA),
        (429, "daily limit reached", FailureKind.QUOTA),
        (500, "CUDA error: out of memory", FailureKind.OUT_OF_MEMORY),
        (500, "ERROR: oom-killer", FailureKind.OUT_OF_MEMORY),
        (500, "std::bad_alloc", FailureKind.OUT_OF_MEMORY),
        (400, "std::bad_alloc", FailureKind.OUT_OF_MEMORY),
        (500, "no room in the zoom", FailureKind.OVERLOADED),
        (503, "Loading model", FailureKind.OVERLOADED),
        (520, "", FailureKind.OVERLOADED),
        (529, "Overloaded", FailureKind.OVERLOADED),
        (600, "", FailureKind.GARBLED),
        (999, "Request denied", FailureKind.GARBLED),
    ],
)
def test_a_refusal_is_read_by_its_words_and_its_status(status: int, words: str, kind: FailureKind) -> None:
    assert classify(status, words) is kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-4"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:16:50 GMT"}, 10.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after-ms": "-inf"}, None),
        ({"retry-after": "1e12"}, 30 * 24 * 3600.0),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 30 * 24 * 3600.0),
        ({"retry-after": "Fri, 31 Dec 99999999999999999999 23:59:59 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_understood_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, now=1000.0) == seconds


def test_a_refusal_keeps_what_the_upstream_said() -> None:
    answer = UpstreamAnswer(
        dialect="openai_chat", status=429, body=b'{"error":{}}', headers={"retry-after": "7"}
    )

    failure = refusal(ReportedError("slow down", type="rate_limit_error"), answer, now=0.0)

    assert (failure.kind, failure.status, failure.retry_after_s) == (FailureKind.RATE_LIMITED, 429, 7.0)
    assert failure.answer is answer
    assert failure.message == "429: slow down"


def test_an_error_told_in_a_stream_is_no_fault_of_the_request() -> None:
    failure = reported(ReportedError("could not parse what I wrote", type="invalid_request_error"), now=0.0)

    assert failure.kind is FailureKind.GARBLED


def test_only_harmless_headers_of_a_refusal_are_shown() -> None:
    headers = httpx.Headers(
        {"Content-Type": "application/json", "Set-Cookie": "a=b", "X-RateLimit-Reset": "1", "Server": "x"}
    )

    assert shown_headers(headers) == {"content-type": "application/json", "x-ratelimit-reset": "1"}
