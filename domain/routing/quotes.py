"""What an attempt may cost, and who pays for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from domain.budget.accounts import Account, AccountKind
from domain.budget.billing import LONGEST_ANSWER
from domain.budget.ledger import BudgetLedger, Payers, Strictness
from domain.budget.money import NOTHING, NanoUsd
from domain.budget.pricing import Price
from domain.conversation.reply import MOST_TOKENS
from domain.routing.facts import Facts
from domain.routing.gates import Asker, BarReason, Barred
from domain.routing.manner import is_spoken_by
from domain.routing.targets import ProviderSpec, RoutingTable, Target
from domain.tokens.request import TOOLS_PREAMBLE
from domain.values import value

_MOST_OF_CLAUDES_PICTURES = 4_784
"""https://platform.claude.com/docs/en/build-with-claude/vision, of models that see in high resolution."""

_MOST_OF_A_PICTURE = 48_169
"""https://platform.openai.com/docs/guides/images-vision, "Calculating costs": eight tiles for GPT-4o mini."""

_LONGEST_PROMPT = 1_048_576
"""Tokens; as many as the largest context windows have that are common. Who has more sets `context_window`."""

_LEAST = NanoUsd(1)
"""What is free needs this much of a provider's own budget: nothing would fit into a hard one of nothing."""

_MOST_TARIFFS = 4096


@value
class Quote:
    """
    The most that an attempt can cost.

    Attributes:
        accounts: who pays.
        price: what the target charges; ``None`` when nobody knows, or it is free.
        is_bounded: whether any of them has a budget.
    """

    accounts: tuple[Account, ...]
    amount: NanoUsd
    price: Price | None
    is_bounded: bool = True


@dataclass(frozen=True, slots=True)
class _Terms:
    """
    What is known of an attempt before the request is.

    Attributes:
        accounts: who pays.
        hard: whether the strictest of their budgets is.
        spec: the target's provider, which these terms hold for.
        usual_limit: how long the answer may be where the client sets no limit: as long as the longest that
            the model's vendor tells of, or that its window holds, or that any vendor tells of. ``None`` under
            a hard budget where nothing limits it.
        most_output: no answer is longer.
        is_open: whether the configuration adds what a hard budget cannot bound.
    """

    accounts: Payers
    price: Price
    hard: bool
    spec: ProviderSpec
    usual_limit: int | None
    most_output: int
    is_open: bool


def _terms(accounts: Payers, price: Price, spec: ProviderSpec, *, hard: bool) -> _Terms:
    window = spec.context_window
    return _Terms(
        accounts,
        price,
        hard,
        spec,
        usual_limit=spec.output_limit
        or (window if hard else spec.longest_answer or window or LONGEST_ANSWER),
        most_output=window or MOST_TOKENS,
        is_open=hard and bool(spec.costly_fields),
    )


_Tariff: TypeAlias = Quote | Barred | _Terms
"""What does not depend on the request: all of the quote, or the terms for it."""


def known_quote(facts: Facts, target: Target, suffix: str) -> "Quote | Barred | None":
    """What was found out before about an attempt of the same request, if it was."""
    known: tuple[str, Quote | Barred] | None = facts.quotes.get(target)
    return None if known is None or known[0] != suffix else known[1]


class Quotes:
    """
    Makes quotes by the prices and budgets of the configuration.

    Args:
        at_most: a number of tokens that no model makes more of a text than.
    """

    def __init__(self, table: RoutingTable, ledger: BudgetLedger, at_most: Callable[[str], int]) -> None:
        self._table = table
        self._ledger = ledger
        self._at_most = at_most
        self._budgets = ledger.budgets
        self._tariffs: dict[tuple[Target, str, str, str], _Tariff] = {}

    def __repr__(self) -> str:
        return f"<Quotes by {self._ledger!r}>"

    def quote(self, asker: Asker, target: Target, spec: ProviderSpec, suffix: str = "") -> Quote | Barred:
        """
        The quote, or why a budget cannot be kept with this target.

        Args:
            suffix: the instructions of the configuration that will be added.

        Raises:
            MalformedRequest: the request had to be read, and cannot be understood.
        """
        found = known_quote(asker.facts, target, suffix)
        if found is None:
            tariff = self._tariff(asker, target, spec)
            found = (
                self._worst_case(asker.facts, target, suffix, tariff)
                if isinstance(tariff, _Terms)
                else tariff
            )
            asker.facts.quotes[target] = (suffix, found)
        return found

    def _tariff(self, asker: Asker, target: Target, spec: ProviderSpec) -> "_Tariff":
        """Looked up once for somebody and a target, as long as the budgets are these."""
        caller = asker.caller
        if self._ledger.budgets is not self._budgets or len(self._tariffs) >= _MOST_TARIFFS:
            self._budgets, self._tariffs = self._ledger.budgets, {}
        party = (target, asker.profile.name, caller.member, caller.key_account)
        found = self._tariffs.get(party)
        if found is None or (isinstance(found, _Terms) and found.spec is not spec):
            found = self._tariffs[party] = self._new_tariff(asker, target, spec)
        return found

    def _new_tariff(self, asker: Asker, target: Target, spec: ProviderSpec) -> "_Tariff":
        price, accounts = self._table.price(target), payers(asker, target)
        if price is None or price.is_free:
            return self._unpriced(accounts, target, spec)
        strictness = self._ledger.strictness(accounts)
        if strictness is Strictness.FREE:
            return Quote(accounts, NOTHING, price, is_bounded=False)
        return _terms(accounts, price, spec, hard=strictness is Strictness.HARD)

    def _worst_case(self, facts: Facts, target: Target, suffix: str, terms: _Terms) -> Quote | Barred:
        """For all the answers together."""
        usual = facts.measure
        output_tokens = 0
        if facts.generates:
            asked = facts.output_limit if usual is None else usual.output_limit
            limit = asked or terms.usual_limit
            if limit is None:
                return Barred(target, BarReason.NO_OUTPUT_BOUND)
            if terms.is_open:
                return Barred(target, BarReason.NO_COST_BOUND)
            output_tokens = min(limit, terms.most_output) * facts.choices
        if usual is None:
            input_tokens, for_an_hour = self._most_input_tokens(facts, terms), facts.may_cache_for_an_hour
        else:
            input_tokens, for_an_hour = usual.size + TOOLS_PREAMBLE, False
        if input_tokens is None:
            return Barred(target, BarReason.NO_COST_BOUND)
        if suffix:
            input_tokens += self._at_most(suffix)
        price = terms.price
        if for_an_hour:
            most = price.at_most(input_tokens, output_tokens, cached_for_an_hour=True)
        else:
            most = price.at_most(input_tokens, output_tokens)
        return Quote(terms.accounts, most, price)

    def _most_input_tokens(self, facts: Facts, terms: _Terms) -> int | None:
        """
        Of what the client said; ``None`` under a hard budget where nothing limits it.

        Under a soft one what the vendor may run meanwhile is left out, as nobody knows of what order it is.
        """
        spec = terms.spec
        if terms.hard and facts.is_open_ended and is_spoken_by(spec, facts.dialect):
            return None
        prompt = facts.most_prompt_tokens(self._at_most, picture=_most_of_a_picture(spec))
        if prompt is None:
            return spec.context_window or (None if terms.hard else _LONGEST_PROMPT)
        return prompt

    def _unpriced(self, accounts: Payers, target: Target, spec: ProviderSpec) -> Quote | Barred:
        """What is free is paid for by nobody, but a provider's own budget of nothing closes it."""
        unknown = spec.paid and self._table.price(target) is None and not spec.allow_unpriced
        if unknown and self._ledger.strictness(accounts) is not Strictness.FREE:
            return Barred(target, BarReason.UNPRICED)
        provider = (Account(AccountKind.PROVIDER, target.provider),)
        bounded = self._ledger.strictness(provider) is not Strictness.FREE
        return Quote(provider, _LEAST, None) if bounded else Quote((), NOTHING, None, is_bounded=False)


def _most_of_a_picture(spec: ProviderSpec) -> int:
    return _MOST_OF_CLAUDES_PICTURES if spec.adapter == "anthropic" else _MOST_OF_A_PICTURE


def payers(asker: Asker, target: Target) -> Payers:
    """Whoever pays for it and has a name; nobody keeps a purse for a caller without one."""
    caller = asker.caller
    named = (
        Account(AccountKind.PROVIDER, target.provider),
        Account(AccountKind.PROFILE, asker.profile.name),
        Account(AccountKind.MEMBER, caller.member),
        Account(AccountKind.KEY, caller.key_account),
    )
    return tuple(account for account in named if account.name)
