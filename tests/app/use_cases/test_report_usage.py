"""What was used is told by the days and names that were asked for, and budgets as they stand."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.use_cases.report_usage import (
    STORED_BUDGET_COLUMNS,
    ReportUsage,
    UnclearQuestion,
    budget_row,
    stored_budget_row,
    usage_columns,
    usage_row,
)
from domain.access.keys import Key, Scope
from domain.budget.accounts import Account, AccountKind, Budget, BudgetMode, Pot
from domain.budget.leases import Claim
from domain.budget.ledger import BudgetLedger
from domain.budget.money import NanoUsd, from_usd
from domain.budget.periods import Span
from domain.budget.purse import Exceeded
from domain.budget.usage import UsageGroup, UsageQuery, UsageTotal
from domain.budget.wallet import Reservation
from infrastructure.state.memory import MemoryStore
from tests.contract.ports.test_usage_store import ROW
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.key_stores import StandingKeys

NOW = datetime(2026, 7, 15, 12, 30, tzinfo=UTC).timestamp()
CLOUD = Account(AccountKind.PROVIDER, "cloud")
ANNA = Account(AccountKind.MEMBER, "anna")


def report(store: MemoryStore | None = None, zone: str = "UTC", keys: Iterable[Key] = ()) -> ReportUsage:
    clock = FixedClock(time_s=NOW)
    budgets = {
        CLOUD: Budget(monthly=from_usd(10.0), daily=from_usd(1.0), mode=BudgetMode.HARD),
        ANNA: Budget(monthly=from_usd(5.0)),
    }
    return ReportUsage(store or MemoryStore(clock), BudgetLedger(budgets), clock, zone, StandingKeys(*keys))


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def test_without_a_word_this_month_is_meant() -> None:
    assert report().question() == UsageQuery(since=at("2026-07-01"), until=NOW + 1)
    assert report(zone="Asia/Tokyo").question().since == at("2026-07-01", "Asia/Tokyo")


@pytest.mark.parametrize(
    ("since", "until", "begins", "ends"),
    [
        ("7d", "1h", NOW - 7 * 86_400, NOW - 3600),
        ("2026-07-01", "2026-07-02", at("2026-07-01"), at("2026-07-03")),
        ("2026-07-01T06:00", "2026-07-02T00:00Z", at("2026-07-01T06:00"), at("2026-07-02")),
        ("2W", "", NOW - 14 * 86_400, NOW + 1),
    ],
)
def test_times_are_said_as_people_say_them(since: str, until: str, begins: float, ends: float) -> None:
    query = report().question(by=" Day,member", since=since, until=until)

    assert (query.since, query.until) == (begins, ends)
    assert query.by == (UsageGroup.DAY, UsageGroup.MEMBER)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
@pytest.mark.parametrize("end", ["9999-12-31", "9999-12-31T23:59:59", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("begin", ["0001-01-01", "0001-01-01T00:00+14:00", "9999w"])
def test_times_that_no_calendar_reaches_are_taken_for_the_ends_of_one(
    begin: str, end: str, zone: str
) -> None:
    query = report().question(since=begin, until=end, zone=zone)

    assert datetime.fromtimestamp(query.since, UTC).year == 1970
    assert datetime.fromtimestamp(query.until, ZoneInfo(zone)).year in (9998, 9999)


def test_a_group_that_is_named_twice_counts_once() -> None:
    assert report().question(by="day, member,Day").by == (UsageGroup.DAY, UsageGroup.MEMBER)


def test_a_key_s_account_is_its_member_s_also_when_the_key_was_replaced() -> None:
    first = Key(id="k1", member="anna", digest="", scopes=frozenset({Scope.INFERENCE}), revoked_at=1.0)
    asked = report(keys=[first, replace(first, id="k2", root="k1", revoked_at=None)])

    assert asked.member_of(Account(AccountKind.KEY, "k1")) == "anna"
    assert asked.member_of(Account(AccountKind.KEY, "gone")) == ""
    assert (asked.member_of(ANNA), asked.member_of(CLOUD)) == ("anna", "")


@pytest.mark.parametrize(
    "words",
    [{"by": "colour"}, {"since": "yesterday"}, {"until": "31.7.2026"}, {"zone": "Mars"}],
)
def test_a_question_that_says_nothing_is_told_what_would(words: dict[str, str]) -> None:
    with pytest.raises(UnclearQuestion, match=r"write such as|by any of"):
        report().question(**words)


async def test_sums_are_rows_with_names() -> None:
    store = MemoryStore(FixedClock())
    await store.log_usage([replace(ROW, at=NOW), replace(ROW, at=NOW, id="2", member="ben")])
    asked = report(store)
    query = asked.question(by="member,day")

    rows = [usage_row(total, query.by) for total in await asked.usage(query)]

    assert [(row["member"], row["day"], row["requests"]) for row in rows] == [
        ("anna", "2026-07-15", 1),
        ("ben", "2026-07-15", 1),
    ]
    assert rows[0]["cost_usd"] == 7000.0
    assert usage_row(UsageTotal(), ())["requests"] == 0
    assert tuple(rows[0]) == usage_columns(query.by)


async def test_budgets_are_told_for_their_current_month_and_day() -> None:
    store = MemoryStore(FixedClock())
    month = Pot(CLOUD, Span.MONTH, "2026-07")
    claim = Claim(
        pot=month, spent=from_usd(2.0), estimated=NanoUsd(5), held=from_usd(3.0), cap=from_usd(10.0)
    )
    await store.exchange([claim])

    standings = await report(store).budgets()

    assert [(one.account, one.period) for one in standings] == [
        (CLOUD, "2026-07"),
        (CLOUD, "2026-07-15"),
        (ANNA, "2026-07"),
    ]
    row = budget_row(standings[0], "")
    assert row == {
        "account": "provider",
        "name": "cloud",
        "member": "",
        "span": "month",
        "period": "2026-07",
        "mode": "hard",
        "budget_usd": 10.0,
        "settled_usd": 2.0,
        "estimated_usd": 0.000000005,
        "reserved_usd": 0.0,
        "held_usd": 1.0,
        "remaining_usd": 8.0,
    }
    assert standings[1].remaining == from_usd(1.0)


async def exchanged(ledger: BudgetLedger, store: MemoryStore) -> None:
    claims = ledger.claims(NOW)
    claims.granted(await store.exchange(claims.told))


async def test_a_budget_and_a_refusal_tell_the_same_of_what_is_left() -> None:
    clock = FixedClock(time_s=NOW)
    store = MemoryStore(clock)
    ledger = BudgetLedger({ANNA: Budget(monthly=from_usd(0.25), mode=BudgetMode.HARD)})
    for spent in (0.09, 0.09, None):
        ledger.reserve((ANNA,), from_usd(0.03 if spent is None else spent), NOW)
        await exchanged(ledger, store)
        found = ledger.reserve((ANNA,), from_usd(0.03 if spent is None else spent), NOW, asked=True)
        assert isinstance(found, Reservation)
        if spent is not None:
            found.settle(from_usd(spent))
    await exchanged(ledger, store)

    refusal = ledger.reserve((ANNA,), from_usd(0.2), NOW, asked=True)
    (standing,) = await ReportUsage(store, ledger, clock, "UTC", StandingKeys()).budgets()

    assert isinstance(refusal, Exceeded)
    assert (refusal.settled, refusal.reserved, refusal.remaining) == tuple(map(from_usd, (0.18, 0.03, 0.04)))
    assert (standing.settled, standing.reserved, standing.remaining) == tuple(
        map(from_usd, (0.18, 0.03, 0.04))
    )
    assert 0 < standing.held <= standing.remaining


async def test_no_more_is_told_as_lent_than_is_left_of_a_soft_budget_that_promised_beyond_its_cap() -> None:
    store = MemoryStore(FixedClock())
    month = Pot(ANNA, Span.MONTH, "2026-07")
    await store.exchange([Claim(pot=month, spent=from_usd(4.5), held=from_usd(6.0))])

    standing = next(one for one in await report(store).budgets() if one.account == ANNA)
    stored, told = stored_budget_row(standing, "anna"), budget_row(standing, "anna")

    assert (stored["lent_usd"], stored["remaining_usd"]) == (0.5, 0.5)
    assert (told["held_usd"], told["remaining_usd"]) == (0.5, 0.5)


async def test_where_only_the_store_is_read_what_is_lent_is_named_so_and_not_taken_for_gone() -> None:
    store = MemoryStore(FixedClock())
    month = Pot(CLOUD, Span.MONTH, "2026-07")
    await store.exchange([Claim(pot=month, spent=from_usd(2.0), held=from_usd(3.0), cap=from_usd(10.0))])

    row = stored_budget_row((await report(store).budgets())[0], "")

    assert tuple(row) == STORED_BUDGET_COLUMNS
    assert (row["settled_usd"], row["lent_usd"], row["remaining_usd"]) == (2.0, 1.0, 8.0)
