"""What requests used: a row for each, and sums over many. No row holds a word of a prompt or an answer."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from domain.budget.money import NOTHING, NanoUsd
from domain.values import value


@value(kw_only=True)
class UsageRow:
    """
    One client's request; or what it cost at a provider that did not answer it, in a row that counts for none.

    Attributes:
        id: its own; a client may send two requests under one request id.
        at: when it was over, in seconds since the epoch.
        provider: who answered; empty when nobody did.
        outcome: how it ended, as in the event `request-completed`.
        cost: of all its attempts at this provider together.
        estimated: whether any of the counts or costs is an estimate.
        requests: as how many it counts, 1 or 0.
        set_aside: what hard budgets were charged beyond the cost, as nobody knows what will be billed.
    """

    id: str
    at: float
    request_id: str
    member: str
    key_id: str
    profile: str
    provider: str
    model: str
    dialect: str
    stream: bool
    outcome: str
    status: int
    attempts: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    cost: NanoUsd
    savings: NanoUsd
    estimated: bool
    duration_ms: float
    ttft_ms: float | None
    requests: int = 1
    set_aside: NanoUsd = NOTHING


class UsageGroup(StrEnum):
    """What sums may be made by."""

    DAY = "day"
    MEMBER = "member"
    PROVIDER = "provider"
    PROFILE = "profile"
    MODEL = "model"
    KEY = "key"


@value(kw_only=True)
class UsageQuery:
    """
    Which sums are wanted.

    Attributes:
        since: the first moment that counts, in seconds since the epoch.
        until: the first that does not.
        by: what to tell apart, in this order; with none there is one sum of all.
        zone: whose days.
    """

    since: float
    until: float
    by: tuple[UsageGroup, ...] = ()
    zone: tzinfo = UTC


@value(kw_only=True)
class UsageTotal:
    """
    A sum over requests.

    Attributes:
        group: the values of what the query tells apart, in its order.
        answered: the requests that got a whole answer.
        estimated_cost: how much of ``cost`` belongs to requests of which anything was estimated.
        set_aside: what hard budgets were charged beyond ``cost``.
    """

    group: tuple[str, ...] = ()
    requests: int = 0
    answered: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    cost: NanoUsd = NOTHING
    savings: NanoUsd = NOTHING
    estimated_cost: NanoUsd = NOTHING
    set_aside: NanoUsd = NOTHING

    def plus(self, other: "UsageTotal") -> "UsageTotal":
        """The sum of both, in this one's group."""
        return UsageTotal(
            group=self.group,
            requests=self.requests + other.requests,
            answered=self.answered + other.answered,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_creation_tokens=self.cache_creation_tokens + other.cache_creation_tokens,
            cost=NanoUsd(self.cost + other.cost),
            savings=NanoUsd(self.savings + other.savings),
            estimated_cost=NanoUsd(self.estimated_cost + other.estimated_cost),
            set_aside=NanoUsd(self.set_aside + other.set_aside),
        )


ANSWERED = "answered"

SLOT_S = 900
"""A quarter of an hour: every time zone's day begins with one."""


@value(kw_only=True)
class SlotTotal:
    """A sum over requests that ended in the same quarter of an hour, which began at ``slot * SLOT_S``."""

    slot: int
    names: Mapping[UsageGroup, str]
    total: UsageTotal


def slot_total(row: UsageRow) -> SlotTotal:
    """A row as a sum of one."""
    return SlotTotal(
        slot=int(row.at // SLOT_S),
        names={
            UsageGroup.MEMBER: row.member,
            UsageGroup.PROVIDER: row.provider,
            UsageGroup.PROFILE: row.profile,
            UsageGroup.MODEL: row.model,
            UsageGroup.KEY: row.key_id,
        },
        total=UsageTotal(
            requests=row.requests,
            answered=row.requests if row.outcome == ANSWERED else 0,
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
            cache_read_tokens=row.cache_read_tokens,
            cache_creation_tokens=row.cache_creation_tokens,
            cost=row.cost,
            savings=row.savings,
            estimated_cost=row.cost if row.estimated else NOTHING,
            set_aside=row.set_aside,
        ),
    )


def totals(sums: Iterable[SlotTotal], query: UsageQuery) -> tuple[UsageTotal, ...]:
    """The sums that the query wants, in the order of their groups; the slots must be those it asks for."""
    found: dict[tuple[str, ...], UsageTotal] = {}
    days: dict[int, str] = {}
    for one in sums:
        group = tuple(_name(one, each, query.zone, days) for each in query.by)
        known = found.get(group)
        found[group] = known.plus(one.total) if known else replace(one.total, group=group)
    return tuple(found[group] for group in sorted(found))


def _name(one: SlotTotal, group: UsageGroup, zone: tzinfo, days: dict[int, str]) -> str:
    if group is not UsageGroup.DAY:
        return one.names[group]
    day = days.get(one.slot)
    if day is None:
        day = days[one.slot] = f"{datetime.fromtimestamp(one.slot * SLOT_S, zone):%Y-%m-%d}"
    return day
