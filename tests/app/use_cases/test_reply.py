"""An answer that has begun: told to its end, or said to have broken off; closed in any case."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import monotonic
from typing import cast

import pytest

from app.use_cases.reply import Reply
from domain.conversation.parts import Text, ToolCall
from domain.conversation.reply import (
    Batch,
    Finished,
    PartEnded,
    ReplyEvent,
    StopReason,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
    Wire,
)
from domain.events import AnswerFailedMidstream, Outcome
from domain.failures import FailureKind, UpstreamFailure
from domain.inventory.requests import ReplyBrokenOff
from domain.ports.providers import ProviderCall
from domain.routing.targets import BrokenStreamAction, Timeouts
from domain.routing.verdict import ChainFailed
from tests.app.use_cases.conversing import ANSWER, END, HELLO, ROLE, WORLD, House, house
from tests.fakes.scripted_provider import Act, Pause, ScriptedProvider, Silence

PATIENT = Timeouts()


def answered_by(*acts: Act, timeouts: Timeouts = PATIENT) -> tuple[House, ScriptedProvider]:
    provider = ScriptedProvider(acts)
    return house(only=provider, timeouts=timeouts), provider


async def told(reply: Reply) -> list[Batch]:
    return [batch async for batch in reply]


async def test_nothing_that_was_held_back_is_lost() -> None:
    given, provider = answered_by(*ANSWER)

    async with aclosing(await given.ask()) as reply:
        assert await told(reply) == list(ANSWER)

    assert reply.outcome is Outcome.ANSWERED
    assert reply.usage == Usage(input_tokens=7, output_tokens=3)
    assert reply.model == "real-model"
    assert provider.all_ended
    assert given.sink.of(ReplyBrokenOff) == []


async def test_a_whole_answer_is_the_stream_folded() -> None:
    call = ToolCall(id="c", name="ls", arguments='{"a":1}')
    given, _ = answered_by(
        ROLE,
        HELLO,
        WORLD,
        Batch((ToolCallStarted(0, "c", "ls"), ToolCallDelta(0, '{"a"'))),
        Batch((ToolCallDelta(0, ":1}"), Finished(StopReason.TOOL_CALLS))),
    )

    async with aclosing(await given.ask()) as reply:
        completion = await reply.whole()

    (choice,) = completion.choices
    assert choice.parts == (Text(text="Hello, world"), call)
    assert choice.finish == Finished(StopReason.TOOL_CALLS)
    assert (completion.id, completion.model) == ("id-1", "real-model")


async def broken(given: House) -> str:
    """How it broke off; everything about it is told once."""
    async with aclosing(await given.ask()) as reply:
        with pytest.raises(UpstreamFailure) as caught:
            await told(reply)
    assert caught.value.kind is FailureKind.BROKEN_OFF
    assert reply.outcome is Outcome.BROKEN_OFF
    (failed,) = given.sink.of(AnswerFailedMidstream)
    (ended,) = given.sink.of(ReplyBrokenOff)
    assert failed.error == ended.reason == caught.value.message
    return caught.value.message


async def test_an_adapter_that_stops_without_a_word_of_the_end_broke_off() -> None:
    given, _ = answered_by(ROLE, HELLO)

    assert "without a word that it is complete" in await broken(given)


@pytest.mark.parametrize(
    "error",
    [UpstreamFailure(FailureKind.OVERLOADED, "no more"), KeyError("no more"), TimeoutError("no more")],
    ids=lambda error: type(error).__name__,
)
async def test_any_error_in_the_midst_is_told_as_a_broken_answer(error: Exception) -> None:
    given, provider = answered_by(ROLE, HELLO, error)

    assert "no more" in await broken(given)
    assert provider.all_ended


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError("its own")])
async def test_an_adapter_cannot_end_more_than_its_own_answer(error: BaseException) -> None:
    class Fatal:
        async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
            yield HELLO
            raise error

    assert type(error).__name__ in await broken(house(only=Fatal()))


async def test_silence_in_the_midst_breaks_it_off() -> None:
    given, provider = answered_by(ROLE, HELLO, Silence(), timeouts=Timeouts(idle_s=0.02))

    assert await broken(given) == "silent for 0.02 s in the midst of the answer"
    assert provider.all_ended


async def test_an_answer_that_outlasts_its_total_time_breaks_off_however_busy() -> None:
    more: list[Act] = [Pause(0.01), WORLD]
    given, _ = answered_by(HELLO, *more * 200, timeouts=Timeouts(idle_s=60, total_s=0.1))

    assert await broken(given) == "the answer was not complete within 0.1 s"


async def test_a_slow_client_does_not_count_as_a_silent_upstream() -> None:
    given, _ = answered_by(*ANSWER, timeouts=Timeouts(idle_s=0.05))

    async with aclosing(await given.ask()) as reply:
        async for _ in reply:
            await asyncio.sleep(0.1)

    assert reply.outcome is Outcome.ANSWERED


async def test_an_answer_that_makes_no_sense_as_a_whole_broke_off() -> None:
    given, _ = answered_by(HELLO, Batch((ToolCallDelta(7, "{"),)), END)

    async with aclosing(await given.ask()) as reply:
        with pytest.raises(UpstreamFailure, match="makes no sense"):
            await reply.whole()

    assert reply.outcome is Outcome.BROKEN_OFF


async def test_batches_that_are_none_break_it_off() -> None:
    given, _ = answered_by(HELLO, cast("Batch", UpstreamFailure(FailureKind.GARBLED, "nonsense")))

    assert await broken(given) == "nonsense"


async def test_a_reader_who_leaves_closes_the_provider() -> None:
    given, provider = answered_by(ROLE, HELLO, Silence())

    async with aclosing(await given.ask()) as reply:
        await anext(reply)

    assert provider.all_ended
    assert reply.outcome is Outcome.CLIENT_LEFT
    assert [event.reason for event in given.sink.of(ReplyBrokenOff)] == ["the client left"]


async def left_by_its_reader(reply: Reply) -> None:
    """Whoever reads it is cancelled a moment later."""

    async def read() -> None:
        async with aclosing(reply):
            await told(reply)

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.02)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_cancelling_the_reader_closes_the_provider() -> None:
    given, provider = answered_by(ROLE, HELLO, Silence())
    reply = await given.ask()

    await left_by_its_reader(reply)

    assert provider.all_ended
    assert reply.outcome is Outcome.CLIENT_LEFT
    assert given.sink.of(AnswerFailedMidstream) == []


STOPPED = Batch((Finished(StopReason.END_TURN),))
COUNTED = Batch((UsageReported(Usage(input_tokens=7, output_tokens=3)),))


async def test_a_reader_who_leaves_when_the_model_has_stopped_does_not_cut_off_the_count() -> None:
    given, provider = answered_by(ROLE, HELLO, STOPPED, Pause(0.1), COUNTED, Silence())
    reply = await given.ask()

    await left_by_its_reader(reply)

    assert reply.usage == Usage(input_tokens=7, output_tokens=3)
    assert reply.outcome is Outcome.CLIENT_LEFT
    assert provider.all_ended


async def test_a_reader_who_takes_no_more_when_the_model_has_stopped_does_not_either() -> None:
    given, provider = answered_by(ROLE, HELLO, STOPPED, Pause(0.02), COUNTED)

    async with aclosing(await given.ask()) as reply:
        for _ in range(3):
            await anext(reply)

    assert reply.usage == Usage(input_tokens=7, output_tokens=3)
    assert provider.all_ended


async def test_a_count_that_does_not_come_is_waited_for_half_a_second() -> None:
    given, provider = answered_by(ROLE, HELLO, STOPPED, Silence())
    reply = await given.ask()

    left_at = monotonic()
    await left_by_its_reader(reply)

    assert 0.4 < monotonic() - left_at < 1.0
    assert provider.all_ended


@pytest.mark.parametrize(
    "acts",
    [(ROLE, HELLO, Silence()), (ROLE, HELLO, COUNTED, STOPPED, Silence())],
    ids=["in the midst", "when all is counted"],
)
async def test_nothing_is_waited_for_where_no_count_is_due(acts: tuple[Act, ...]) -> None:
    given, provider = answered_by(*acts)
    reply = await given.ask()

    left_at = monotonic()
    await left_by_its_reader(reply)

    assert monotonic() - left_at < 0.3
    assert provider.all_ended


async def test_a_server_that_stops_waits_for_no_count() -> None:
    given, provider = answered_by(ROLE, HELLO, STOPPED, Silence())
    reply = await given.ask()

    async def read() -> None:
        async with aclosing(reply):
            await told(reply)

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.02)
    reading.cancel()
    await asyncio.sleep(0.02)
    reading.cancel()
    left_at = monotonic()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert monotonic() - left_at < 0.3
    assert provider.all_ended


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError("its own"), KeyError("no more")])
@pytest.mark.parametrize("left", [False, True])
async def test_an_adapter_that_fails_after_the_model_has_stopped_ends_only_its_answer(
    error: BaseException, left: bool
) -> None:
    class Fatal:
        async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
            yield HELLO
            yield STOPPED
            await asyncio.sleep(0.05)
            raise error

    given = house(only=Fatal())
    if not left:
        assert type(error).__name__ in await broken(given)
        return
    reply = await given.ask()
    await left_by_its_reader(reply)
    assert reply.outcome is Outcome.CLIENT_LEFT


async def test_a_provider_is_closed_exactly_once() -> None:
    closings: list[str] = []

    class Counting:
        async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
            try:
                yield HELLO
                yield END
            finally:
                closings.append("closed")

    async with aclosing(await house(only=Counting()).ask()) as reply:
        await told(reply)

    assert closings == ["closed"]


async def test_a_provider_that_fails_to_close_does_no_harm() -> None:
    class Stubborn:
        async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
            try:
                yield Batch((TextDelta("a"),))
                yield END
            finally:
                raise OSError("cannot close")

    async with aclosing(await house(only=Stubborn()).ask()) as reply:
        await anext(reply)

    assert reply.outcome is Outcome.CLIENT_LEFT


FATAL = [SystemExit(3), asyncio.CancelledError("its own")]


class Violent:
    """An adapter that answers and, when it is closed, tries to take the whole gateway along."""

    def __init__(self, error: BaseException, *batches: Batch) -> None:
        self._error = error
        self._batches = batches

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        try:
            for batch in self._batches:
                yield batch
        finally:
            raise self._error


@pytest.mark.parametrize("error", FATAL, ids=lambda error: type(error).__name__)
async def test_closing_an_adapter_in_the_midst_ends_only_its_answer(error: BaseException) -> None:
    reply = await house(only=Violent(error, HELLO, END)).ask()

    await anext(reply)
    await reply.aclose()

    assert reply.outcome is Outcome.CLIENT_LEFT


@pytest.mark.parametrize("error", FATAL, ids=lambda error: type(error).__name__)
async def test_closing_an_adapter_before_content_ends_only_its_attempt(error: BaseException) -> None:
    given = house(only=Violent(error, ROLE, cast("Batch", "text"), HELLO))

    with pytest.raises(ChainFailed):
        await given.ask()


@pytest.mark.parametrize(
    "odd",
    [
        "text",
        None,
        Batch(cast("tuple[ReplyEvent]", None)),
        Batch(cast("tuple[ReplyEvent]", ("text",))),
        Batch((TextDelta(cast("str", None)),)),
        Batch((TextDelta("a"),), cast("Wire", b"bytes")),
        Batch((ToolCallDelta(7, "{"),)),
        Batch((PartEnded(call=7),)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("begun", [True, False])
async def test_an_adapter_that_gives_something_else_fails_and_nobody_else(odd: object, begun: bool) -> None:
    class Odd:
        async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
            yield HELLO if begun else ROLE
            yield cast("Batch", odd)
            yield END

    given = house(only=Odd())
    if begun:
        assert "the a" in await broken(given)  # the adapter gave …, the answer makes no sense
        return
    with pytest.raises(ChainFailed):
        await given.ask()


async def test_an_answer_that_cannot_be_told_as_a_whole_broke_off() -> None:
    given, _ = answered_by(HELLO, Batch((TextDelta("a", choice=cast("int", None)),)), END)

    async with aclosing(await given.ask()) as reply:
        with pytest.raises(UpstreamFailure, match="makes no sense"):
            await reply.whole()

    assert reply.outcome is Outcome.BROKEN_OFF


async def test_an_answer_that_makes_no_sense_is_never_said_to_end_as_cut() -> None:
    senseless = Batch((TextDelta("a", choice=cast("int", None)),))
    only = ScriptedProvider((HELLO, senseless, END))
    given = house(only=only, on_broken_stream=BrokenStreamAction.SURFACE)

    async with aclosing(await given.ask()) as reply:
        with pytest.raises(UpstreamFailure, match="makes no sense"):
            await reply.whole()

    assert [event.surfaced for event in given.sink.of(ReplyBrokenOff)] == [False]


async def test_an_answer_without_end_is_not_gathered_for_ever() -> None:
    """A client that asked for a whole answer must not cost the gateway all its memory."""
    page = Batch((TextDelta("x" * 1024 * 1024),))
    given, provider = answered_by(*[page] * 100, END)

    async with aclosing(await given.ask()) as reply:
        with pytest.raises(UpstreamFailure, match="too large"):
            await reply.whole()

    assert provider.calls[0].batches < 70
    assert reply.outcome is Outcome.BROKEN_OFF
