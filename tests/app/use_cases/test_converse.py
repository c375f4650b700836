"""The walk over a chain: what moves it on, what it tells, and what it leaves behind."""

import asyncio
from collections.abc import AsyncGenerator
from typing import cast

import pytest

from domain.conversation.reply import (
    Batch,
    Finished,
    PartEnded,
    RedactedThinking,
    RefusalDelta,
    ReplyEvent,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
    Wire,
)
from domain.conversation.request import MalformedRequest
from domain.events import (
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    ChainUniformAuthFailure,
    FallbackOccurred,
)
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import ChatProvider, ProviderCall
from domain.routing.targets import Capabilities, Timeouts
from domain.routing.verdict import Cause, ChainFailed
from tests.app.use_cases.conversing import ANSWER, END, HELLO, ROLE, answering, house
from tests.fakes.scripted_provider import Pause, ScriptedProvider, Silence


def failing(kind: FailureKind = FailureKind.OVERLOADED, status: int | None = 503) -> ScriptedProvider:
    return ScriptedProvider([UpstreamFailure(kind, "it failed", status=status)])


async def test_the_first_that_answers_is_the_one_and_no_other_is_asked() -> None:
    first, second = answering(), answering()

    reply = await house(first=first, second=second).ask()
    await reply.aclose()

    assert reply.facts.target.provider == "first"
    assert (reply.facts.attempts, reply.facts.fallback_reason) == (1, "")
    assert second.calls == []


async def test_a_failure_moves_on_and_each_step_is_told() -> None:
    given = house(first=failing(), second=failing(FailureKind.UNREACHABLE, None), third=answering())

    reply = await given.ask()
    await reply.aclose()

    assert (reply.facts.attempts, reply.facts.fallback_reason) == (3, "unreachable")
    assert [type(event) for event in given.sink.events[:8]] == [
        AttemptStarted,
        AttemptFailed,
        FallbackOccurred,
        AttemptStarted,
        AttemptFailed,
        FallbackOccurred,
        AttemptStarted,
        AttemptSucceeded,
    ]
    assert [(e.failure, e.status) for e in given.sink.of(AttemptFailed)] == [
        ("overloaded", 503),
        ("unreachable", None),
    ]
    assert [(e.from_provider, e.to_provider) for e in given.sink.of(FallbackOccurred)] == [
        ("first", "second"),
        ("second", "third"),
    ]


async def test_a_fault_of_the_request_ends_the_walk() -> None:
    second = answering()
    given = house(first=failing(FailureKind.REQUEST_FAULT, 400), second=second)

    with pytest.raises(ChainFailed) as caught:
        await given.ask()

    assert caught.value.verdict.cause is Cause.REQUEST_FAULT
    assert [event.retryable for event in given.sink.of(AttemptFailed)] == [False]
    assert second.calls == []


async def test_a_request_that_cannot_be_said_ends_the_walk_and_the_attempt() -> None:
    second = answering()
    given = house(first=ScriptedProvider([MalformedRequest("n", "one answer only")]), second=second)

    with pytest.raises(MalformedRequest):
        await given.ask()

    assert len(given.sink.of(AttemptStarted)) == 1
    (failed,) = given.sink.of(AttemptFailed)
    assert (failed.failure, failed.status, failed.retryable) == ("request-fault", None, False)
    assert "one answer only" in failed.error
    assert second.calls == []


CONTENT: list[ReplyEvent] = [
    TextDelta("a"),
    ThinkingDelta("a"),
    RefusalDelta("a"),
    RedactedThinking("a"),
    ToolCallStarted(0, "a", "b"),
]
NOT_CONTENT: list[ReplyEvent] = [
    TextDelta(""),
    ThinkingDelta(""),
    PartEnded(),
    UsageReported(Usage()),
    Finished(StopReason.END_TURN),
]


NOTHING = Batch((TextDelta(""),))


@pytest.mark.parametrize("event", CONTENT)
async def test_content_commits(event: ReplyEvent) -> None:
    first = ScriptedProvider([ROLE, Batch((event,)), UpstreamFailure(FailureKind.BROKEN_OFF, "cut")])

    reply = await house(first=first, second=answering()).ask()
    await reply.aclose()

    assert reply.facts.target.provider == "first"


@pytest.mark.parametrize("event", NOT_CONTENT)
async def test_what_a_client_would_not_see_does_not_commit(event: ReplyEvent) -> None:
    first = ScriptedProvider([ROLE, Batch((event,)), UpstreamFailure(FailureKind.BROKEN_OFF, "cut")])

    reply = await house(first=first, second=answering()).ask()
    await reply.aclose()

    assert reply.facts.target.provider == "second"
    assert reply.facts.fallback_reason == "garbled"
    assert first.all_ended


async def test_an_answer_without_content_is_none() -> None:
    reply = await house(first=ScriptedProvider([ROLE, END]), second=answering()).ask()
    await reply.aclose()

    assert reply.facts.fallback_reason == "garbled"


@pytest.mark.parametrize(
    ("script", "timeouts", "words"),
    [
        ([Silence()], Timeouts(ttft_s=0.02), "no content within 0.02 s"),
        ([ROLE, Silence()], Timeouts(ttft_s=0.02), "no content within 0.02 s"),
        ([ROLE, Silence()], Timeouts(ttft_s=60, idle_s=0.02), "silent for 0.02 s before any content"),
        ([ROLE, *[Pause(0.01), NOTHING] * 100], Timeouts(ttft_s=0.05, idle_s=60), "no content within 0.05 s"),
        (
            [Silence()],
            Timeouts(ttft_s=60, idle_s=60, total_s=0.02),
            "no content within the 0.02 s of the whole answer",
        ),
    ],
    ids=["silence", "silence after the role", "idle", "busy without content", "total"],
)
async def test_a_target_that_takes_too_long_to_begin_is_left_and_told_by_its_deadline(
    script: list[Batch], timeouts: Timeouts, words: str
) -> None:
    first = ScriptedProvider(script)
    given = house(first=first, second=answering(), timeouts=timeouts)

    reply = await given.ask()
    await reply.aclose()

    assert reply.facts.fallback_reason == "slow"
    assert given.sink.of(AttemptFailed)[0].error == words
    assert first.all_ended


async def test_before_the_first_sign_of_life_only_the_first_deadline_counts() -> None:
    """A model that is being loaded is silent for longer than an answer may be."""
    first = ScriptedProvider([Pause(0.1), *ANSWER])

    reply = await house(first=first, timeouts=Timeouts(ttft_s=60, idle_s=0.02)).ask()
    await reply.aclose()

    assert reply.facts.attempts == 1


class Odd:
    """An adapter that keeps no promise: it fails where and how it likes."""

    def __init__(self, error: BaseException, *, at_once: bool) -> None:
        self._error = error
        self._at_once = at_once

    def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        if self._at_once:
            raise self._error
        return self._answer()

    async def _answer(self) -> AsyncGenerator[Batch, None]:
        yield ROLE
        raise self._error


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(
    "error",
    [
        KeyError("choices"),
        ZeroDivisionError(),
        TimeoutError(),
        SystemExit(1),
        asyncio.CancelledError(),
        ExceptionGroup("both", [ValueError("one"), ValueError("two")]),
        RecursionError(),
        StopIteration(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_an_adapter_raises_is_a_failed_attempt(error: BaseException, at_once: bool) -> None:
    given = house(first=Odd(error, at_once=at_once), second=answering())

    reply = await given.ask()
    await reply.aclose()

    assert reply.facts.target.provider == "second"
    (failed,) = given.sink.of(AttemptFailed)
    assert failed.failure == "adapter-fault"


@pytest.mark.parametrize("yielded", ["text", None, 7, {"choices": []}])
async def test_an_adapter_that_yields_something_else_is_at_fault(yielded: object) -> None:
    first = ScriptedProvider([ROLE])

    class Wrong:
        async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
            yield cast("Batch", yielded)

    given = house(first=Wrong(), second=answering())
    reply = await given.ask()
    await reply.aclose()

    assert first.calls == []
    assert [event.failure for event in given.sink.of(AttemptFailed)] == ["adapter-fault"]


async def test_something_that_is_no_adapter_at_all_is_at_fault() -> None:
    given = house(first=cast("ChatProvider", object()), second=answering())

    reply = await given.ask()
    await reply.aclose()

    assert [event.failure for event in given.sink.of(AttemptFailed)] == ["adapter-fault"]


async def test_a_client_that_leaves_before_the_answer_begins_frees_the_provider() -> None:
    first, second = ScriptedProvider([ROLE, Silence()]), answering()
    given = house(first=first, second=second)
    waiting = asyncio.create_task(given.ask())
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert first.all_ended
    assert second.calls == []
    assert given.sink.of(AttemptFailed) == []


async def test_everyone_refusing_the_key_in_the_same_way_looks_like_a_mistake_of_ours() -> None:
    refusals = [failing(FailureKind.CREDENTIALS, 401) for _ in range(2)]
    given = house(first=refusals[0], second=refusals[1])

    with pytest.raises(ChainFailed):
        await given.ask()

    (event,) = given.sink.of(ChainUniformAuthFailure)
    assert (event.status, event.count, event.providers) == (401, 2, ("first", "second"))


async def test_a_call_says_what_the_target_needs_to_know() -> None:
    first = answering()
    given = house(
        first=first,
        specs={"first": {"append_system_prompt": "Be brief."}},
        timeouts=Timeouts(connect_s=3),
    )

    await (await given.ask()).aclose()

    (played,) = first.calls
    assert played.call.model == "first-model"
    assert played.call.system_suffix == "Be brief."
    assert played.call.connect_timeout_s == 3
    assert played.call.stream


async def test_a_provider_that_cannot_stream_is_not_asked_to() -> None:
    first = answering()
    given = house(first=first, specs={"first": {"capabilities": Capabilities(streaming=False)}})

    await (await given.ask()).aclose()

    assert not first.calls[0].call.stream


async def test_nobody_to_ask_is_a_verdict_of_its_own() -> None:
    given = house(first=answering(), without_credential=["first"])

    with pytest.raises(ChainFailed, match="its API key is not set") as caught:
        await given.ask()

    assert caught.value.verdict.cause is Cause.CREDENTIALS


async def test_the_time_to_the_first_content_is_measured() -> None:
    given = house(first=ScriptedProvider([HELLO, END]))

    await (await given.ask()).aclose()

    (succeeded,) = given.sink.of(AttemptSucceeded)
    assert succeeded.ttft_ms == 0.0  # the clock stands still


async def test_what_shapes_the_reply_stands_before_anybody_is_asked() -> None:
    first = answering()
    given = house(first=first, specs={"first": {"output_filters": ("nonsense",)}})

    with pytest.raises(KeyError, match="nonsense"):
        await given.ask()

    assert first.calls == []


EMPTY = Batch((TextDelta(""),))
BULK = Batch((), Wire("openai_chat", b":" * 200_000))


@pytest.mark.parametrize("batch", [EMPTY, BULK], ids=["batches", "bytes"])
async def test_an_answer_that_goes_on_without_content_is_left(batch: Batch) -> None:
    """What comes before the first content is kept; an upstream must not decide how much that is."""
    first = ScriptedProvider([batch] * 20_000)
    given = house(first=first, second=answering())

    reply = await given.ask()
    await reply.aclose()

    assert reply.facts.fallback_reason == "garbled"
    assert first.calls[0].batches <= (10_001 if batch is EMPTY else 6)
    assert "without any content" in given.sink.of(AttemptFailed)[0].error


async def test_many_pings_before_the_content_are_not_too_many() -> None:
    ping = Batch((), Wire("openai_chat", b": ping\n\n"))
    first = ScriptedProvider([*[ping] * 9_000, *ANSWER])

    reply = await house(first=first).ask()
    await reply.aclose()

    assert reply.facts.attempts == 1
