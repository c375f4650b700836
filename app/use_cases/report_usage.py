"""Tells what was used and what it cost, and how budgets stand."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from domain.budget.accounts import Account, AccountKind, Budget, Pot
from domain.budget.leases import Balance
from domain.budget.ledger import BudgetLedger
from domain.budget.money import NOTHING, NanoUsd, exact_usd, in_usd
from domain.budget.periods import Span, period_at
from domain.budget.standing import Standing
from domain.budget.usage import UsageGroup, UsageQuery, UsageTotal
from domain.ports.keys import CurrentKeys
from domain.ports.storage import Store
from domain.ports.time import Clock

Row = dict[str, str | int | float]

_AGO = re.compile(r"(?P<count>\d{1,4})(?P<unit>[hdw])")
_UNITS = {"h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}

_LAST_DAY = date(9998, 12, 31)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
"""What is said to be later is taken for this, what was before 1970 for its beginning: calendars end."""


class UnclearQuestion(ValueError):
    """What is asked for cannot be understood; the message says what would be right."""


class ReportUsage:
    """
    Reads the usage log, and how budgets stand.

    Args:
        ledger: knows which budgets there are, and what this process has promised of them; what is spent and
            lent the store knows for all workers.
        zone: whose days are meant unless another is asked for.
        keys: those that hold, to tell whose they are.
    """

    def __init__(
        self, store: Store, ledger: BudgetLedger, clock: Clock, zone: str, keys: CurrentKeys
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._zone = zone
        self._keys = keys

    def __repr__(self) -> str:
        return f"<ReportUsage over {self._store!r}>"

    def question(self, *, by: str = "", since: str = "", until: str = "", zone: str = "") -> UsageQuery:
        """
        The question that was asked in these words.

        Args:
            by: names of groups, separated by commas; one that is named twice counts once.
            since: a day (``2026-07-01``), a moment in ISO's form, or a span before now (``30d``); without it
                the month is meant.
            until: likewise; a day counts whole.
            zone: whose days; an IANA name.

        Raises:
            UnclearQuestion: one of them says nothing.
        """
        place = _place(zone or self._zone)
        now = self._clock.time()
        month = period_at(Span.MONTH, place, now)
        return UsageQuery(
            since=_moment(since, place, now) if since else month.begins_at,
            until=_moment(until, place, now, whole_day=True) if until else now + 1.0,
            by=tuple(dict.fromkeys(_group(name) for name in by.split(",") if name.strip())),
            zone=place,
        )

    async def usage(self, query: UsageQuery) -> Sequence[UsageTotal]:
        """
        The sums.

        Raises:
            StoreUnavailable: the log cannot be read.
        """
        return await self._store.usage(query)

    async def budgets(self) -> Sequence[Standing]:
        """
        How every budget stands now.

        Raises:
            StoreUnavailable: the ledger cannot be read.
        """
        now = self._clock.time()
        asked = [
            (account, budget, cap, period_at(span, budget.zone, now))
            for account, budget in self._ledger.budgets.items()
            for span in Span
            if (cap := budget.cap(span)) is not None
        ]
        periods = sorted({period.key for *_, period in asked})
        balances = {one.pot: one for one in await self._store.balances(periods)}
        return tuple(
            self._standing(Pot(account, period.span, period.key), budget, cap, balances)
            for account, budget, cap, period in asked
        )

    def member_of(self, account: Account) -> str:
        """Whose account it is: the member's own, or that of one of its keys; empty for all others."""
        if account.kind is AccountKind.MEMBER:
            return account.name
        if account.kind is not AccountKind.KEY:
            return ""
        return next((key.member for key in self._keys.ring if key.account == account.name), "")

    def _standing(self, pot: Pot, budget: Budget, cap: NanoUsd, balances: Mapping[Pot, Balance]) -> Standing:
        nothing = Balance(pot=pot, settled=NOTHING, estimated=NOTHING, lent=NOTHING)
        balance = balances.get(pot, nothing)
        return Standing(
            account=pot.account,
            span=pot.span,
            period=pot.period,
            mode=budget.mode,
            cap=cap,
            settled=balance.settled,
            estimated=balance.estimated,
            reserved=self._ledger.promised(pot),
            lent=balance.lent,
        )


def usage_row(total: UsageTotal, by: Sequence[UsageGroup]) -> Row:
    """A sum with names for its figures, for scripts and spreadsheets."""
    return {
        **dict(zip(map(str, by), total.group, strict=True)),
        "requests": total.requests,
        "answered": total.answered,
        "input_tokens": total.input_tokens,
        "output_tokens": total.output_tokens,
        "cache_read_tokens": total.cache_read_tokens,
        "cache_creation_tokens": total.cache_creation_tokens,
        "cost_usd": exact_usd(total.cost),
        "cost_savings_usd": exact_usd(total.savings),
        "estimated_cost_usd": exact_usd(total.estimated_cost),
        "set_aside_usd": exact_usd(total.set_aside),
    }


def usage_columns(by: Sequence[UsageGroup]) -> Sequence[str]:
    """The names that `usage_row` gives, also when there is no row."""
    return tuple(usage_row(UsageTotal(group=tuple(by)), by))


def budget_row(standing: Standing, member: str) -> Row:
    """How a budget stands, as a running gateway knows it."""
    return {
        **_spent(standing, member),
        "reserved_usd": exact_usd(standing.reserved),
        "held_usd": exact_usd(standing.held),
        "remaining_usd": exact_usd(standing.remaining),
    }


STORED_BUDGET_COLUMNS = (
    "account",
    "name",
    "member",
    "span",
    "period",
    "mode",
    "budget_usd",
    "settled_usd",
    "estimated_usd",
    "lent_usd",
    "remaining_usd",
)
"""The names that `stored_budget_row` gives, also when there is no row."""


def stored_budget_row(standing: Standing, member: str) -> Row:
    """How a budget stands by the store alone, which cannot tell what is promised of that which is lent."""
    return {
        **_spent(standing, member),
        "lent_usd": exact_usd(standing.held),
        "remaining_usd": exact_usd(standing.remaining),
    }


def _spent(standing: Standing, member: str) -> Row:
    return {
        "account": str(standing.account.kind),
        "name": standing.account.name,
        "member": member,
        "span": str(standing.span),
        "period": standing.period,
        "mode": standing.mode,
        "budget_usd": in_usd(standing.cap),
        "settled_usd": exact_usd(standing.settled),
        "estimated_usd": exact_usd(standing.estimated),
    }


def _place(zone: str) -> tzinfo:
    if zone == "UTC":
        return UTC
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise UnclearQuestion(
            f"this machine knows no time zone {zone!r}: write such as Europe/Berlin"
        ) from None


def _group(name: str) -> UsageGroup:
    try:
        return UsageGroup(name.strip().lower())
    except ValueError:
        known = ", ".join(UsageGroup)
        raise UnclearQuestion(f"usage cannot be told by {name.strip()!r}: by any of {known}") from None


def _moment(text: str, zone: tzinfo, now: float, *, whole_day: bool = False) -> float:
    return min(max(_said(text, zone, now, whole_day=whole_day), 0.0), _LATEST)


def _said(text: str, zone: tzinfo, now: float, *, whole_day: bool) -> float:
    ago = _AGO.fullmatch(text.strip().lower())
    if ago is not None:
        return now - int(ago["count"]) * _UNITS[ago["unit"]]
    try:
        day = min(date.fromisoformat(text.strip()), _LAST_DAY)
    except ValueError:
        return _exactly(text, zone)
    begin = datetime(day.year, day.month, day.day, tzinfo=zone)
    return (begin + timedelta(days=1) if whole_day else begin).timestamp()


def _exactly(text: str, zone: tzinfo) -> float:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UnclearQuestion(
            f"{text!r} is no time: write such as 30d, 2026-07-01 or 2026-07-01T12:00"
        ) from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).timestamp()
