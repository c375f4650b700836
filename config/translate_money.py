"""From what the file says of money to prices and budgets."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from config.schema.money import Budget as BudgetSection
from config.schema.money import Cost, Rates
from config.schema.provider import Provider
from config.schema.root import Config
from config.schema.zones import zone
from domain.budget.accounts import Account, AccountKind, Budget, BudgetMode
from domain.budget.money import NanoUsd, from_usd
from domain.budget.pricing import Price, price
from domain.conversation.answer_limits import OPTIONS, is_limit, limits_in
from domain.conversation.cost_fields import may_cost_more_beneath
from domain.routing.targets import Target

_ANTHROPIC_DEFAULT = 4096
"""Anthropic's language has no request without a limit; this one is written where the client gave none."""


def price_of(rates: Rates | None) -> Price | None:
    """What is charged, if the file says it."""
    if rates is None:
        return None
    return price(
        input_usd=rates.input_tokens_per_million,
        output_usd=rates.output_tokens_per_million,
        cache_read_discount=rates.cache_read_discount,
        cache_creation_premium=rates.cache_creation_premium,
        cache_hour_premium=rates.cache_hour_premium,
    )


def alias_prices(config: Config) -> Mapping[Target, Price]:
    """What the models charge that only a name under `models` leads to."""
    own = {provider.name: provider.model for provider in config.providers}
    found = {
        Target(alias.provider, alias.model): price_of(alias.cost)
        for alias in config.models.values()
        if not isinstance(alias, str) and alias.model and alias.model != own[alias.provider]
    }
    return MappingProxyType({target: known for target, known in found.items() if known is not None})


def budgets_of(config: Config) -> Mapping[Account, Budget]:
    """Every budget there is, by who has it."""
    return MappingProxyType(
        {account: budget for account, budget in _budgets(config) if budget and budget.bounds_anything}
    )


def budget_by(section: BudgetSection | None) -> Budget | None:
    """The budget that the file gives, if it gives any."""
    if section is None:
        return None
    return Budget(
        monthly=_amount(section.monthly_usd),
        daily=_amount(section.daily_usd),
        mode=BudgetMode(section.mode),
        zone=zone(section.zone),
    )


def output_limit(provider: Provider) -> int | None:
    """
    The limit that a provider's answers have when the client sets none; ``None`` when there is none.

    It is sent in place of all that `extra_body` says, so that what is reckoned is what holds.
    """
    if provider.max_output_tokens is not None:
        return provider.max_output_tokens
    said = limits_in(provider.extra_body).values()
    if limits := [limit for limit in said if isinstance(limit, int) and is_limit(limit)]:
        return max(limits)
    has_default = provider.kind == "anthropic" and provider.adapter is None and not said
    return _ANTHROPIC_DEFAULT if has_default else None


def costly_fields(provider: Provider) -> tuple[str, ...]:
    """What of its `extra_body` may make a request cost more than is reckoned; options of Ollama's do not."""
    known = OPTIONS if provider.kind == "ollama" else None
    fields = provider.extra_body.items()
    return tuple(field for field, said in fields if field != known and may_cost_more_beneath(field, said))


def _budgets(config: Config) -> Iterator[tuple[Account, Budget | None]]:
    for provider in config.providers:
        yield Account(AccountKind.PROVIDER, provider.name), _provider_budget(provider.cost)
    for profile in config.profiles:
        yield Account(AccountKind.PROFILE, profile.name), budget_by(profile.budget)
    for name, member in config.members.items():
        yield Account(AccountKind.MEMBER, name), budget_by(member.budget)


def _provider_budget(cost: Cost | None) -> Budget | None:
    if cost is None:
        return None
    return Budget(
        monthly=_amount(cost.monthly_budget_usd),
        daily=_amount(cost.daily_budget_usd),
        mode=BudgetMode(cost.budget_mode),
    )


def _amount(usd: float | None) -> NanoUsd | None:
    return None if usd is None else from_usd(usd)
