"""What a used-up chain comes down to."""

import pytest

from domain.failures import FailureKind, Overflow, UpstreamAnswer, UpstreamFailure
from domain.routing.chain import Attempt
from domain.routing.gates import BarReason, Barred, Capability, WindowOverrun
from domain.routing.targets import Target
from domain.routing.verdict import Cause, Walk, refusal_in_words, verdict

_KINDS = FailureKind
_PAID = BarReason.PAID
_FORBIDDEN = BarReason.NOT_PERMITTED
_AWAY = BarReason.NOT_NEAR
_KEYLESS = BarReason.MISSING_CREDENTIAL
_BLIND = BarReason.NO_VISION
_UNABLE = BarReason.INCAPABLE
_SMALL = BarReason.CONTEXT_WINDOW
_LIMITED = BarReason.RATE_LIMITED


def walk(*kinds: FailureKind, barred: tuple[BarReason, ...] = ()) -> Walk:
    return Walk(
        profile="coding",
        attempts=tuple(
            Attempt(Target(f"p{n}", "m"), UpstreamFailure(kind, f"words {n}")) for n, kind in enumerate(kinds)
        ),
        barred=tuple(Barred(Target(f"b{n}", "m"), reason) for n, reason in enumerate(barred)),
    )


@pytest.mark.parametrize(
    ("story", "cause"),
    [
        (walk(_KINDS.UNREACHABLE, _KINDS.REQUEST_FAULT), Cause.REQUEST_FAULT),
        (walk(_KINDS.CONTEXT_OVERFLOW, _KINDS.CONTEXT_OVERFLOW), Cause.CONTEXT_OVERFLOW),
        (walk(_KINDS.CONTEXT_OVERFLOW, _KINDS.UNREACHABLE), Cause.UNAVAILABLE),
        (walk(barred=(_PAID, _PAID)), Cause.MONEY),
        (walk(barred=(_PAID, _KEYLESS)), Cause.CREDENTIALS),
        (walk(_KINDS.UNREACHABLE, barred=(_PAID,)), Cause.UNAVAILABLE),
        (walk(_KINDS.RATE_LIMITED, _KINDS.QUOTA), Cause.RATE_LIMITED),
        (walk(_KINDS.RATE_LIMITED, _KINDS.OVERLOADED), Cause.OVERLOADED),
        (walk(_KINDS.SLOW, _KINDS.SLOW), Cause.SLOW),
        (walk(_KINDS.SLOW, _KINDS.GARBLED), Cause.UNAVAILABLE),
        (walk(_KINDS.CREDENTIALS), Cause.CREDENTIALS),
        (walk(barred=(_KEYLESS,)), Cause.CREDENTIALS),
        (walk(), Cause.UNAVAILABLE),
        (walk(barred=(_SMALL, _SMALL)), Cause.CONTEXT_OVERFLOW),
        (walk(barred=(_SMALL, _PAID)), Cause.CONTEXT_OVERFLOW),
        (walk(_KINDS.CONTEXT_OVERFLOW, barred=(_SMALL,)), Cause.CONTEXT_OVERFLOW),
        (walk(_KINDS.UNREACHABLE, barred=(_SMALL,)), Cause.UNAVAILABLE),
        (walk(barred=(_FORBIDDEN, _AWAY)), Cause.FORBIDDEN),
        (walk(barred=(_AWAY, _BLIND, _PAID)), Cause.FORBIDDEN),
        (walk(_KINDS.UNREACHABLE, barred=(_AWAY,)), Cause.UNAVAILABLE),
        (walk(barred=(_BLIND,)), Cause.INCAPABLE),
        (walk(barred=(_UNABLE, _BLIND)), Cause.INCAPABLE),
        (walk(barred=(_BLIND, _PAID)), Cause.INCAPABLE),
        (walk(_KINDS.UNREACHABLE, barred=(_BLIND,)), Cause.UNAVAILABLE),
        (walk(_KINDS.OVERLOADED, barred=(_UNABLE,)), Cause.OVERLOADED),
        (walk(barred=(_LIMITED, BarReason.OUT_OF_QUOTA)), Cause.RATE_LIMITED),
        (walk(barred=(_LIMITED, _PAID, _SMALL)), Cause.RATE_LIMITED),
        (walk(_KINDS.QUOTA, barred=(_LIMITED, BarReason.QUEUE_FULL)), Cause.RATE_LIMITED),
        (walk(_KINDS.UNREACHABLE, barred=(_LIMITED,)), Cause.OVERLOADED),
        (walk(_KINDS.UNREACHABLE, barred=(BarReason.OUT_OF_QUOTA,)), Cause.UNAVAILABLE),
        (walk(barred=(BarReason.COOLING,)), Cause.OVERLOADED),
        (walk(_KINDS.CREDENTIALS, barred=(BarReason.MEMORY_PRESSURE,)), Cause.OVERLOADED),
        (walk(_KINDS.CONTEXT_OVERFLOW, barred=(BarReason.COOLING,)), Cause.OVERLOADED),
        (walk(barred=(BarReason.MISCONFIGURED, _KEYLESS)), Cause.CREDENTIALS),
        (walk(_KINDS.UNREACHABLE, barred=(BarReason.MISCONFIGURED,)), Cause.UNAVAILABLE),
        (walk(barred=(BarReason.MODEL_MISSING,)), Cause.UNAVAILABLE),
    ],
)
def test_the_first_cause_that_holds_is_the_cause(story: Walk, cause: Cause) -> None:
    assert verdict(story).cause is cause


def test_the_message_tells_every_attempt_and_every_refusal() -> None:
    message = verdict(walk(_KINDS.UNREACHABLE, _KINDS.GARBLED, barred=(_PAID,))).message

    assert "'coding'" in message
    assert "p0: words 0" in message
    assert "p1: words 1" in message
    assert "b0: not tried (it costs money" in message


def test_the_earliest_wish_to_be_left_alone_is_told() -> None:
    failures = [UpstreamFailure(_KINDS.RATE_LIMITED, "later", retry_after_s=s) for s in (30.0, 5.0)]
    attempts = tuple(Attempt(Target("p", "m"), failure) for failure in failures)

    assert verdict(Walk(profile="p", attempts=attempts, barred=())).retry_after_s == 5.0


def test_a_pause_that_has_begun_tells_when_to_ask_again_if_it_holds_for_all_who_were_tried() -> None:
    attempts = walk(_KINDS.RATE_LIMITED, _KINDS.MODEL_MISSING).attempts
    first, second = (
        Barred(attempt.target, _LIMITED, retry_after_s=after_s)
        for attempt, after_s in zip(attempts, (5.0, 60.0), strict=True)
    )

    def after_s(*paused: Barred) -> float | None:
        return verdict(Walk(profile="p", attempts=attempts, barred=(), paused=paused)).retry_after_s

    assert after_s(first, second) == 5.0
    assert after_s(second) is None  # the first may be asked at once


def test_the_only_attempt_is_relayed_and_one_of_several_is_not() -> None:
    answer = UpstreamAnswer(dialect="openai_chat", status=503, body=b"{}", headers={})
    failed = Attempt(Target("p", "m"), UpstreamFailure(_KINDS.OVERLOADED, "busy", status=503, answer=answer))

    alone = verdict(Walk(profile="p", attempts=(failed,), barred=()))
    among_others = verdict(Walk(profile="p", attempts=(failed, failed), barred=()))

    assert alone.relayed is answer
    assert alone.only_attempt
    assert among_others.relayed is None


def test_a_request_fault_is_relayed_however_many_were_tried() -> None:
    answer = UpstreamAnswer(dialect="openai_chat", status=400, body=b"{}", headers={})
    refused = UpstreamFailure(_KINDS.UNREACHABLE, "refused")
    fault = UpstreamFailure(_KINDS.REQUEST_FAULT, "400: bad tools", status=400, answer=answer)
    attempts = (Attempt(Target("p", "m"), refused), Attempt(Target("q", "m"), fault))

    told = verdict(Walk(profile="p", attempts=attempts, barred=()))

    assert told.relayed is answer
    assert told.message == "400: bad tools"


def refused(*barred: Barred) -> str:
    return verdict(Walk(profile="coding", attempts=(), barred=barred)).message


def test_a_prompt_that_is_too_long_is_told_in_numbers_with_the_most_that_would_fit() -> None:
    small = Barred(Target("a", "m"), _SMALL, overrun=WindowOverrun(tokens=9000, maximum=3000))
    large = Barred(Target("b", "m"), _SMALL, overrun=WindowOverrun(tokens=9000, maximum=8000))

    assert refused(small, large).startswith("9000 tokens > 8000 maximum")


def overflown(prompt_tokens: int | None, window: int | None) -> str:
    overflow = Overflow(prompt_tokens=prompt_tokens, window=window)
    failure = UpstreamFailure(_KINDS.CONTEXT_OVERFLOW, "too long", overflow=overflow)
    attempt = Attempt(Target("a", "m"), failure)
    return verdict(Walk(profile="coding", attempts=(attempt,), barred=())).message


def test_what_upstreams_said_of_a_prompt_that_is_too_long_is_told_in_numbers() -> None:
    assert overflown(84032, 8192).startswith("84032 tokens > 8192 maximum; no provider")


@pytest.mark.parametrize(("prompt_tokens", "window"), [(None, 8192), (9000, None), (1000, 8192)])
def test_numbers_that_explain_nothing_are_not_told(prompt_tokens: int | None, window: int | None) -> None:
    assert overflown(prompt_tokens, window).startswith("no provider")


def test_a_client_waits_for_whoever_is_back_first() -> None:
    soon = Barred(Target("a", "m"), _LIMITED, retry_after_s=7.0)
    late = Barred(Target("b", "m"), BarReason.OUT_OF_QUOTA, retry_after_s=3_600.0)

    assert verdict(Walk(profile="p", attempts=(), barred=(late, soon))).retry_after_s == 7.0


def test_what_a_target_lacks_is_named() -> None:
    blind = Barred(Target("a", "m"), _BLIND, detail="user message 2 holds an image")
    unable = Barred(Target("b", "m"), _UNABLE, lacks=(Capability.TOOLS, Capability.THINKING))

    message = refused(blind, unable)

    assert "a: not tried (its model cannot see images: user message 2 holds an image)" in message
    assert "b: not tried (its model lacks what the request needs: tools, thinking)" in message


def test_a_client_is_not_told_where_the_gateway_looks_for_its_keys() -> None:
    barred = Barred(Target("cloud", "m"), _KEYLESS, detail="CLOUD_API_KEY")

    told = verdict(Walk(profile="coding", attempts=(), barred=(barred,))).message

    assert "cloud: not tried (its API key is not set)" in told
    assert "CLOUD_API_KEY" not in told
    assert refusal_in_words(barred) == "its API key is not set: CLOUD_API_KEY"
