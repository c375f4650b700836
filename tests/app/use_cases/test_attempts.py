"""Whoever goes along with attempts sees each begin and end, once and on every exit."""

import asyncio
from contextlib import aclosing, suppress

import pytest

from app.use_cases.attempts import Ending
from domain.conversation.reply import Usage
from domain.events import Outcome, PaidProviderSkipped
from domain.failures import FailureKind, UpstreamFailure
from domain.routing.gates import BarReason
from domain.routing.targets import Timeouts
from domain.routing.verdict import Cause, ChainFailed
from tests.app.use_cases.conversing import END, HELLO, ROLE, House, answering, house
from tests.fakes.recording_companion import RecordingCompanion
from tests.fakes.scripted_provider import Act, ScriptedProvider, Silence

OVERLOADED = UpstreamFailure(FailureKind.OVERLOADED, "busy", status=503)


def accompanied(*acts: Act, timeouts: Timeouts | None = None) -> tuple[House, RecordingCompanion]:
    companion = RecordingCompanion()
    given = house(only=ScriptedProvider(acts), companions=(companion,), timeouts=timeouts)
    return given, companion


async def all_of(given: House) -> None:
    async with aclosing(await given.ask()) as reply:
        async for _ in reply:
            pass


async def test_an_answer_that_is_complete_ends_its_attempt_with_what_was_seen() -> None:
    given, companion = accompanied(ROLE, HELLO, END)

    await all_of(given)

    (ending,) = companion.endings
    assert ending == Ending(
        outcome=Outcome.ANSWERED,
        usage=Usage(input_tokens=7, output_tokens=3),
        finished=True,
        characters=5,
        ttft_s=0.0,
    )


async def test_each_attempt_of_a_walk_ends_by_itself() -> None:
    companion = RecordingCompanion()
    given = house(bad=ScriptedProvider((OVERLOADED,)), good=answering(), companions=(companion,))

    await all_of(given)

    assert [ticket.attempting.target.provider for ticket in companion.tickets] == ["bad", "good"]
    assert [ending.outcome for ending in companion.endings] == [Outcome.FAILED, Outcome.ANSWERED]
    assert companion.endings[0].failure is OVERLOADED


async def test_an_answer_that_breaks_off_is_held_against_its_attempt() -> None:
    given, companion = accompanied(ROLE, HELLO)

    with suppress(UpstreamFailure):
        await all_of(given)

    (ending,) = companion.endings
    assert ending.outcome is Outcome.BROKEN_OFF
    assert ending.failure is not None
    assert ending.failure.kind is FailureKind.BROKEN_OFF


async def test_a_client_that_leaves_in_the_midst_of_an_answer_is_nobodys_failure() -> None:
    given, companion = accompanied(ROLE, HELLO, Silence())

    async with aclosing(await given.ask()):
        pass

    (ending,) = companion.endings
    assert (ending.outcome, ending.failure, ending.characters) == (Outcome.CLIENT_LEFT, None, 5)


async def test_a_client_that_leaves_before_the_answer_ends_the_attempt_too() -> None:
    provider = ScriptedProvider((Silence(),))
    companion = RecordingCompanion()
    given = house(only=provider, companions=(companion,))
    asking = asyncio.create_task(given.ask())
    await provider.asked.wait()

    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    (ending,) = companion.endings
    assert (ending.outcome, ending.failure, ending.ttft_s) == (Outcome.CLIENT_LEFT, None, None)


async def test_a_target_that_is_refused_when_its_turn_has_come_is_passed_by() -> None:
    companion = RecordingCompanion(refuses={"first": BarReason.PAID})
    first = answering()
    given = house(first=first, second=answering(), companions=(companion,))

    async with aclosing(await given.ask()) as reply:
        assert reply.facts.target.provider == "second"

    assert first.calls == []
    assert [event.provider for event in given.sink.of(PaidProviderSkipped)] == ["first"]


async def test_refusals_at_the_last_moment_count_in_the_verdict() -> None:
    given = house(only=answering(), companions=(RecordingCompanion(refuses={"only": BarReason.PAID}),))

    with pytest.raises(ChainFailed) as caught:
        await given.ask()

    assert caught.value.verdict.cause is Cause.MONEY


async def test_who_admitted_an_attempt_learns_that_another_refused_it() -> None:
    willing = RecordingCompanion()
    unwilling = RecordingCompanion(refuses={"only": BarReason.PAID})
    given = house(only=answering(), companions=(willing, unwilling))

    with pytest.raises(ChainFailed):
        await given.ask()

    assert [ending.sent for ending in willing.endings] == [False]


async def test_a_client_that_leaves_the_queue_leaves_nothing_behind() -> None:
    willing = RecordingCompanion()
    slow = RecordingCompanion(stalls={"only"})
    provider = answering()
    given = house(only=provider, companions=(willing, slow))
    asking = asyncio.create_task(given.ask())
    await slow.waiting.wait()

    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert [ending.sent for ending in willing.endings] == [False]
    assert provider.calls == []
