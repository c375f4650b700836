"""Plans of providers are kept to, and remembered."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from itertools import count

import pytest

from app.use_cases.admission import Admission
from app.use_cases.quotas import Quotas
from domain.admission.quota import Per, Quota, Unit
from domain.conversation.reply import Batch, Finished, StopReason, TextDelta, Usage, UsageReported
from domain.failures import FailureKind, UpstreamFailure
from domain.inventory.admission import QuotaExhaustedProviderSkipped
from domain.ports.storage import Counted, StoreUnavailable
from domain.routing.targets import Room
from domain.routing.verdict import Cause, ChainFailed
from infrastructure.state.memory import MemoryStore, SharedMemory
from tests.app.use_cases.conversing import ANSWER, END, HELLO, ROLE, House, answering, house
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.scripted_provider import Pause, ScriptedProvider

NOON = 1_800_014_400.0  # 2027-01-15T12:00:00Z
DAILY = Quota(unit=Unit.REQUESTS, allowed=2, per=Per.DAY)


_ONCE = count()


def names() -> Callable[[], str]:
    """No two of any process are the same."""
    return map(str, _ONCE).__next__


class Planned:
    """A free provider with a plan, and one behind it."""

    def __init__(
        self, quota: Quota, free: ScriptedProvider | None = None, memory: SharedMemory | None = None
    ) -> None:
        self.clock = FixedClock(time_s=NOON)
        store = MemoryStore(self.clock, memory)
        self.quotas = Quotas({"free": (quota,)}, store, self.clock, fresh_name=names())
        self.house: House = house(
            free=free or answering(),
            spare=answering(),
            companions=(self.quotas,),
            gates=(self.quotas.gate,),
        )

    async def answered_by(self) -> str:
        async with aclosing(await self.house.ask()) as reply:
            async for _ in reply:
                pass
        return reply.facts.target.provider


async def test_a_plan_that_is_used_up_is_left_alone_until_it_begins_anew() -> None:
    planned = Planned(DAILY)

    assert [await planned.answered_by() for _ in range(3)] == ["free", "free", "spare"]
    (told,) = planned.house.sink.of(QuotaExhaustedProviderSkipped)
    assert (told.provider, told.unit, told.period, told.allowed, told.used) == (
        "free",
        "requests",
        "day",
        2,
        2,
    )
    assert told.resets_at == "2027-01-16T00:00:00Z"
    planned.clock.advance(12 * 3600)
    assert await planned.answered_by() == "free"


async def test_tokens_are_counted_as_the_provider_does() -> None:
    planned = Planned(Quota(unit=Unit.TOKENS, allowed=15, per=Per.MINUTE))

    assert [await planned.answered_by() for _ in range(3)] == ["free", "free", "spare"]


async def test_tokens_that_a_cache_made_cheap_are_used_all_the_same() -> None:
    usage = Usage(input_tokens=1, output_tokens=1, cache_read_tokens=6, cache_creation_tokens=2)
    free = ScriptedProvider((ROLE, HELLO, Batch((Finished(StopReason.END_TURN), UsageReported(usage)))))
    planned = Planned(Quota(unit=Unit.TOKENS, allowed=15, per=Per.MINUTE), free)

    assert [await planned.answered_by() for _ in range(3)] == ["free", "free", "spare"]


async def test_tokens_that_nobody_reports_are_estimated() -> None:
    said = Batch((TextDelta("word " * 12),))
    free = ScriptedProvider((ROLE, said, Batch((Finished(StopReason.END_TURN),))))
    planned = Planned(Quota(unit=Unit.TOKENS, allowed=30, per=Per.MINUTE), free)

    assert [await planned.answered_by() for _ in range(3)] == ["free", "free", "spare"]


async def test_an_answer_that_nobody_heard_out_has_used_what_was_heard() -> None:
    free = ScriptedProvider((ROLE, Batch((TextDelta("word " * 12),)), END))
    planned = Planned(Quota(unit=Unit.TOKENS, allowed=15, per=Per.MINUTE), free)
    async with aclosing(await planned.house.ask()) as reply:
        await anext(aiter(reply))

    assert await planned.answered_by() == "spare"


async def test_a_refusal_gives_nothing_back_to_a_minute_that_it_was_not_taken_from() -> None:
    refused = UpstreamFailure(FailureKind.RATE_LIMITED, "slow down", status=429)
    free = ScriptedProvider(*[(Pause(0.05), refused)] * 3, ANSWER)
    planned = Planned(Quota(unit=Unit.REQUESTS, allowed=3, per=Per.MINUTE, failed_count=False), free)
    asked = [asyncio.create_task(planned.answered_by()) for _ in range(3)]
    while len(free.calls) < 3:  # noqa: ASYNC110  nobody tells
        await asyncio.sleep(0)

    planned.clock.advance(60.0)

    assert await asyncio.gather(*asked) == ["spare"] * 3
    assert [await planned.answered_by() for _ in range(4)] == ["free"] * 3 + ["spare"]


@pytest.mark.parametrize(("failed_count", "then"), [(True, "spare"), (False, "free")])
async def test_refused_requests_count_where_the_plan_says_so(failed_count: bool, then: str) -> None:
    refused = UpstreamFailure(FailureKind.RATE_LIMITED, "slow down", status=429)
    free = ScriptedProvider((refused,), (refused,), ANSWER)
    planned = Planned(Quota(unit=Unit.REQUESTS, allowed=2, per=Per.DAY, failed_count=failed_count), free)
    for _ in range(2):
        assert await planned.answered_by() == "spare"

    assert await planned.answered_by() == then


async def test_where_nobody_else_can_answer_the_client_is_told_when_to_come_back() -> None:
    clock = FixedClock(time_s=NOON)
    quotas = Quotas({"free": (DAILY,)}, MemoryStore(clock), clock, fresh_name=names())
    alone = house(free=answering(), companions=(quotas,), gates=(quotas.gate,))
    for _ in range(2):
        async with aclosing(await alone.ask()):
            pass

    with pytest.raises(ChainFailed) as caught:
        await alone.ask()

    verdict = caught.value.verdict
    assert verdict.cause is Cause.RATE_LIMITED
    assert verdict.retry_after_s == 12 * 3600
    assert "2 of 2 requests a day" in verdict.message


async def test_who_waited_for_a_turn_does_not_use_what_others_have_used_up_meanwhile() -> None:
    clock = FixedClock(time_s=NOON)
    quotas = Quotas({"free": (DAILY,)}, MemoryStore(clock), clock, fresh_name=names())
    queue = Admission({"free": Room(most_at_once=1)}, {}, (), RecordingSink(), FixedClock())
    busy = house(free=answering(), spare=answering(), companions=(queue, quotas), gates=(quotas.gate,))
    answered_by = []

    async def one() -> None:
        async with aclosing(await busy.ask()) as reply:
            answered_by.append(reply.facts.target.provider)
            await asyncio.sleep(0)

    await asyncio.gather(*(one() for _ in range(8)))

    assert sorted(answered_by) == ["free"] * 2 + ["spare"] * 6
    assert {told.used for told in busy.sink.of(QuotaExhaustedProviderSkipped)} == {2}
    assert queue.doors["free"].queue.wanted == 0


async def test_what_is_used_outlives_the_gateway_and_is_known_to_others() -> None:
    memory = SharedMemory()
    before = Planned(DAILY, memory=memory)
    await before.answered_by()
    await before.answered_by()
    await before.quotas.share()

    after = Planned(DAILY, memory=memory)
    await after.quotas.share()

    assert await after.answered_by() == "spare"


async def test_what_a_plan_has_left_is_told_before_anybody_is_refused() -> None:
    planned = Planned(DAILY)
    seen = []
    for _ in range(3):
        (standing,) = planned.quotas.standings()
        seen.append((standing.used, standing.left, standing.is_used_up))
        await planned.answered_by()

    assert seen == [(0, 2, False), (1, 1, False), (2, 0, True)]
    (standing,) = planned.quotas.standings()
    assert (standing.provider, standing.quota, standing.resets_at) == ("free", DAILY, "2027-01-16T00:00:00Z")
    planned.clock.advance(12 * 3600)
    (standing,) = planned.quotas.standings()
    assert (standing.left, standing.resets_at) == (2, "2027-01-17T00:00:00Z")


async def test_what_several_have_used_beyond_a_plan_leaves_nothing_and_not_less() -> None:
    memory = SharedMemory()
    both = [Planned(DAILY, memory=memory) for _ in range(2)]
    for planned in both:
        await planned.answered_by()
        await planned.answered_by()
    for planned in [*both, *both]:
        await planned.quotas.share()

    for planned in both:
        (standing,) = planned.quotas.standings()
        assert (standing.used, standing.left, standing.is_used_up) == (4, 0, True)


class Away:
    """A store that cannot be reached while ``away``, or whose answers are lost on the way."""

    def __init__(self, store: MemoryStore) -> None:
        self.away = True
        self.loses_answers = False
        self._store = store

    async def count(
        self, name: str, amount: int, *, lasts_s: float, most: int | None = None, batch: str = ""
    ) -> Counted:
        if self.away:
            raise StoreUnavailable("away")
        counted = await self._store.count(name, amount, lasts_s=lasts_s, most=most, batch=batch)
        if self.loses_answers:
            raise StoreUnavailable("no answer")
        return counted

    async def counted(self, name: str) -> int:
        if self.away:
            raise StoreUnavailable("away")
        return await self._store.counted(name)


async def test_what_is_used_while_the_state_is_away_is_told_later() -> None:
    clock = FixedClock(time_s=NOON)
    store = Away(MemoryStore(clock))
    quotas = Quotas({"free": (DAILY,)}, store, clock, fresh_name=names())
    alone = house(free=answering(), companions=(quotas,), gates=(quotas.gate,))
    for _ in range(2):
        async with aclosing(await alone.ask()):
            pass
        await quotas.share()
    with suppress(ChainFailed):
        await alone.ask()

    store.away = False
    await quotas.share()

    assert await store.counted("quota:free:requests:day:2027-01-15") == 2


async def test_what_was_counted_without_an_answer_is_not_counted_again() -> None:
    clock = FixedClock(time_s=NOON)
    store = Away(MemoryStore(clock))
    store.away, store.loses_answers = False, True
    quotas = Quotas({"free": (DAILY,)}, store, clock, fresh_name=names())
    alone = house(free=answering(), companions=(quotas,), gates=(quotas.gate,))
    for _ in range(2):
        async with aclosing(await alone.ask()):
            pass
        await quotas.share()

    store.loses_answers = False
    for _ in range(2):
        await quotas.share()

    assert await store.counted("quota:free:requests:day:2027-01-15") == 2


async def test_who_asks_the_state_is_told_when_it_does_not_answer() -> None:
    clock = FixedClock(time_s=NOON)
    store = Away(MemoryStore(clock))
    quotas = Quotas({"free": (DAILY,)}, store, clock, fresh_name=names())
    with pytest.raises(StoreUnavailable):
        await quotas.exchange()

    store.away = False
    await store.count("quota:free:requests:day:2027-01-15", 1, lasts_s=60.0)
    await quotas.exchange()

    assert [standing.left for standing in quotas.standings()] == [1]
