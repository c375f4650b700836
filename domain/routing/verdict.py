"""What a chain that is used up comes down to, over all its targets: the one answer the client gets."""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

from domain.budget.money import in_usd
from domain.budget.purse import Exceeded
from domain.failures import FailureKind, UpstreamAnswer, UpstreamFailure
from domain.routing.chain import Attempt
from domain.routing.gates import LASTING, BarReason, Barred, WindowOverrun
from domain.values import value


class Cause(StrEnum):
    """Why no target answered; in the order in which they are looked for."""

    REQUEST_FAULT = "request-fault"
    CONTEXT_OVERFLOW = "context-overflow"
    FORBIDDEN = "forbidden"
    INCAPABLE = "incapable"
    MONEY = "money"
    RATE_LIMITED = "rate-limited"
    OVERLOADED = "overloaded"
    SLOW = "slow"
    CREDENTIALS = "credentials"
    UNAVAILABLE = "unavailable"


@value(kw_only=True)
class Verdict:
    """
    Why a request could not be answered.

    Attributes:
        message: the attempts and refusals, told for a human.
        retry_after_s: the earliest moment at which some target asked to be tried again.
        relayed: an upstream's refusal that the client should see instead of ours: it found the request at
            fault, or it was the only one tried. Never of credentials: it refuses the gateway's own, and the
            client would take that for a word about its key.
        only_attempt: whether ``relayed`` is the answer to the one attempt that was made.
    """

    cause: Cause
    message: str
    retry_after_s: float | None = None
    relayed: UpstreamAnswer | None = None
    only_attempt: bool = False


class ChainFailed(Exception):
    """No target answered; ``verdict`` says why, ``attempts`` who was tried."""

    def __init__(self, verdict: Verdict, attempts: tuple[Attempt, ...] = ()) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict
        self.attempts = attempts


@value(kw_only=True)
class Walk:
    """
    How a request fared: who was tried and failed, and who might not be tried.

    Attributes:
        paused: of those who were tried, who may not be tried any more, as they failed.
    """

    profile: str
    attempts: tuple[Attempt, ...]
    barred: tuple[Barred, ...]
    paused: tuple[Barred, ...] = ()

    @property
    def kinds(self) -> frozenset[FailureKind]:
        return frozenset(attempt.failure.kind for attempt in self.attempts)

    @property
    def reasons(self) -> frozenset[BarReason]:
        return frozenset(barred.reason for barred in self.barred)


def verdict(walk: Walk) -> Verdict:
    """The cause, by the first row of `_CAUSES` that holds."""
    cause = next(cause for cause, holds in _CAUSES if holds(walk))
    failures = [attempt.failure for attempt in walk.attempts]
    fault = next((failure for failure in failures if failure.kind is FailureKind.REQUEST_FAULT), None)
    only = failures[0] if len(failures) == 1 else None
    shown = fault or (None if only is None or only.kind is FailureKind.CREDENTIALS else only)
    return Verdict(
        cause=cause,
        message=fault.message if fault else _told(walk),
        retry_after_s=_earliest(walk),
        relayed=shown.answer if shown else None,
        only_attempt=only is not None,
    )


def _too_long_everywhere(walk: Walk) -> bool:
    """Whoever could be asked has too small a window, by its own words or by what is known of it."""
    overflown = FailureKind.CONTEXT_OVERFLOW in walk.kinds or BarReason.CONTEXT_WINDOW in walk.reasons
    return overflown and walk.kinds <= {FailureKind.CONTEXT_OVERFLOW} and walk.reasons <= LASTING


def _forbidden(walk: Walk) -> bool:
    """Nobody could be asked, and some because the caller may not ask them."""
    kept_out = walk.reasons & {BarReason.NOT_PERMITTED, BarReason.NOT_NEAR}
    return bool(kept_out) and not walk.attempts and walk.reasons <= LASTING


def _incapable(walk: Walk) -> bool:
    """Nobody could do what the request needs: some as is known of them, some as they say themselves."""
    unable = walk.kinds or walk.reasons & {BarReason.NO_VISION, BarReason.INCAPABLE}
    return bool(unable) and walk.kinds <= {FailureKind.NOT_OFFERED} and walk.reasons <= LASTING


_ENOUGH_FOR_NOW = frozenset(
    {
        BarReason.QUEUE_FULL,
        BarReason.PLAN_USED_UP,
        BarReason.RATE_LIMITED,
        BarReason.OUT_OF_QUOTA,
        BarReason.BUDGET_PROMISED,
    }
)
"""Refusals of ours that spare a provider one more request than it takes."""

_SOON_BACK = frozenset(
    {BarReason.QUEUE_TIMED_OUT, BarReason.COOLING, BarReason.MEMORY_PRESSURE, BarReason.RATE_LIMITED}
)
"""Refusals of ours that a little patience mends."""


def _rate_limited(walk: Walk) -> bool:
    """Everybody who could be asked has had enough for now."""
    refused = walk.kinds <= {FailureKind.RATE_LIMITED, FailureKind.QUOTA}
    turned_away = bool(walk.kinds or walk.reasons & _ENOUGH_FOR_NOW)
    return refused and turned_away and walk.reasons <= _ENOUGH_FOR_NOW | LASTING


def _overloaded(walk: Walk) -> bool:
    """Some may be asked again soon."""
    soon = {FailureKind.OVERLOADED, FailureKind.ASLEEP}
    return bool(walk.kinds & soon or walk.reasons & _SOON_BACK)


def _only_money(walk: Walk) -> bool:
    return not walk.attempts and bool(walk.reasons) and walk.reasons <= _MONEY


_MONEY = frozenset(
    {
        BarReason.PAID,
        BarReason.BUDGET,
        BarReason.UNPRICED,
        BarReason.NO_OUTPUT_BOUND,
        BarReason.NO_COST_BOUND,
    }
)
"""Refusals that money would mend, or knowing what it costs."""


def _no_credentials(walk: Walk) -> bool:
    """Every provider refuses the gateway's key, or has none to be asked with."""
    refused = walk.kinds <= {FailureKind.CREDENTIALS}
    return refused and (bool(walk.attempts) or bool(walk.reasons & _WITHOUT_KEY))


_WITHOUT_KEY = frozenset({BarReason.MISSING_CREDENTIAL, BarReason.MISCONFIGURED})


_CAUSES: tuple[tuple[Cause, Callable[[Walk], bool]], ...] = (
    (Cause.REQUEST_FAULT, lambda walk: FailureKind.REQUEST_FAULT in walk.kinds),
    (Cause.CONTEXT_OVERFLOW, _too_long_everywhere),
    (Cause.FORBIDDEN, _forbidden),
    (Cause.INCAPABLE, _incapable),
    (Cause.MONEY, _only_money),
    (Cause.RATE_LIMITED, _rate_limited),
    (Cause.OVERLOADED, _overloaded),
    (Cause.SLOW, lambda walk: walk.kinds == {FailureKind.SLOW}),
    (Cause.CREDENTIALS, _no_credentials),
    (Cause.UNAVAILABLE, lambda walk: True),  # noqa: ARG005  the row that always holds
)
"""Cause and the test for it, first match wins."""


def _earliest(walk: Walk) -> float | None:
    """As upstreams say; by our own pauses only if nobody who was tried may be asked at once."""
    asked = [attempt.failure.retry_after_s for attempt in walk.attempts]
    if {one.target for one in walk.paused} >= {attempt.target for attempt in walk.attempts}:
        asked = [one.retry_after_s for one in walk.paused]
    waits = [*asked, *(one.retry_after_s for one in walk.barred)]
    told = [wait_s for wait_s in waits if wait_s is not None]
    return min(told) if told else None


def _told(walk: Walk) -> str:
    tried = [f"{attempt.target.provider}: {_failure_in_words(attempt.failure)}" for attempt in walk.attempts]
    refused = [f"{barred.target.provider}: not tried ({_for_clients(barred)})" for barred in walk.barred]
    story = "; ".join(tried + refused) or "it has no targets"
    return f"{_numbers(walk)}no provider of profile {walk.profile!r} could answer: {story}"


def _failure_in_words(failure: UpstreamFailure) -> str:
    """Whoever reads of an invalid key thinks of their own."""
    ours = failure.kind is FailureKind.CREDENTIALS and failure.status in _REFUSING_A_KEY
    return f"{failure.message} (it refuses the gateway's credentials, not yours)" if ours else failure.message


_REFUSING_A_KEY = frozenset({401, 403})


def _numbers(walk: Walk) -> str:
    """The words that clients look for when a prompt is too long, with the most that would have fitted."""
    overruns = [*_estimated(walk.barred), *_told_by_upstreams(walk.attempts)]
    if not overruns or not _too_long_everywhere(walk):
        return ""
    return f"{_compared(max(overruns, key=lambda overrun: overrun.maximum))}; "


def _estimated(barred: Iterable[Barred]) -> Iterator[WindowOverrun]:
    return (one.overrun for one in barred if one.overrun)


def _told_by_upstreams(attempts: Iterable[Attempt]) -> Iterator[WindowOverrun]:
    """A prompt is not too long that would fit, were it not for the room that is wanted for the answer."""
    for attempt in attempts:
        told = attempt.failure.overflow
        if told and told.prompt_tokens and told.window and told.prompt_tokens > told.window:
            yield WindowOverrun(tokens=told.prompt_tokens, maximum=told.window)


def _compared(overrun: WindowOverrun) -> str:
    return f"{overrun.tokens} tokens > {overrun.maximum} maximum"


def _for_clients(barred: Barred) -> str:
    """Where the gateway looks for its keys concerns the operator alone."""
    if barred.reason is BarReason.MISSING_CREDENTIAL:
        return _REFUSALS[barred.reason]
    return refusal_in_words(barred)


def refusal_in_words(barred: Barred) -> str:
    """Why a target may not be tried, for the operator; a client is told a little less."""
    words = _REFUSALS[barred.reason]
    lacks = f": {', '.join(barred.lacks)}" if barred.reason is BarReason.INCAPABLE else ""
    numbers = f": {_compared(barred.overrun)}" if barred.overrun else ""
    budget = f": {_budget_in_words(barred.exceeded)}" if barred.exceeded else ""
    detail = f": {barred.detail}" if barred.detail else ""
    return f"{words}{lacks}{numbers}{budget}{detail}"


def _budget_in_words(exceeded: Exceeded) -> str:
    reserved = f" and {in_usd(exceeded.reserved)} reserved" if exceeded.reserved else ""
    guessed = _guessed_in_words(exceeded)
    until = exceeded.ends.isoformat(timespec="seconds")
    return (
        f"{exceeded.pot} (until {until}),"
        f" {in_usd(exceeded.settled)} of {in_usd(exceeded.cap)} USD spent{guessed}{reserved},"
        f" {in_usd(exceeded.remaining)} left{_lent_in_words(exceeded)}{_cost_in_words(exceeded)}"
    )


def _guessed_in_words(exceeded: Exceeded) -> str:
    """A hard budget may be charged far more for these than anybody is billed."""
    estimated = in_usd(exceeded.estimated)
    return f" ({estimated} of it counted by no provider, as of answers that broke off)" if estimated else ""


def _lent_in_words(exceeded: Exceeded) -> str:
    lent = in_usd(min(exceeded.lent_to_others, exceeded.remaining))
    return f", {lent} of it lent to other workers" if lent else ""


def _cost_in_words(exceeded: Exceeded) -> str:
    """Who has money left, only not for answers as long as they may be, is told what would help."""
    if not ((exceeded.remaining or exceeded.is_for_now) and in_usd(exceeded.amount)):
        return ""
    worst = in_usd(exceeded.amount)
    return f"; this may cost up to {worst}, and less where max_tokens (or max_output_tokens) is smaller"


_REFUSALS = {
    BarReason.NOT_PERMITTED: "this key may not use it",
    BarReason.PAID: "it costs money and paid providers are off",
    BarReason.NOT_NEAR: "it is outside the house, where this key's requests may not go",
    BarReason.MISSING_CREDENTIAL: "its API key is not set",
    BarReason.BUDGET: "it does not fit into a budget",
    BarReason.BUDGET_PROMISED: "what is left of a budget is promised to requests that are under way, or lent"
    " to workers for theirs",
    BarReason.UNPRICED: "a budget applies and nobody knows what it costs: set its cost",
    BarReason.NO_OUTPUT_BOUND: "a hard budget applies and nothing limits its answer: send max_tokens"
    " (max_output_tokens to /v1/responses), or have the provider's max_output_tokens set",
    BarReason.NO_COST_BOUND: "a hard budget applies and nobody knows what this may cost: a document that is"
    " not in the request, something that the vendor runs, such as a search, another model or a dearer tier,"
    " or a field of the provider's extra_body",
    BarReason.BUDGET_UNKNOWN: "the budget cannot be looked up, as the state cannot be reached",
    BarReason.NO_VISION: "its model cannot see images",
    BarReason.INCAPABLE: "its model lacks what the request needs",
    BarReason.CONTEXT_WINDOW: "the prompt is too long for it",
    BarReason.PLAN_USED_UP: "its plan is used up",
    BarReason.RATE_LIMITED: "it asked to be left alone, as its rate limit is reached",
    BarReason.OUT_OF_QUOTA: "its quota is used up",
    BarReason.COOLING: "it is overloaded and asked to be left alone",
    BarReason.MEMORY_PRESSURE: "it ran out of memory",
    BarReason.MISCONFIGURED: "it refuses the gateway's credentials",
    BarReason.MODEL_MISSING: "it does not have the model",
    BarReason.QUEUE_FULL: "too many are waiting for it",
    BarReason.QUEUE_TIMED_OUT: "its turn did not come in time",
}
"""How a refusal is told."""
