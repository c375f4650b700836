"""What a client is told when it gets no answer: one table from causes to words, in every dialect."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from adapters.dialects.dialect import Dialect, ErrorReport
from adapters.inbound.http.headers import Headers, header
from adapters.inbound.http.response import JSON_CONTENT
from app.use_cases.member_limits import LimitReached
from domain.conversation.request import MalformedRequest
from domain.failures import UpstreamAnswer, UpstreamFailure
from domain.guards.tool_loop import ToolLoopBroken
from domain.routing.selection import UnknownChoice
from domain.routing.verdict import Cause, ChainFailed, Verdict


class Complaint(StrEnum):
    """Why a request is not answered that never reached a chain, or whose answer went wrong after it began."""

    MALFORMED = "malformed"
    UNKNOWN_CHOICE = "unknown-choice"
    TOOL_LOOP = "tool-loop"
    NO_HOST = "no-host"
    FOREIGN_HOST = "foreign-host"
    NO_KEY = "no-key"
    WRONG_SCOPE = "wrong-scope"
    THROTTLED = "throttled"
    STATE_UNREADABLE = "state-unreadable"
    LIMITED = "limited"
    NOT_FOUND = "not-found"
    WRONG_METHOD = "wrong-method"
    TOO_SLOW = "too-slow"
    TOO_LARGE = "too-large"
    ENCODED_BODY = "encoded-body"
    DRAINING = "draining"
    BROKEN_OFF = "broken-off"
    INTERNAL = "internal"


class Rejected(Exception):
    """A request that is refused at the door; ``headers`` go with the answer."""

    def __init__(
        self, complaint: Complaint, message: str, *, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(message)
        self.complaint = complaint
        self.message = message
        self.headers = headers


def draining() -> Rejected:
    """What a gateway that shuts down tells whoever it does not answer, or not to the end."""
    return Rejected(
        Complaint.DRAINING, "the gateway is shutting down: ask again", headers=(("retry-after", "1"),)
    )


class Retry(StrEnum):
    """Whether the same request may fare better later, as ``x-should-retry`` says it to the vendors' SDKs."""

    YES = "true"
    NO = "false"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """
    How a cause is told.

    Attributes:
        openai: ``error.type`` in OpenAI's envelope.
        anthropic: ``error.type`` in Anthropic's envelope.
        code: ``error.code`` in OpenAI's envelope.
        anthropic_status: where Anthropic has a status of its own for it.
        opening: words that clients look for at the start of the message.
    """

    status: int
    openai: str
    anthropic: str
    retry: Retry = Retry.NO
    code: str | None = None
    anthropic_status: int | None = None
    opening: str = ""


def _at_fault(status: int, anthropic: str = "invalid_request_error", code: str | None = None) -> Wording:
    return Wording(status=status, openai="invalid_request_error", anthropic=anthropic, code=code)


def _forbidden(status: int) -> Wording:
    return Wording(status=status, openai="permission_error", anthropic="permission_error")


def _upstream(status: int, retry: Retry = Retry.YES) -> Wording:
    return Wording(status=status, openai="server_error", anthropic="api_error", retry=retry)


WORDINGS: Mapping[Cause | Complaint, Wording] = MappingProxyType(
    {
        Cause.REQUEST_FAULT: _at_fault(400),
        Cause.CONTEXT_OVERFLOW: Wording(
            status=400,
            openai="invalid_request_error",
            anthropic="invalid_request_error",
            code="context_length_exceeded",
            opening="prompt is too long: ",
        ),
        Cause.FORBIDDEN: _forbidden(403),
        Cause.INCAPABLE: _at_fault(400),
        Cause.MONEY: Wording(
            status=402, openai="insufficient_quota", anthropic="billing_error", code="insufficient_quota"
        ),
        Cause.RATE_LIMITED: Wording(
            status=429, openai="rate_limit_error", anthropic="rate_limit_error", retry=Retry.YES
        ),
        Cause.OVERLOADED: Wording(
            status=503,
            openai="server_error",
            anthropic="overloaded_error",
            retry=Retry.YES,
            anthropic_status=529,
        ),
        Cause.SLOW: _upstream(504),
        Cause.CREDENTIALS: _upstream(502, Retry.NO),
        Cause.UNAVAILABLE: _upstream(502),
        Complaint.MALFORMED: _at_fault(400),
        Complaint.UNKNOWN_CHOICE: _at_fault(400),
        Complaint.TOOL_LOOP: _at_fault(400),
        Complaint.NO_HOST: _at_fault(400),
        Complaint.FOREIGN_HOST: _forbidden(403),
        Complaint.NO_KEY: Wording(
            status=401,
            openai="authentication_error",
            anthropic="authentication_error",
            code="invalid_api_key",
        ),
        Complaint.WRONG_SCOPE: _forbidden(403),
        Complaint.THROTTLED: Wording(
            status=429, openai="rate_limit_error", anthropic="rate_limit_error", retry=Retry.YES
        ),
        Complaint.LIMITED: Wording(
            status=429, openai="rate_limit_error", anthropic="rate_limit_error", retry=Retry.YES
        ),
        Complaint.STATE_UNREADABLE: Wording(
            status=503, openai="server_error", anthropic="overloaded_error", retry=Retry.YES
        ),
        Complaint.NOT_FOUND: _at_fault(404, "not_found_error"),
        Complaint.WRONG_METHOD: _at_fault(405),
        Complaint.TOO_SLOW: Wording(
            status=408, openai="invalid_request_error", anthropic="invalid_request_error", retry=Retry.YES
        ),
        Complaint.TOO_LARGE: _at_fault(413, "request_too_large"),
        Complaint.ENCODED_BODY: _at_fault(415),
        Complaint.DRAINING: Wording(
            status=503, openai="server_error", anthropic="overloaded_error", retry=Retry.YES
        ),
        Complaint.BROKEN_OFF: _upstream(502),
        Complaint.INTERNAL: _upstream(500, Retry.NO),
    }
)
"""The whole error policy of the gateway's face."""

_FAULTS: Mapping[int, Wording] = MappingProxyType(
    {403: _forbidden(403), 404: _at_fault(404, "not_found_error"), 413: _at_fault(413, "request_too_large")}
)
"""What some statuses mean with which an upstream finds a request at fault; the others mean nothing more."""

_ANTHROPIC = "anthropic_messages"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorAnswer:
    """How an error is answered: a whole response, or ``report`` inside a stream that has begun."""

    status: int
    headers: Headers
    body: bytes
    report: ErrorReport


def error_answer(error: Exception, dialect: Dialect, request_id: str) -> ErrorAnswer:
    """The answer to any error in a client's dialect; one that we did not foresee is an internal error."""
    match error:
        case ChainFailed(verdict=verdict):
            return _for_verdict(verdict, dialect, request_id)
        case MalformedRequest(path=path):
            return _told(Complaint.MALFORMED, str(error), dialect, request_id, param=path or None)
        case LimitReached(retry_after_s=after_s):
            told = (("retry-after", _whole_seconds(after_s)),)
            return _told(Complaint.LIMITED, str(error), dialect, request_id, headers=told)
        case ToolLoopBroken():
            return _told(Complaint.TOOL_LOOP, str(error), dialect, request_id)
        case UnknownChoice():
            return _told(Complaint.UNKNOWN_CHOICE, str(error), dialect, request_id)
        case UpstreamFailure(message=message):
            return _told(Complaint.BROKEN_OFF, f"the answer broke off: {message}", dialect, request_id)
        case Rejected(complaint=complaint, message=message, headers=headers):
            return _told(complaint, message, dialect, request_id, headers=headers)
        case _:
            words = f"internal error; the gateway's log tells more under request id {request_id}"
            return _told(Complaint.INTERNAL, words, dialect, request_id)


def _told(
    why: Cause | Complaint,
    message: str,
    dialect: Dialect,
    request_id: str,
    *,
    param: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> ErrorAnswer:
    return _worded(WORDINGS[why], message, dialect, request_id, param=param, headers=headers)


def _for_verdict(verdict: Verdict, dialect: Dialect, request_id: str) -> ErrorAnswer:
    wording = _wording(verdict)
    after = verdict.retry_after_s if wording.retry is Retry.YES else None
    headers = () if after is None else (("retry-after", _whole_seconds(after)),)
    answer = _worded(wording, verdict.message, dialect, request_id, headers=headers)
    upstream = verdict.relayed
    if upstream is not None and _is_relayed(verdict, upstream, dialect):
        return _relayed(upstream, answer)
    return answer


def _whole_seconds(after_s: float) -> str:
    """Not earlier than asked. An upstream may say infinity; what is no number at all comes out as 0."""
    return str(math.ceil(min(max(0.0, after_s), _LONGEST_RETRY_AFTER_S)))


_LONGEST_RETRY_AFTER_S = 30 * 24 * 3600.0
"""A client that waits longer waits for ever; longer than any vendor's longest window, which is a month."""


def _wording(verdict: Verdict) -> Wording:
    """A request fault keeps the upstream's status, unless that would tell a bad request as a bad gateway."""
    if verdict.cause is not Cause.REQUEST_FAULT or verdict.relayed is None:
        return WORDINGS[verdict.cause]
    status = verdict.relayed.status
    return _FAULTS.get(status) or _at_fault(status if 400 <= status < 500 else 400)


def _is_relayed(verdict: Verdict, upstream: UpstreamAnswer, dialect: Dialect) -> bool:
    """The upstream's own bytes go out where they speak the client's language and nobody else has a say."""
    alone = verdict.only_attempt or verdict.cause is Cause.REQUEST_FAULT
    return alone and upstream.dialect == dialect.name and upstream.status >= 400


def _relayed(upstream: UpstreamAnswer, ours: ErrorAnswer) -> ErrorAnswer:
    """
    Byte for byte: clients act on the wording. The request id is ours, as on every answer, and so is what the
    upstream leaves open: whether to try again, and when.
    """
    kept = tuple(header(name, value) for name, value in upstream.headers.items() if name not in _OURS)
    told = {_SAME_QUESTION.get(name, name) for name, _ in kept}
    added = (one for one in ours.headers if one[0] in _ADDED and one[0] not in told)
    return ErrorAnswer(
        status=upstream.status,
        headers=(*kept, *added),
        body=upstream.body,
        report=ours.report,
    )


_OURS = frozenset({"x-request-id", "content-length", "connection", "transfer-encoding", "content-encoding"})
"""Headers of an upstream's answer that describe its connection to us, or whose place is taken."""

_ADDED = frozenset({b"x-should-retry", b"retry-after"})
_SAME_QUESTION = MappingProxyType({b"retry-after-ms": b"retry-after"})
"""A header that answers what another would."""


def _worded(
    wording: Wording,
    message: str,
    dialect: Dialect,
    request_id: str,
    *,
    param: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> ErrorAnswer:
    anthropic = dialect.name == _ANTHROPIC
    report = ErrorReport(
        status=(wording.anthropic_status if anthropic else None) or wording.status,
        type=wording.anthropic if anthropic else wording.openai,
        message=wording.opening + message,
        code=wording.code,
        param=param,
        request_id=request_id,
    )
    return ErrorAnswer(
        status=report.status,
        headers=(JSON_CONTENT, header("x-should-retry", wording.retry), *(header(*one) for one in headers)),
        body=dialect.encode_error(report),
        report=report,
    )
