"""Finds prices and budgets that cannot do what they seem to be there for."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from config.access_advice import Specs, askable
from config.schema.money import Rates
from config.schema.root import Config
from config.translate_access import member_permissions, permissions_of
from config.translate_money import budget_by, budgets_of
from domain.access.keys import Key
from domain.access.permissions import EVERYTHING
from domain.budget.accounts import AccountKind, Budget, BudgetMode
from domain.budget.billing import LONGEST_ANSWER
from domain.budget.money import NOTHING, NanoUsd, in_usd
from domain.routing.targets import Locality, ProviderSpec, RoutingTable


def money_advice(config: Config, table: RoutingTable) -> Iterator[str]:
    """
    One sentence for each; none of them keeps the configuration from being used.

    Args:
        table: what was made of the configuration and of what is known of models.
    """
    yield from _half_priced(config)
    yield from _priced_by_the_token(config)
    yield from _uncounted(config)
    yield from _ungated(table.providers, _priced(table))
    yield from _advice(tuple(_payers(config, table.providers)), table)


def key_advice(key: Key, config: Config, table: RoutingTable) -> Iterator[str]:
    """The same of the budget of a key that the configuration does not know."""
    if key.budget is None:
        return iter(())
    allowed = member_permissions(config).get(key.member, EVERYTHING).narrowed_by(key.narrowing)
    payer = _Payer(
        title=f"key {key.id}",
        kind=AccountKind.KEY,
        budget=key.budget,
        providers=askable(config, table.providers, allowed),
    )
    return _advice((payer,), table)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payer:
    """Who has a budget, and the providers that may be paid from it."""

    title: str
    kind: AccountKind
    budget: Budget
    providers: frozenset[str]


def _rates(config: Config) -> Iterator[tuple[str, Rates]]:
    """Every price that is written, by whose it is."""
    for provider in config.providers:
        if provider.cost is not None:
            yield provider.name, provider.cost
    for name, alias in config.models.items():
        if not isinstance(alias, str) and alias.cost is not None:
            yield f"models.{name}", alias.cost


def _half_priced(config: Config) -> Iterator[str]:
    for title, rates in _rates(config):
        read, written = rates.input_tokens_per_million, rates.output_tokens_per_million
        if read and written is None:
            yield _half(title, free="writes", missing="output_tokens_per_million")
        if written and read is None:
            yield _half(title, free="reads", missing="input_tokens_per_million")


def _half(title: str, *, free: str, missing: str) -> str:
    return f"{title} counts what it {free} as free: cost has no {missing} (0 says so if it is)"


def _priced_by_the_token(config: Config) -> Iterator[str]:
    """What vendors list as 0.0000025 for a token is 2.5 for a million."""
    for title, rates in _rates(config):
        for key in ("input_tokens_per_million", "output_tokens_per_million"):
            usd = getattr(rates, key)
            if usd and usd < _LEAST_CHARGED_USD:
                yield (
                    f"{title} charges next to nothing: {key} is {_plainly(usd)} USD for a million tokens; if"
                    f" that is the price of one, write {usd * 1_000_000:g}"
                )


def _plainly(usd: float) -> str:
    """As it is written in a list of prices, without an exponent."""
    return format(Decimal(repr(usd)), "f")


_LEAST_CHARGED_USD = 0.001
"""For a million tokens; the smallest models of clouds cost ten times as much."""


def _uncounted(config: Config) -> Iterator[str]:
    """One target has one price, by whatever name it is asked for."""
    models = {provider.name: provider.model for provider in config.providers}
    for name, alias in config.models.items():
        if isinstance(alias, str) or alias.cost is None:
            continue
        if alias.model in (None, models[alias.provider]):
            yield (
                f"models.{name}.cost is not counted: this is the own model of {alias.provider}, whose price"
                " stands in its cost"
            )


def _ungated(providers: Specs, priced: Collection[str]) -> Iterator[str]:
    """A price at home is electricity; in a cloud it is a bill, which somebody may think is held back."""
    for name, spec in providers.items():
        if name in priced and spec.locality is Locality.CLOUD and not spec.paid:
            yield (
                f"{name} has a price but is not paid: true, so that neither allow_paid nor the paid: false of"
                " a member or a key holds it back"
            )


def _advice(payers: Sequence[_Payer], table: RoutingTable) -> Iterator[str]:
    """Of payers first, then of providers."""
    priced = _priced(table)
    for payer in payers:
        yield from _of_payer(payer, table.providers, priced)
    for name, spec in table.providers.items():
        paying = [payer for payer in payers if name in payer.providers]
        yield from _of_provider(spec, paying)
        if name in priced:
            yield from _of_fields(spec, paying)
        yield from _of_crowding(spec, paying, _dearest_set_aside(table, name))


def _of_payer(payer: _Payer, providers: Specs, priced: Collection[str]) -> Iterator[str]:
    """
    Of one of them.

    Args:
        priced: the providers with any model that costs something by its price.
    """
    monthly, daily = payer.budget.monthly, payer.budget.daily
    if closed := _closed(payer, priced):
        yield closed
        return
    if monthly is not None and daily is not None and daily > monthly:
        yield f"the daily budget of {payer.title} bounds nothing: its monthly one is smaller"
    shuts_out = any(_is_unpriced(providers[name]) for name in payer.providers)
    if payer.providers and payer.providers.isdisjoint(priced) and not shuts_out:
        yield f"the budget of {payer.title} bounds nothing: nothing that it could pay for has a price"


def _closed(payer: _Payer, priced: Collection[str]) -> str:
    """What a budget of nothing does: soft, a provider's own keeps everything out, also what is free."""
    if NOTHING not in (payer.budget.monthly, payer.budget.daily):
        return ""
    if payer.kind is not AccountKind.PROVIDER:
        return f"{payer.title} may use nothing that costs money: its budget is 0"
    shut = payer.budget.mode is BudgetMode.SOFT or not payer.providers.isdisjoint(priced)
    return f"{payer.title} is never asked: its budget is 0" if shut else ""


def _of_fields(spec: ProviderSpec, paying: Sequence[_Payer]) -> Iterator[str]:
    strict = [payer for payer in paying if payer.budget.mode is BudgetMode.HARD]
    if strict and spec.costly_fields:
        yield (
            f"{spec.name} is never asked under a hard budget, as nobody knows what its extra_body"
            f" ({', '.join(spec.costly_fields)}) adds to the cost; leave that out; budgets: {_titles(strict)}"
        )


def _of_provider(spec: ProviderSpec, paying: Sequence[_Payer]) -> Iterator[str]:
    strict = [payer for payer in paying if payer.budget.mode is BudgetMode.HARD]
    if paying and _is_unpriced(spec):
        yield (
            f"{spec.name} is never asked where a budget applies, as nobody knows what it costs; set its cost"
            f" (or cost.allow_unpriced); budgets: {_titles(paying)}"
        )
    if strict and _is_unbounded(spec):
        yield (
            f"{spec.name} is not asked under a hard budget for an answer without a limit (max_tokens), which"
            f" could cost anything; set its max_output_tokens; budgets: {_titles(strict)}"
        )
    longest = _cost_of_longest(spec, spec.context_window)
    if outdone := [payer for payer in strict if 0 < _least_cap(payer.budget) < longest]:
        yield (
            f"{spec.name} is not asked under a hard budget for an answer without a limit (max_tokens), which"
            f" could cost {in_usd(longest)} USD, more than there is; {_remedy(spec)};"
            f" budgets: {_titles(outdone)}"
        )


_FEW = 4
"""So many of the longest answers fit into a budget that lets people work side by side."""


def _of_crowding(spec: ProviderSpec, paying: Sequence[_Payer], set_aside: NanoUsd) -> Iterator[str]:
    """Of soft budgets that a few answers without a limit use up while they are being written."""
    lenient = [payer for payer in paying if payer.budget.mode is BudgetMode.SOFT]
    crowded = [payer for payer in lenient if 0 < _least_cap(payer.budget) < _FEW * set_aside]
    if crowded:
        room = (f"{payer.title} ({_at_once(payer, set_aside)} at once)" for payer in crowded)
        yield (
            f"{spec.name} has {in_usd(set_aside)} USD set aside for an answer without a limit (max_tokens),"
            " which a crash charges in full, so that a soft budget has room for few of them at once;"
            f" {_remedy(spec)}; budgets: {', '.join(room)}"
        )


def _at_once(payer: _Payer, set_aside: NanoUsd) -> int:
    """The last one may go beyond: a soft budget lets requests in while anything is left."""
    return -(-_least_cap(payer.budget) // set_aside)


def _remedy(spec: ProviderSpec) -> str:
    return f"set {'a smaller ' if spec.output_limit else ''}max_output_tokens"


def _payers(config: Config, specs: Specs) -> Iterator[_Payer]:
    """All that the configuration names."""
    chains = {profile.name: frozenset(profile.providers) for profile in config.profiles}
    members = member_permissions(config)
    for account, budget in budgets_of(config).items():
        match account.kind:
            case AccountKind.PROVIDER:
                providers = frozenset({account.name})
            case AccountKind.PROFILE:
                providers = chains[account.name]
            case _:
                providers = askable(config, specs, members[account.name])
        yield _Payer(
            title=f"{account.kind} {account.name}", kind=account.kind, budget=budget, providers=providers
        )
    for index, key in enumerate(config.auth.keys):
        if own := budget_by(key.budget):
            allowed = members[key.member].narrowed_by(permissions_of(key))
            providers = askable(config, specs, allowed)
            yield _Payer(title=f"auth.keys[{index}]", kind=AccountKind.KEY, budget=own, providers=providers)


def _priced(table: RoutingTable) -> Collection[str]:
    own = ((name, spec.price) for name, spec in table.providers.items())
    others = ((target.provider, price) for target, price in table.prices.items())
    return frozenset(name for name, price in (*own, *others) if price is not None and not price.is_free)


def _is_unpriced(spec: ProviderSpec) -> bool:
    return spec.paid and spec.price is None and not spec.allow_unpriced


def _is_unbounded(spec: ProviderSpec) -> bool:
    is_priced = spec.price is not None and not spec.price.is_free
    return is_priced and not spec.output_limit and not spec.context_window


def _dearest_set_aside(table: RoutingTable, name: str) -> NanoUsd:
    """What a soft budget promises to an answer without a limit of the model for which that is most."""
    others = (
        replace(spec, price=table.price(target))
        for target, spec in table.variants.items()
        if target.provider == name
    )
    return max(
        _cost_of_longest(spec, spec.longest_answer or spec.context_window or LONGEST_ANSWER)
        for spec in (table.providers[name], *others)
    )


def _cost_of_longest(spec: ProviderSpec, longest: int | None) -> NanoUsd:
    """
    What is promised to a prompt of no words at all for an answer without a limit, if that is known.

    Args:
        longest: tokens of an answer for which the provider has no limit either.
    """
    limit = spec.output_limit or longest
    if spec.price is None or limit is None:
        return NOTHING
    return spec.price.at_most(input_tokens=0, output_tokens=min(limit, spec.context_window or limit))


def _least_cap(budget: Budget) -> NanoUsd:
    return min((cap for cap in (budget.monthly, budget.daily) if cap is not None), default=NOTHING)


def _titles(payers: Sequence[_Payer]) -> str:
    return ", ".join(payer.title for payer in payers)
