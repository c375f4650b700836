"""What an attempt may cost, and who pays for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from domain.access.keys import Caller
from domain.budget.accounts import Account, AccountKind
from domain.budget.billing import LONGEST_ANSWER
from domain.budget.ledger import BudgetLedger, Payers, Strictness
from domain.budget.money import NOTHING, NanoUsd
from domain.budget.pricing import Price
from domain.conversation.reply import MOST_TOKENS
from domain.routing.facts import Facts
from domain.routing.gates import BarReason, Barred
from domain.routing.manner import is_spoken_by
from domain.routing.targets import Profile, ProviderSpec, RoutingTable, Target
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
class Errand:
    """
    An attempt as far as its cost depends on it.

    Attributes:
        suffix: the instructions of the configuration that will be added.
    """

    facts: Facts
    caller: Caller
    profile: Profile
    target: Target
    spec: ProviderSpec
    suffix: str = ""


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
    is_bounded: bool


@dataclass(frozen=True, slots=True)
class _Rates:
    """Who pays for a request, by which price, and whether the strictest of their budgets is hard."""

    accounts: Payers
    price: Price
    hard: bool


_Tariff: TypeAlias = Quote | Barred | _Rates
"""What does not depend on the request: all of the quote, or the rates for it."""


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

    def quote(self, errand: Errand) -> Quote | Barred:
        """
        The quote, or why a budget cannot be kept with this target.

        Raises:
            MalformedRequest: the request had to be read, and cannot be understood.
        """
        found = known_quote(errand.facts, errand.target, errand.suffix)
        if found is None:
            found = self._quote(errand)
            errand.facts.quotes[errand.target] = (errand.suffix, found)
        return found

    def _quote(self, errand: Errand) -> Quote | Barred:
        tariff = self._tariff(errand)
        if not isinstance(tariff, _Rates):
            return tariff
        found = self._worst_case(errand, tariff.price, hard=tariff.hard)
        if isinstance(found, Barred):
            return found
        return Quote(tariff.accounts, found, tariff.price, is_bounded=True)

    def _tariff(self, errand: Errand) -> "_Tariff":
        """Looked up once for somebody and a target, as long as the budgets are these."""
        caller, budgets = errand.caller, self._ledger.budgets
        if budgets is not self._budgets or len(self._tariffs) >= _MOST_TARIFFS:
            self._budgets, self._tariffs = budgets, {}
        party = (errand.target, errand.profile.name, caller.member, caller.key_account)
        found = self._tariffs.get(party)
        if found is None:
            found = self._tariffs[party] = self._new_tariff(errand)
        return found

    def _new_tariff(self, errand: Errand) -> "_Tariff":
        price, accounts = self._table.price(errand.target), payers(errand)
        if price is None or price.is_free:
            return self._unpriced(errand)
        strictness = self._ledger.strictness(accounts)
        if strictness is Strictness.FREE:
            return Quote(accounts, NOTHING, price, is_bounded=False)
        return _Rates(accounts, price, strictness is Strictness.HARD)

    def _worst_case(self, errand: Errand, price: Price, *, hard: bool) -> NanoUsd | Barred:
        facts = errand.facts
        usual = facts.measure
        asked = facts.output_limit if usual is None else usual.output_limit
        output_tokens = _most_output_tokens(errand, asked, hard=hard)
        if output_tokens is None:
            return Barred(errand.target, BarReason.NO_OUTPUT_BOUND)
        if hard and facts.generates and errand.spec.costly_fields:
            return Barred(errand.target, BarReason.NO_COST_BOUND)
        if usual is None:
            input_tokens = self._most_input_tokens(errand, hard=hard)
            for_an_hour = facts.may_cache_for_an_hour
        else:
            input_tokens = usual.size + TOOLS_PREAMBLE
            for_an_hour = False
        if input_tokens is None:
            return Barred(errand.target, BarReason.NO_COST_BOUND)
        if errand.suffix:
            input_tokens += self._at_most(errand.suffix)
        return price.at_most(input_tokens, output_tokens, cached_for_an_hour=for_an_hour)

    def _most_input_tokens(self, errand: Errand, *, hard: bool) -> int | None:
        """
        Of what the client said; ``None`` under a hard budget where nothing limits it.

        Under a soft one what the vendor may run meanwhile is left out, as nobody knows of what order it is.
        """
        facts, spec = errand.facts, errand.spec
        if hard and facts.is_open_ended and is_spoken_by(spec, facts.dialect):
            return None
        prompt = facts.most_prompt_tokens(self._at_most, picture=_most_of_a_picture(spec))
        if prompt is None:
            return spec.context_window or (None if hard else _LONGEST_PROMPT)
        return prompt

    def _unpriced(self, errand: Errand) -> Quote | Barred:
        """What is free is paid for by nobody, but a provider's own budget of nothing closes it."""
        spec = errand.spec
        unknown = spec.paid and self._table.price(errand.target) is None and not spec.allow_unpriced
        if unknown and self._ledger.strictness(payers(errand)) is not Strictness.FREE:
            return Barred(errand.target, BarReason.UNPRICED)
        provider = (Account(AccountKind.PROVIDER, errand.target.provider),)
        bounded = self._ledger.strictness(provider) is not Strictness.FREE
        return (
            Quote(provider, _LEAST, None, is_bounded=True)
            if bounded
            else Quote((), NOTHING, None, is_bounded=False)
        )


def _most_of_a_picture(spec: ProviderSpec) -> int:
    return _MOST_OF_CLAUDES_PICTURES if spec.adapter == "anthropic" else _MOST_OF_A_PICTURE


def payers(errand: Errand) -> Payers:
    """Whoever pays for it and has a name; nobody keeps a purse for a caller without one."""
    caller = errand.caller
    named = (
        Account(AccountKind.PROVIDER, errand.target.provider),
        Account(AccountKind.PROFILE, errand.profile.name),
        Account(AccountKind.MEMBER, caller.member),
        Account(AccountKind.KEY, caller.key_account),
    )
    return tuple(account for account in named if account.name)


def _most_output_tokens(errand: Errand, asked: int, *, hard: bool) -> int | None:
    """
    For all the answers together. None outgrows its context window.

    Where nobody sets a limit a soft budget takes the longest answer that the model's vendor tells of, or that
    its window holds, or that any vendor tells of; for a hard one there is ``None`` where nothing limits them.

    Args:
        asked: the limit that the client sets; 0 for none.
    """
    facts, spec = errand.facts, errand.spec
    if not facts.generates:
        return 0
    window = spec.context_window
    limit = (
        asked or spec.output_limit or (window if hard else spec.longest_answer or window or LONGEST_ANSWER)
    )
    return None if limit is None else min(limit, window or MOST_TOKENS) * facts.choices
