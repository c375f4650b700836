"""What is told of budgets: who was left out for one, and what an answer cost."""

from collections.abc import Sequence

from domain.budget.accounts import Account
from domain.budget.billing import Bill
from domain.budget.caching import cache_outcome
from domain.budget.money import exact_usd, in_usd
from domain.budget.periods import Span
from domain.conversation.reply import Usage
from domain.events import Event
from domain.inventory.money import (
    BudgetLeaseCharged,
    CacheObserved,
    ChainBudgetExceeded,
    OverBudgetProviderSkipped,
    UncountableProviderSkipped,
)
from domain.ports.storage import Charge
from domain.routing.gates import Barred

_MONTH = len("2026-07")
_MORE_MONEY = "raise the budget, wait for its next period, or add a free provider to the profile"
_LESS_PROMISED = (
    "wait until requests under way are over, or limit answers (max_tokens of clients, max_output_tokens of"
    " providers), so that less is promised to each"
)
_A_BOUND = (
    "see the reasons of skip-uncountable-cost: set what providers cost and max_output_tokens, or have clients"
    " limit their answers"
)


def over_budget(barred: Barred, profile: str, request_id: str) -> Event:
    """Of a target that was left out for money."""
    exceeded = barred.exceeded
    if exceeded is None:
        return UncountableProviderSkipped(
            request_id=request_id, profile=profile, provider=barred.target.provider, reason=barred.reason
        )
    monthly = exceeded.pot.span is Span.MONTH
    cap = in_usd(exceeded.cap)
    return OverBudgetProviderSkipped(
        request_id=request_id,
        profile=profile,
        provider=barred.target.provider,
        account=_named(exceeded.pot.account),
        mode=exceeded.mode,
        period=exceeded.pot.period,
        resets_at=exceeded.ends.isoformat(timespec="seconds"),
        month=exceeded.pot.period[:_MONTH],
        monthly_budget_usd=cap if monthly else None,
        daily_budget_usd=None if monthly else cap,
        current_total_usd=in_usd(exceeded.settled),
        estimated_usd=in_usd(exceeded.estimated),
        reserved_usd=in_usd(exceeded.reserved),
        held_usd=in_usd(min(exceeded.lent_to_others, exceeded.remaining)),
        remaining_usd=in_usd(exceeded.remaining),
        worst_case_usd=in_usd(exceeded.amount),
    )


def all_over_budget(barred: Sequence[Barred], profile: str, request_id: str) -> Event:
    """Of a chain that is empty for money."""
    exceeded = [one.exceeded for one in barred if one.exceeded is not None]
    months = [one.pot.period[:_MONTH] for one in exceeded]
    accounts = tuple(dict.fromkeys(_named(one.pot.account) for one in exceeded))
    more = _LESS_PROMISED if all(one.is_for_now for one in exceeded) else _MORE_MONEY
    return ChainBudgetExceeded(
        request_id=request_id,
        profile=profile,
        blocked_providers=tuple(one.target.provider for one in barred),
        month=months[0] if months else "",
        accounts=accounts,
        hint=more if accounts else _A_BOUND,
    )


def observed(
    bill: Bill, told: Usage | None, *, request_id: str, provider: str, stream: bool, marked: bool
) -> CacheObserved:
    """Of an answer that is complete; ``told`` is what the upstream counted."""
    usage = bill.usage
    return CacheObserved(
        request_id=request_id,
        provider=provider,
        request_had_cache_control=marked,
        outcome=cache_outcome(told),
        cache_read_input_tokens=usage.cache_read_tokens or 0,
        cache_creation_input_tokens=usage.cache_creation_tokens or 0,
        input_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        streaming=stream,
        cost_usd=exact_usd(bill.cost),
        cost_savings_usd=exact_usd(bill.savings),
    )


def charged(charge: Charge) -> BudgetLeaseCharged:
    """Of a worker that ended without a word."""
    return BudgetLeaseCharged(
        account=_named(charge.pot.account), period=charge.pot.period, amount_usd=in_usd(charge.amount)
    )


def _named(account: Account) -> str:
    return f"{account.kind} {account.name}"
