"""What a key may spend and use, as people write and read it."""

from dataclasses import asdict
from datetime import UTC, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from domain.admission.limits import Limits
from domain.budget.accounts import Budget, BudgetMode
from domain.budget.money import NanoUsd, exact_usd, from_usd

_Usd = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=10**12)]


class BudgetTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A budget in US dollars, with the names that the configuration has for it."""

    monthly_usd: _Usd | None = None
    daily_usd: _Usd | None = None
    mode: BudgetMode = BudgetMode.SOFT
    zone: str = "UTC"


class LimitTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Limits, likewise."""

    requests_per_minute: _Count | None = None
    tokens_per_minute: _Count | None = None
    concurrent: _Count | None = None


class UnclearTerms(ValueError):
    """What a key shall be given cannot be understood; the message says why."""


def budget_by(terms: BudgetTerms | None) -> Budget | None:
    """
    The budget that these terms give.

    Raises:
        UnclearTerms: there is no such time zone, or no amount.
    """
    if terms is None:
        return None
    budget = Budget(
        monthly=_amount(terms.monthly_usd),
        daily=_amount(terms.daily_usd),
        mode=terms.mode,
        zone=_zone(terms.zone),
    )
    if not budget.bounds_anything:
        raise UnclearTerms("a budget needs an amount: monthly_usd or daily_usd")
    return budget


def limits_by(terms: LimitTerms | None) -> Limits | None:
    """The limits that these terms give, if they bound anything."""
    limits = None if terms is None else Limits(**msgspec.structs.asdict(terms))
    return None if limits == Limits() else limits


def budget_terms(budget: Budget | None) -> BudgetTerms | None:
    """The terms of a budget."""
    if budget is None:
        return None
    return BudgetTerms(
        monthly_usd=_usd(budget.monthly),
        daily_usd=_usd(budget.daily),
        mode=budget.mode,
        zone=str(budget.zone),
    )


def limit_terms(limits: Limits | None) -> LimitTerms | None:
    """The terms of limits."""
    return None if limits is None else LimitTerms(**asdict(limits))


def _amount(usd: float | None) -> NanoUsd | None:
    return None if usd is None else from_usd(usd)


def _usd(amount: NanoUsd | None) -> float | None:
    return None if amount is None else exact_usd(amount)


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UnclearTerms(f"this machine knows no time zone {name!r}: write such as Europe/Berlin") from None
