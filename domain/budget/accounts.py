"""Who pays: accounts, the budgets they are given, and the pots that hold a budget for a period."""

from dataclasses import dataclass
from datetime import UTC, tzinfo
from enum import StrEnum
from typing import NamedTuple

from domain.budget.money import NanoUsd
from domain.budget.periods import Span
from domain.values import value


class AccountKind(StrEnum):
    """What spending is added up for."""

    PROVIDER = "provider"
    MEMBER = "member"
    PROFILE = "profile"
    KEY = "key"

    __hash__ = str.__hash__
    """Every request looks several accounts up, and an enumeration's own takes long."""


class Account(NamedTuple):
    """A provider, a member, a profile or a key."""

    kind: AccountKind
    name: str


class BudgetMode(StrEnum):
    """
    How strictly a budget is kept.

    ``SOFT`` lets a request in while anything is left, so the last one may go beyond. ``HARD`` lets it in only
    if the most it can cost still fits.
    """

    SOFT = "soft"
    HARD = "hard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What an account may spend in a month and on a day by the calendar of ``zone``; ``None`` is no bound."""

    monthly: NanoUsd | None = None
    daily: NanoUsd | None = None
    mode: BudgetMode = BudgetMode.SOFT
    zone: tzinfo = UTC

    def cap(self, span: Span) -> NanoUsd | None:
        return self.monthly if span is Span.MONTH else self.daily

    @property
    def bounds_anything(self) -> bool:
        return self.monthly is not None or self.daily is not None


NO_BUDGET = Budget()


@value
class Pot:
    """An account's spending in one period, as in ``member anna`` in ``2026-07``."""

    account: Account
    span: Span
    period: str

    def __str__(self) -> str:
        return f"{self.account.kind} {self.account.name} in {self.period}"
