"""Events about what answers cost, what may be spent, and what keeps account of it."""

from typing import ClassVar

from domain.inventory.level import Level
from domain.values import value


@value(kw_only=True)
class OverBudgetProviderSkipped:
    """
    A provider was left out because the request does not fit into a budget.

    The budget is that of ``account``, such as ``provider cloud`` or ``member anna``, for ``period``, a month
    or a day until ``resets_at`` (ISO 8601, in the zone of the budget). Of ``current_total_usd`` no provider
    has counted ``estimated_usd``: for answers that broke off a hard budget is charged all that they were
    promised. ``reserved_usd`` is promised to requests that are under way; ``remaining_usd`` is neither spent
    nor promised, as far as is known; ``held_usd`` of it was lent to other workers, which hold it ready or
    have promised it to requests of theirs. ``worst_case_usd`` is the most that the request may cost.
    """

    name: ClassVar[str] = "skip-budget-exceeded"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    profile: str
    provider: str
    account: str
    mode: str
    period: str
    resets_at: str
    month: str
    monthly_budget_usd: float | None
    daily_budget_usd: float | None
    current_total_usd: float
    estimated_usd: float
    reserved_usd: float
    held_usd: float
    remaining_usd: float
    worst_case_usd: float


@value(kw_only=True)
class UncountableProviderSkipped:
    """
    A provider was left out because nobody can tell what the request may cost, and a budget must be kept.

    ``reason`` is ``unpriced`` (it costs money and has no price), ``no-output-bound`` (nothing limits its
    answer, and the budget is a hard one), ``no-cost-bound`` (likewise for what else it may cost, as with a
    document that is not in the request, a search that the vendor runs, a dearer tier or a field of
    ``extra_body``) or ``budget-unknown`` (the state cannot be reached).
    """

    name: ClassVar[str] = "skip-uncountable-cost"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    profile: str
    provider: str
    reason: str


@value(kw_only=True)
class ChainBudgetExceeded:
    """
    A chain is empty because what was left of it does not fit into a budget, or may not.

    ``accounts`` are those whose budgets are used up, such as ``member anna``.
    """

    name: ClassVar[str] = "chain-budget-exceeded"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    profile: str
    blocked_providers: tuple[str, ...]
    month: str
    accounts: tuple[str, ...]
    hint: str


@value(kw_only=True)
class CacheObserved:
    """
    An answer is complete: what it cost, and what the provider's prompt cache did for it.

    ``outcome`` is ``cache_hit``, ``cache_creation``, ``no_cache`` or ``unknown``.
    """

    name: ClassVar[str] = "cache-observed"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    request_had_cache_control: bool
    outcome: str
    cache_read_input_tokens: int
    cache_creation_input_tokens: int
    input_tokens: int
    output_tokens: int
    streaming: bool
    cost_usd: float
    cost_savings_usd: float


@value(kw_only=True)
class BudgetLeaseCharged:
    """
    A worker ended without a word; what it had been lent of a budget counts as spent now.

    It may have been: nobody knows how the requests ended that the worker was busy with.
    """

    name: ClassVar[str] = "budget-lease-charged"
    level: ClassVar[Level] = Level.WARNING
    account: str
    period: str
    amount_usd: float


@value(kw_only=True)
class StateLost:
    """
    The state can no longer be reached or written; ``policy`` is what happens meanwhile.

    Nothing that was spent is forgotten: it is written when the state is there again.
    """

    name: ClassVar[str] = "state-unavailable"
    level: ClassVar[Level] = Level.ERROR
    error: str
    policy: str


@value(kw_only=True)
class StateFound:
    """The state can be written again; ``dropped_usage_rows`` could not be kept for so long."""

    name: ClassVar[str] = "state-available"
    level: ClassVar[Level] = Level.INFO
    unavailable_s: float
    dropped_usage_rows: int
