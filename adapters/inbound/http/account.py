"""What is known of one request: the headers that tell it so far, and the event that tells it whole."""

from adapters.inbound.http.headers import Headers, header
from app.use_cases.attempts import Receipt
from app.use_cases.continuing import AnyReply, ContinuedReply
from app.use_cases.plan import Plan
from domain.access.keys import ANYBODY, Caller
from domain.budget.money import exact_usd
from domain.conversation.reply import Usage
from domain.conversation.request import ChatRequest
from domain.events import Outcome, RequestCompleted
from domain.inventory.requests import RequestAccepted
from domain.routing.chain import Attempt
from domain.routing.verdict import ChainFailed

LEFT_UNANSWERED = 499
"""The status of a request whose client left before any was sent; nginx's word, which log readers know."""

_NOTHING_COUNTED = Usage()


class Account:
    """Gathers a request's facts as they come to be known: `asked`, `planned`, `begun` or `failed`."""

    __slots__ = (
        "_accepted_at",
        "_attempts",
        "_dialect",
        "_fallback_reason",
        "_model",
        "_plan",
        "_provider",
        "_reply",
        "_request",
        "_ttft_ms",
        "caller",
        "outcome",
        "receipt",
        "request_id",
    )

    def __init__(self, request_id: str, dialect: str, accepted_at: float, caller: Caller = ANYBODY) -> None:
        self.request_id = request_id
        self.caller = caller
        self.outcome = Outcome.BROKEN_OFF
        self.receipt = Receipt()
        self._dialect = dialect
        self._accepted_at = accepted_at
        self._request: ChatRequest | None = None
        self._plan: Plan | None = None
        self._reply: AnyReply | None = None
        self._provider = ""
        self._model = ""
        self._attempts = 0
        self._fallback_reason = ""
        self._ttft_ms: float | None = None

    def __repr__(self) -> str:
        return f"<Account of {self.request_id}: {self.outcome}>"

    def accepted(self) -> RequestAccepted:
        """The first line; `completed` is the last."""
        return RequestAccepted(
            request_id=self.request_id,
            dialect=self._dialect,
            member=self.caller.member,
            key_id=self.caller.key_id,
        )

    def asked(self, request: ChatRequest) -> None:
        self._request = request

    def planned(self, plan: Plan) -> None:
        self._plan = plan

    def begun(self, reply: AnyReply, now: float) -> None:
        """A target's answer has begun, at ``now`` by the clock that counts seconds."""
        self._reply = reply
        self._tell_of(reply)
        self._ttft_ms = _milliseconds(now - self._accepted_at)

    def _tell_of(self, reply: AnyReply) -> None:
        self._provider = reply.facts.target.provider
        self._attempts = reply.facts.attempts
        self._fallback_reason = reply.facts.fallback_reason

    def failed(self, failure: ChainFailed) -> None:
        """No target answered; a target is named only where the refusal is its own."""
        self._attempts = len(failure.attempts)
        if len(failure.attempts) > 1:
            self._fallback_reason = str(failure.attempts[-2].failure.kind)
        shown = _shown(failure)
        if shown is not None:
            self._provider = shown.target.provider
            self._model = shown.target.model

    def headers(self) -> Headers:
        """The story so far."""
        told = [header("x-request-id", self.request_id)]
        if self._plan is not None:
            told.append(header("x-coderouter-profile", self._plan.profile.name))
            told.append(header("x-coderouter-rule", self._plan.rule))
        if self._attempts:
            told.append(header("x-coderouter-attempts", str(self._attempts)))
        for name, value in (
            ("x-coderouter-provider", self._provider),
            ("x-coderouter-model", self._real_model()),
            ("x-coderouter-fallback-reason", self._fallback_reason),
        ):
            if value:
                told.append(header(name, value))
        return tuple(told)

    def usage(self) -> Usage | None:
        """What the upstream has counted so far."""
        return self._reply.usage if self._reply else None

    def completed(self, status: int, now: float) -> RequestCompleted:
        """The whole story; ``status`` is what went out, or 0."""
        if isinstance(self._reply, ContinuedReply) and self._reply.was_continued:
            self._tell_of(self._reply)
        usage = self.receipt.usage_at(self._provider) or self.usage() or _NOTHING_COUNTED
        return RequestCompleted(
            request_id=self.request_id,
            member=self.caller.member,
            key_id=self.caller.key_id,
            dialect=self._dialect,
            stream=self._request.stream if self._request else False,
            outcome=self.outcome,
            status=status or LEFT_UNANSWERED,
            profile=self._plan.profile.name if self._plan else "",
            rule=self._plan.rule if self._plan else "",
            provider=self._provider,
            model=self._real_model(),
            requested_model=self._request.model if self._request else "",
            attempts=self._attempts,
            fallback_reason=self._fallback_reason,
            duration_ms=_milliseconds(now - self._accepted_at),
            ttft_ms=self._ttft_ms,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_creation_tokens=usage.cache_creation_tokens,
            cost_usd=exact_usd(self.receipt.cost),
            cost_savings_usd=exact_usd(self.receipt.savings),
            set_aside_usd=exact_usd(self.receipt.set_aside),
            estimated=self.receipt.estimated,
            billed_elsewhere=self.receipt.elsewhere(self._provider),
        )

    def _real_model(self) -> str:
        return self._reply.model if self._reply else self._model


def _shown(failure: ChainFailed) -> Attempt | None:
    """The attempt whose refusal the client sees, or the only one."""
    if len(failure.attempts) == 1:
        return failure.attempts[0]
    relayed = failure.verdict.relayed
    its = (attempt for attempt in failure.attempts if attempt.failure.answer is relayed)
    return next(its, None) if relayed is not None else None


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
