"""Requests are promised money without waiting for the disk, and nothing spent is forgotten."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from app.use_cases.bookkeeping import Bookkeeper, OnFailure, StateUnknown
from app.use_cases.usage_journal import UsageJournal
from domain.budget.accounts import Account, AccountKind, Budget, BudgetMode, Pot
from domain.budget.leases import Claim, Grant
from domain.budget.ledger import BudgetLedger
from domain.budget.money import NanoUsd, from_usd
from domain.budget.periods import Span
from domain.budget.purse import Exceeded
from domain.budget.usage import UsageQuery, UsageRow
from domain.budget.wallet import Reservation
from domain.events import Outcome, RequestCompleted
from domain.inventory.money import BudgetLeaseCharged, StateFound, StateLost
from domain.ports.storage import StoreUnavailable
from infrastructure.clock import SystemClock
from infrastructure.state.memory import SharedMemory
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.troubled_store import TroubledStore

CLOUD = Account(AccountKind.PROVIDER, "cloud")
ALL = UsageQuery(since=0.0, until=1e12)


class Books:
    """A bookkeeper with everything that a test wants to look at."""

    def __init__(
        self, budget: Budget, *, memory: SharedMemory | None = None, on_failure: OnFailure = OnFailure.SERVE
    ) -> None:
        clock = SystemClock()
        self.ledger = BudgetLedger({CLOUD: budget})
        self.sink = RecordingSink()
        self.store = TroubledStore(FixedClock(), memory)
        self.journal = UsageJournal(clock, iter(map(str, range(1_000_000))).__next__)
        self.keeper = Bookkeeper(
            self.ledger, self.journal, self.store, self.sink, clock, on_failure=on_failure
        )

    async def reserve(self, usd: float) -> Reservation | Exceeded:
        return await self.keeper.reserve((CLOUD,), from_usd(usd))

    async def reserved(self, usd: float) -> Reservation:
        found = await self.reserve(usd)
        assert isinstance(found, Reservation)
        return found

    def settle(self, reservation: Reservation, usd: float) -> None:
        reservation.settle(from_usd(usd))
        self.keeper.stir()

    async def settled(self) -> NanoUsd:
        """As the store has it."""
        pots = [purse.pot for purse in self.ledger.purses()]
        month = next(pot.period for pot in pots if pot.span is Span.MONTH)
        (balance,) = [
            one for one in await self.store.balances([month]) if one.pot == Pot(CLOUD, Span.MONTH, month)
        ]
        return balance.settled

    async def until_settled(self, usd: float) -> None:
        for _ in range(1000):
            if await self.settled() == from_usd(usd):
                return
            await asyncio.sleep(0.01)
        assert await self.settled() == from_usd(usd)


@asynccontextmanager
async def opened(books: Books) -> AsyncIterator[Books]:
    await books.keeper.open((CLOUD,))
    try:
        yield books
    finally:
        await books.keeper.aclose()


def hard(usd: float) -> Budget:
    return Budget(monthly=from_usd(usd), mode=BudgetMode.HARD)


def completed(cost_usd: float = 0.5) -> RequestCompleted:
    return RequestCompleted(
        request_id="r-1",
        member="anna",
        key_id="k1",
        dialect="openai_chat",
        stream=False,
        outcome=Outcome.ANSWERED,
        status=200,
        profile="home",
        rule="",
        provider="cloud",
        model="m",
        requested_model="",
        attempts=1,
        fallback_reason="",
        duration_ms=1.0,
        ttft_ms=None,
        input_tokens=None,
        output_tokens=7,
        cache_read_tokens=None,
        cache_creation_tokens=None,
        cost_usd=cost_usd,
    )


async def test_what_was_spent_is_written_a_moment_later() -> None:
    async with opened(Books(hard(10.0))) as books:
        books.settle(await books.reserved(0.5), 0.25)

        await books.until_settled(0.25)


async def test_a_hundred_requests_at_once_spend_no_more_than_a_hard_budget() -> None:
    async with opened(Books(hard(1.0))) as books:
        found = await asyncio.gather(*(books.reserve(0.03) for _ in range(100)))

        admitted = [one for one in found if isinstance(one, Reservation)]
        assert len(admitted) == 33
        for one in admitted:
            books.settle(one, 0.03)
        await books.until_settled(0.99)


async def test_a_slow_disk_makes_nobody_wait_whose_money_was_lent_ahead() -> None:
    books = Books(hard(1000.0))
    async with opened(books):
        for _ in range(40):
            books.settle(await books.reserved(0.01), 0.001)
        books.store.takes_s = 1.0
        waits: list[float] = []
        for _ in range(200):
            began_at = time.monotonic()
            reservation = await books.reserved(0.01)
            waits.append(time.monotonic() - began_at)
            await asyncio.sleep(0.005)
            books.settle(reservation, 0.001)

        assert max(waits) < 0.5


async def test_more_is_lent_before_what_is_at_hand_is_used_up() -> None:
    """Again and again, though none of these requests ends, and the books are opened for none of them."""
    books = Books(Budget(monthly=from_usd(100.0), mode=BudgetMode.HARD))
    await books.keeper.open((CLOUD,))
    (purse,) = (one for one in books.ledger.purses() if one.cap is not None)

    for _ in range(3):
        held = purse.held
        while purse.room > from_usd(0.05):
            assert isinstance(books.keeper.reserve_at_once((CLOUD,), from_usd(0.05)), Reservation)
        async with asyncio.timeout(2.5):  # a worker looks after its books every five seconds anyhow
            while purse.held == held:  # noqa: ASYNC110  a purse tells nobody
                await asyncio.sleep(0.01)
    await books.keeper.aclose()


async def test_requests_that_wait_for_money_wait_together() -> None:
    books = Books(hard(1000.0))
    async with opened(books):
        books.store.takes_s = 0.1
        before = books.store.exchanges

        found = await asyncio.gather(*(books.reserve(1.0) for _ in range(100)))

        assert all(isinstance(one, Reservation) for one in found)
        assert books.store.exchanges - before <= 3


async def test_whoever_stops_waiting_leaves_nothing_behind() -> None:
    books = Books(hard(10.0))
    async with opened(books):
        books.store.takes_s = 0.2
        waiting = asyncio.create_task(books.reserved(9.0))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        books.store.takes_s = 0.0

        assert isinstance(await books.reserve(9.5), Reservation)


async def test_a_lost_store_is_told_once_and_budgets_are_kept_by_what_is_known() -> None:
    books = Books(hard(1.0))
    async with opened(books):
        books.settle(await books.reserved(0.6), 0.6)
        await books.until_settled(0.6)
        books.store.trouble = "disk is full"
        books.settle(await books.reserved(0.1), 0.1)
        await eventually(lambda: books.keeper.is_lost)

        within = await books.reserve(0.2)
        beyond = await books.reserve(0.3)

        assert isinstance(within, Reservation)
        assert isinstance(beyond, Exceeded)
        (lost,) = books.sink.of(StateLost)
        assert (lost.error, lost.policy) == ("disk is full", "serve")
        books.settle(within, 0.2)
        books.store.trouble = ""
        await books.until_settled(0.9)
        # The store knows a moment before the books hear of it.
        await eventually(lambda: not books.keeper.is_lost)
        assert len(books.sink.of(StateLost)) == 1
        assert len(books.sink.of(StateFound)) == 1


async def test_a_gateway_may_prefer_to_promise_nothing_without_its_store() -> None:
    books = Books(hard(1.0), on_failure=OnFailure.REFUSE_PAID)
    async with opened(books):
        books.store.trouble = "gone"
        books.keeper.stir()
        await eventually(lambda: books.keeper.promises_nothing((CLOUD,)))

        with pytest.raises(StateUnknown):
            await books.reserve(0.1)


async def test_a_store_that_is_not_there_at_the_start_keeps_nobody_from_starting() -> None:
    books = Books(Budget(monthly=from_usd(1.0)))
    books.store.trouble = "not yet"

    async with opened(books):
        assert isinstance(await books.reserve(0.5), Reservation)
        assert isinstance(await books.reserve(0.6), Reservation)
        assert isinstance(await books.reserve(0.1), Exceeded)


async def test_nothing_of_a_hard_budget_is_promised_before_it_is_known_what_is_left_of_it() -> None:
    memory = SharedMemory()
    async with opened(Books(hard(1.0), memory=memory)) as books:
        books.settle(await books.reserved(0.9), 0.9)
    again = Books(hard(1.0), memory=memory)
    again.store.trouble = "not yet"

    async with opened(again):
        assert again.keeper.promises_nothing((CLOUD,))
        with pytest.raises(StateUnknown):
            await again.reserve(0.05)
        again.store.trouble = ""
        await eventually(lambda: not again.keeper.is_lost)
        assert isinstance(await again.reserve(0.05), Reservation)
        assert isinstance(await again.reserve(0.9), Exceeded)


async def test_a_gateway_tells_at_its_end_what_it_could_not_write() -> None:
    books = Books(hard(1.0))
    async with opened(books):
        books.settle(await books.reserved(0.5), 0.25)
        books.store.trouble = "disk is full"

    told = books.sink.of(StateLost)[-1].error
    assert "disk is full" in told
    assert "0.25 USD" in told


async def test_a_store_that_does_not_answer_holds_a_request_up_for_seconds_and_not_longer() -> None:
    books = Books(hard(1000.0))
    async with opened(books):
        books.store.takes_s = 3600.0
        began_at = time.monotonic()

        found = await books.reserve(500.0)

        assert isinstance(found, Reservation)
        assert time.monotonic() - began_at < 15
        books.store.takes_s = 0.0


async def test_a_bug_in_the_store_does_not_end_the_books() -> None:
    books = Books(hard(1.0))

    async def faulty(_claims: object) -> tuple[()]:
        raise ZeroDivisionError("a bug")

    async with opened(books):
        working, books.store.exchange = books.store.exchange, faulty  # type: ignore[method-assign, assignment]
        books.settle(await books.reserved(0.001), 0.001)
        await eventually(lambda: books.keeper.is_lost)
        books.store.exchange = working  # type: ignore[method-assign]
        await books.until_settled(0.001)


async def test_a_log_that_cannot_be_written_lets_no_claims_overtake_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    books = Books(hard(10.0))
    under_way: list[int] = [0]
    exchange = books.store.exchange

    async def slowly(claims: Sequence[Claim]) -> Sequence[Grant]:
        under_way.append(under_way[-1] + 1)
        await asyncio.sleep(1.0)
        found = await exchange(claims)
        under_way.append(under_way[-1] - 1)
        return found

    async def never(_rows: Sequence[UsageRow]) -> None:
        raise StoreUnavailable("full")

    async with opened(books):
        monkeypatch.setattr(books.store, "exchange", slowly)
        monkeypatch.setattr(books.store, "log_usage", never)
        books.journal.emit(completed())
        for _ in range(20):
            books.settle(await books.reserved(0.01), 0.01)
            await asyncio.sleep(0.2)
        monkeypatch.undo()

    assert max(under_way) == 1


async def test_what_is_not_written_yet_is_written_at_the_end() -> None:
    memory = SharedMemory()
    books = Books(hard(1.0), memory=memory)
    async with opened(books):
        books.settle(await books.reserved(0.5), 0.4)
        for _ in range(5000):
            books.journal.emit(completed())

    assert await books.settled() == from_usd(0.4)
    (balance, *_) = await books.store.balances(
        [purse.pot.period for purse in books.ledger.purses() if purse.pot.span is Span.MONTH]
    )
    assert balance.lent == 0
    assert [one.requests for one in await books.store.usage(ALL)] == [5000]


async def test_the_log_is_written_when_the_store_is_there_again() -> None:
    books = Books(hard(1.0))
    async with opened(books):
        books.store.trouble = "gone"
        books.journal.emit(completed(cost_usd=0.000000001))
        books.keeper.stir()
        await eventually(lambda: books.keeper.is_lost)
        books.store.trouble = ""
        await eventually(lambda: not len(books.journal))

        (total,) = await books.store.usage(ALL)
        assert (total.requests, total.output_tokens, total.cost) == (1, 7, 1)


async def test_what_workers_left_that_are_gone_is_told() -> None:
    memory = SharedMemory()
    dead = Books(hard(10.0), memory=memory)
    await dead.keeper.open((CLOUD,))
    await dead.reserved(1.0)
    dead.store.die()
    dead.store.trouble = "dead"

    async with opened(Books(hard(10.0), memory=memory)) as books:
        await eventually(lambda: bool(books.sink.of(BudgetLeaseCharged)))

        charged = books.sink.of(BudgetLeaseCharged)[0]
        assert charged.account == "provider cloud"
        assert charged.amount_usd >= 1.0
    dead.store.trouble = ""
    await dead.keeper.aclose()


async def eventually(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    assert holds()
