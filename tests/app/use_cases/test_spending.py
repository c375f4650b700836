"""No attempt costs what no budget allows, and each is booked, however it ends."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from datetime import date, timedelta, timezone
from typing import Any

import pytest

from app.use_cases.bookkeeping import Bookkeeper, OnFailure
from app.use_cases.converse import Asked
from app.use_cases.spending import BudgetGate, Spending
from app.use_cases.usage_journal import UsageJournal
from domain.access.keys import Caller
from domain.budget.accounts import Account, AccountKind, Budget, BudgetMode
from domain.budget.ledger import BudgetLedger
from domain.budget.money import NanoUsd, exact_usd, from_usd
from domain.budget.pricing import price
from domain.conversation.built import Built
from domain.conversation.reply import Batch, Finished, StopReason, TextDelta, Usage, UsageReported
from domain.conversation.request import Conversation, MalformedRequest, Sampling
from domain.failures import FailureKind, UpstreamFailure
from domain.inventory.money import (
    CacheObserved,
    ChainBudgetExceeded,
    OverBudgetProviderSkipped,
    UncountableProviderSkipped,
)
from domain.routing.quotes import Quotes
from domain.routing.verdict import Cause, ChainFailed
from infrastructure.clock import SystemClock
from tests.app.use_cases.conversing import END, HELLO, ROLE, House, asking, house, table_of
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.scripted_provider import Act, Pause, ScriptedProvider, Silence
from tests.fakes.troubled_store import TroubledStore

ANNA = Caller(member="anna")
MEMBER = Account(AccountKind.MEMBER, "anna")
CLOUD = Account(AccountKind.PROVIDER, "cloud")
PRICED = {"cloud": {"price": price(input_usd=1000.0, output_usd=10_000.0)}}
"""7 tokens of input cost 0.7 cents, 3 of output 3 cents; the worst case is 10 tokens of output, 10 cents,
and what the prompt's frame and the caching of it may cost."""
COST = from_usd(0.037)
LIMITED = Built(Conversation(messages=(), sampling=Sampling(max_output_tokens=10)))


class Bank:
    """Conversations over scripted providers that cost money."""

    def __init__(
        self,
        budgets: Mapping[Account, Budget],
        *,
        specs: Mapping[str, Mapping[str, Any]] = PRICED,
        on_failure: OnFailure = OnFailure.SERVE,
        **providers: ScriptedProvider,
    ) -> None:
        clock = SystemClock()
        self.sink = RecordingSink()
        self.ledger = BudgetLedger(budgets)
        self.store = TroubledStore(FixedClock())
        self.keeper = Bookkeeper(
            self.ledger,
            UsageJournal(clock, str),
            self.store,
            self.sink,
            clock,
            on_failure=on_failure,
        )
        quotes = Quotes(table_of(providers, specs=specs), self.ledger, len)
        self.given: House = house(
            specs=specs,
            allow_paid=True,
            sink=self.sink,
            gates=(BudgetGate(quotes, self.ledger, self.keeper, clock),),
            companions=(Spending(quotes, self.keeper, self.sink),),
            **providers,  # type: ignore[arg-type]
        )

    async def ask(self, source: Built = LIMITED) -> Asked:
        """Asks and hears the whole answer."""
        asked = asking(source=source, caller=ANNA)
        plan = self.given.converse.plan(asked)
        async with aclosing(await self.given.converse.answer(asked, plan)) as reply:
            async for _ in reply:
                pass
        return asked

    async def left_after(self, batches: int) -> None:
        """Asks, and leaves when so much of the answer has come."""
        asked = asking(source=LIMITED, caller=ANNA)
        reply = await self.given.converse.answer(asked, self.given.converse.plan(asked))
        for _ in range(batches):
            await anext(reply)
        await reply.aclose()

    def booked(self, account: Account = CLOUD) -> tuple[int, int, int]:
        """Spent, of that estimated, and still reserved, this month."""
        purses = [purse for purse in self.ledger.purses() if purse.pot.account == account]
        return purses[0].spent, purses[0].estimated, purses[0].reserved

    @property
    def reserved(self) -> int:
        return sum(purse.reserved for purse in self.ledger.purses())


@asynccontextmanager
async def opened(bank: Bank) -> AsyncIterator[Bank]:
    await bank.keeper.open((CLOUD, MEMBER))
    try:
        yield bank
    finally:
        assert bank.reserved == 0
        await bank.keeper.aclose()


def hard(usd: float) -> Budget:
    return Budget(monthly=from_usd(usd), mode=BudgetMode.HARD)


def soft(usd: float) -> Budget:
    return Budget(monthly=from_usd(usd))


def saying(*acts: Act) -> ScriptedProvider:
    return ScriptedProvider(acts)


async def test_an_answer_is_booked_for_everybody_who_pays() -> None:
    async with opened(Bank({CLOUD: hard(10.0)}, cloud=saying(ROLE, HELLO, END))) as bank:
        asked = await bank.ask()

        assert bank.booked() == (COST, 0, 0)
        assert bank.booked(MEMBER) == (COST, 0, 0)
        assert bank.booked(Account(AccountKind.PROFILE, "default")) == (COST, 0, 0)
        assert (asked.receipt.cost, asked.receipt.estimated) == (COST, False)


async def test_what_the_cache_did_is_told_of_every_answer() -> None:
    usage = Usage(input_tokens=1, output_tokens=1, cache_read_tokens=10)
    end = Batch((Finished(StopReason.END_TURN), UsageReported(usage)))
    async with opened(Bank({}, cloud=saying(ROLE, HELLO, end))) as bank:
        await bank.ask()

    (told,) = bank.sink.of(CacheObserved)
    assert told == CacheObserved(
        request_id="r-1",
        provider="cloud",
        request_had_cache_control=False,
        outcome="cache_hit",
        cache_read_input_tokens=10,
        cache_creation_input_tokens=0,
        input_tokens=1,
        output_tokens=1,
        streaming=True,
        cost_usd=0.012,
        cost_savings_usd=0.009,
    )


async def test_counts_of_several_reports_are_merged_by_the_larger() -> None:
    first = Batch((UsageReported(Usage(input_tokens=7, output_tokens=1)),))
    last = Batch((Finished(StopReason.END_TURN), UsageReported(Usage(input_tokens=0, output_tokens=3))))
    async with opened(Bank({}, cloud=saying(first, HELLO, last))) as bank:
        assert (await bank.ask()).receipt.cost == COST


async def test_what_cannot_be_said_to_a_provider_costs_nothing() -> None:
    unsayable = ScriptedProvider([MalformedRequest("n", "one answer only")])
    async with opened(Bank({CLOUD: hard(0.3)}, cloud=unsayable)) as bank:
        for _ in range(6):
            with pytest.raises(MalformedRequest):
                await bank.ask()

        assert bank.booked() == (0, 0, 0)


async def test_a_budget_that_is_used_up_bars_a_provider_and_says_so() -> None:
    async with opened(Bank({CLOUD: hard(0.3)}, cloud=saying(ROLE, HELLO, END))) as bank:
        for _ in range(6):
            await bank.ask()
        with pytest.raises(ChainFailed) as failed:
            await bank.ask()

        assert bank.booked()[0] == 6 * COST
        assert failed.value.verdict.cause is Cause.MONEY
        assert "of 0.3 USD spent" in failed.value.verdict.message
        skipped = bank.sink.of(OverBudgetProviderSkipped)[-1]
        assert (skipped.provider, skipped.account, skipped.mode) == ("cloud", "provider cloud", "hard")
        assert (skipped.monthly_budget_usd, skipped.daily_budget_usd) == (0.3, None)
        assert skipped.current_total_usd + skipped.reserved_usd + skipped.remaining_usd == pytest.approx(0.3)
        assert skipped.month == skipped.period
        (blocked,) = bank.sink.of(ChainBudgetExceeded)
        assert (blocked.blocked_providers, blocked.month) == (("cloud",), skipped.month)


async def test_a_refusal_says_when_there_is_money_again_by_the_clocks_of_the_budget() -> None:
    budget = Budget(daily=from_usd(0.0), zone=timezone(timedelta(hours=2)))
    async with opened(Bank({MEMBER: budget}, cloud=saying(ROLE, HELLO, END))) as bank:
        with pytest.raises(ChainFailed) as failed:
            await bank.ask()

    (skipped,) = bank.sink.of(OverBudgetProviderSkipped)
    tomorrow = date.fromisoformat(skipped.period) + timedelta(days=1)
    assert skipped.resets_at == f"{tomorrow}T00:00:00+02:00"
    assert f"in {skipped.period} (until {skipped.resets_at})" in failed.value.verdict.message


async def test_a_chain_goes_on_without_the_provider_whose_budget_is_used_up() -> None:
    local = saying(ROLE, HELLO, END)
    bank = Bank({MEMBER: hard(0.0)}, cloud=saying(ROLE, HELLO, END), local=local)
    async with opened(bank):
        await bank.ask()

    assert len(local.calls) == 1
    assert bank.sink.of(OverBudgetProviderSkipped)[0].account == "member anna"
    assert bank.sink.of(ChainBudgetExceeded) == []


async def test_a_hundred_at_once_spend_no_more_than_a_hard_budget() -> None:
    provider = ScriptedProvider((ROLE, HELLO, END))
    async with opened(Bank({CLOUD: hard(3.0)}, cloud=provider)) as bank:
        found = await asyncio.gather(*(bank.ask() for _ in range(100)), return_exceptions=True)

        assert bank.booked()[0] == len(provider.calls) * COST <= from_usd(3.0)
        assert {type(one) for one in found} <= {Asked, ChainFailed}
        assert len(provider.calls) > 4


async def test_a_refusal_at_the_last_moment_is_told_like_any_other() -> None:
    async with opened(Bank({CLOUD: hard(0.2)}, cloud=saying(ROLE, HELLO, Silence()))) as bank:
        asked = asking(source=LIMITED, caller=ANNA)
        plan = bank.given.converse.plan(asked)
        async with aclosing(await bank.given.converse.answer(asked, plan)):
            with pytest.raises(ChainFailed) as failed:
                await bank.given.converse.answer(asked, plan)

        # It may fit once the one that is under way has cost less than it might.
        assert failed.value.verdict.cause is Cause.RATE_LIMITED
        assert failed.value.verdict.retry_after_s is not None
        skipped = bank.sink.of(OverBudgetProviderSkipped)[0]
        assert 0.0 < skipped.reserved_usd < 0.2 < skipped.reserved_usd + skipped.worst_case_usd
        assert len(bank.sink.of(ChainBudgetExceeded)) == 1


@pytest.mark.parametrize(
    ("failure", "estimated"),
    [
        (UpstreamFailure(FailureKind.OVERLOADED, "busy", status=503), 0),
        (UpstreamFailure(FailureKind.RATE_LIMITED, "busy", status=429), 0),
        (UpstreamFailure(FailureKind.UNREACHABLE, "refused"), 0),
        (UpstreamFailure(FailureKind.UNREACHABLE, "reset", was_sent=True), 1),
        (UpstreamFailure(FailureKind.GARBLED, "nonsense"), 1),
        (UpstreamFailure(FailureKind.SLOW, "too slow"), 1),
    ],
)
async def test_a_failure_that_may_have_been_billed_costs_all_that_was_reserved_under_a_hard_budget(
    failure: UpstreamFailure, estimated: int
) -> None:
    async with opened(Bank({CLOUD: hard(10.0), MEMBER: soft(10.0)}, cloud=saying(failure))) as bank:
        with pytest.raises(ChainFailed):
            await bank.ask()

        spent, of_it_estimated, _ = bank.booked()
        assert spent == of_it_estimated
        assert (spent > COST) is bool(estimated)
        assert bank.booked(MEMBER)[0] < COST


async def test_a_client_that_leaves_is_charged_an_estimate_under_a_soft_budget() -> None:
    words = Batch((TextDelta("x" * 40),))
    async with opened(Bank({CLOUD: soft(10.0)}, cloud=saying(ROLE, words, Silence()))) as bank:
        asked = asking(source=LIMITED, caller=ANNA)
        reply = await bank.given.converse.answer(asked, bank.given.converse.plan(asked))
        await anext(reply)
        await reply.aclose()

        spent, estimated, _ = bank.booked()
        assert spent == estimated >= from_usd(0.1)
        assert asked.receipt.estimated
        assert (asked.receipt.cost, asked.receipt.set_aside) == (spent, 0)


async def test_what_a_hard_budget_is_charged_beyond_an_estimate_is_told() -> None:
    """Whoever adds up what requests cost finds why the budget is used up."""
    words = Batch((TextDelta("x" * 4),))
    budgets = {CLOUD: hard(10.0), MEMBER: soft(10.0)}
    async with opened(Bank(budgets, cloud=saying(ROLE, words, Silence()))) as bank:
        asked = asking(source=LIMITED, caller=ANNA)
        reply = await bank.given.converse.answer(asked, bank.given.converse.plan(asked))
        await anext(reply)
        await reply.aclose()

        receipt = asked.receipt
        assert bank.booked(MEMBER)[0] == receipt.cost < COST
        assert bank.booked()[0] == receipt.cost + receipt.set_aside > 2 * COST


async def test_a_client_that_leaves_when_all_was_counted_pays_what_was_counted() -> None:
    async with opened(Bank({CLOUD: hard(10.0)}, cloud=saying(ROLE, HELLO, END, Silence()))) as bank:
        await bank.left_after(3)

        assert bank.booked() == (COST, 0, 0)


STOPPED = Batch((Finished(StopReason.END_TURN),))
COUNTED = Batch((UsageReported(Usage(input_tokens=7, output_tokens=3)),))


async def test_a_client_that_leaves_before_the_count_comes_pays_what_is_counted_then() -> None:
    cloud = saying(ROLE, HELLO, STOPPED, Pause(0.05), COUNTED, Silence())
    async with opened(Bank({CLOUD: hard(10.0)}, cloud=cloud)) as bank:
        await bank.left_after(3)

        assert bank.booked() == (COST, 0, 0)


async def test_an_upstream_that_ends_without_a_count_is_charged_the_same_if_its_client_left_before() -> None:
    booked = []
    for heard in (2, 3):
        async with opened(Bank({CLOUD: hard(10.0)}, cloud=saying(HELLO, STOPPED))) as bank:
            asked = asking(source=LIMITED, caller=ANNA)
            reply = await bank.given.converse.answer(asked, bank.given.converse.plan(asked))
            for _ in range(heard):
                await anext(reply, None)
            await reply.aclose()
            booked.append(bank.booked())

    assert booked[0] == booked[1]
    assert 0 < booked[0][0] < COST


async def test_an_answer_that_breaks_off_is_charged() -> None:
    broken = UpstreamFailure(FailureKind.BROKEN_OFF, "gone")
    async with opened(Bank({CLOUD: hard(10.0)}, cloud=saying(ROLE, HELLO, broken))) as bank:
        with pytest.raises(UpstreamFailure):
            await bank.ask()

        assert bank.booked()[0] > COST


async def test_an_upstream_that_counts_nothing_is_charged_an_estimate_and_that_is_marked() -> None:
    end = Batch((Finished(StopReason.END_TURN),))
    async with opened(Bank({CLOUD: hard(10.0)}, cloud=saying(ROLE, HELLO, end))) as bank:
        asked = await bank.ask()

        spent, estimated, _ = bank.booked()
        assert spent == estimated > 0
        assert asked.receipt.estimated
        assert asked.receipt.usage_at("cloud") == Usage(input_tokens=4, output_tokens=2)


async def test_every_attempt_of_a_walk_is_on_the_receipt() -> None:
    specs = {**PRICED, "first": PRICED["cloud"]}
    slow = UpstreamFailure(FailureKind.SLOW, "too slow")
    first = Bank({}, specs=specs, first=saying(slow), cloud=saying(ROLE, HELLO, END))
    async with opened(first):
        asked = await first.ask()

        guessed = first.booked(Account(AccountKind.PROVIDER, "first"))[0]
        assert asked.receipt.cost == COST + guessed
        (elsewhere,) = asked.receipt.elsewhere("cloud")
        assert (elsewhere.provider, elsewhere.cost_usd) == ("first", exact_usd(NanoUsd(guessed)))
        assert asked.receipt.usage_at("cloud") == Usage(input_tokens=7, output_tokens=3)


async def test_what_nobody_can_count_is_not_asked_where_a_budget_must_be_kept() -> None:
    specs = {"cloud": {"paid": True}}
    bank = Bank({MEMBER: soft(1.0)}, specs=specs, cloud=saying(HELLO, END))
    unlimited = Bank({MEMBER: hard(1.0)}, cloud=saying(HELLO, END))

    for given, source, reason in (
        (bank, LIMITED, "unpriced"),
        (unlimited, Built(Conversation(messages=())), "no-output-bound"),
    ):
        async with opened(given):
            with pytest.raises(ChainFailed) as failed:
                await given.ask(source)

            assert failed.value.verdict.cause is Cause.MONEY
            assert [one.reason for one in given.sink.of(UncountableProviderSkipped)] == [reason]


async def test_where_nothing_limits_an_answer_another_has_to_wait_and_hears_what_would_help() -> None:
    unlimited = Built(Conversation(messages=()))
    async with opened(Bank({CLOUD: soft(100.0)}, cloud=saying(HELLO, END))) as bank:
        asked = asking(source=unlimited, caller=ANNA)
        async with aclosing(await bank.given.converse.answer(asked, bank.given.converse.plan(asked))):
            with pytest.raises(ChainFailed) as failed:
                await bank.ask(unlimited)

        assert failed.value.verdict.cause is Cause.RATE_LIMITED
        assert "less where max_tokens (or max_output_tokens) is smaller" in failed.value.verdict.message
        assert ["limit answers" in told.hint for told in bank.sink.of(ChainBudgetExceeded)] == [True]
        await bank.ask(unlimited)


async def test_who_has_spent_it_all_is_not_told_first_what_else_is_missing() -> None:
    async with opened(Bank({MEMBER: hard(0.0)}, cloud=saying(HELLO, END))) as bank:
        with pytest.raises(ChainFailed) as failed:
            await bank.ask(Built(Conversation(messages=())))

        assert "member anna" in failed.value.verdict.message
        (blocked,) = bank.sink.of(ChainBudgetExceeded)
        assert blocked.accounts == ("member anna",)


async def test_without_its_store_a_cautious_gateway_asks_nobody_who_costs_money() -> None:
    bank = Bank({CLOUD: hard(10.0)}, on_failure=OnFailure.REFUSE_PAID, cloud=saying(HELLO, END))
    bank.store.trouble = "gone"
    async with opened(bank):
        with pytest.raises(ChainFailed) as failed:
            await bank.ask()

        assert failed.value.verdict.cause is Cause.UNAVAILABLE
        assert [one.reason for one in bank.sink.of(UncountableProviderSkipped)] == ["budget-unknown"]


async def test_without_its_store_a_cautious_gateway_still_asks_whoever_no_budget_bounds() -> None:
    specs = {"free": {}, **PRICED}
    for budgets, name in (({MEMBER: hard(10.0)}, "free"), ({}, "cloud")):
        provider = saying(ROLE, HELLO, END)
        bank = Bank(budgets, specs=specs, on_failure=OnFailure.REFUSE_PAID, **{name: provider})
        bank.store.trouble = "gone"
        async with opened(bank):
            await bank.ask()

        assert len(provider.calls) == 1


async def test_amounts_below_a_billionth_of_a_dollar_are_not_lost() -> None:
    specs = {"cloud": {"price": price(input_usd=0.0001)}}
    async with opened(Bank({CLOUD: hard(1.0)}, specs=specs, cloud=saying(ROLE, HELLO, END))) as bank:
        assert (await bank.ask()).receipt.cost == NanoUsd(1)
