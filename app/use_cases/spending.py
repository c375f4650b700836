"""Sees to it that no attempt costs what no budget allows, and that whatever it costs is booked."""

from dataclasses import replace

from app.use_cases.attempts import Attempting, Ending, Later, TargetRefused, seen_of
from app.use_cases.bookkeeping import Bookkeeper, StateUnknown
from app.use_cases.money_events import observed
from domain.budget.billing import Bill, Certainty, bill, counted_bill
from domain.budget.ledger import BudgetLedger
from domain.budget.money import NanoUsd
from domain.budget.purse import Exceeded
from domain.budget.wallet import Reservation
from domain.events import Outcome
from domain.ports.observation import EventSink
from domain.ports.time import Clock
from domain.routing.gates import Asker, BarReason, Barred
from domain.routing.quotes import Quote, Quotes, known_quote, payers
from domain.routing.targets import ProviderSpec, RoutingTable, Target

_LEAST = NanoUsd(1)

_COUNTED, _UNKNOWN, _ANSWERED = Certainty.COUNTED, Certainty.UNKNOWN, Outcome.ANSWERED
"""Under Python 3.11 it takes long to find a member of an enumeration, and every request comes here."""

_SOON_S = 5.0
"""When what requests under way were promised may be free again."""


class BudgetGate:
    """A gate (`domain.routing.gates.Gate`): bars targets whose cost no budget allows, as far as is known."""

    def __init__(self, quotes: Quotes, ledger: BudgetLedger, bookkeeper: Bookkeeper, clock: Clock) -> None:
        self._quotes = quotes
        self._ledger = ledger
        self._bookkeeper = bookkeeper
        self._clock = clock

    def __repr__(self) -> str:
        return f"<BudgetGate by {self._quotes!r}>"

    def __call__(
        self, table: RoutingTable, asker: Asker, target: Target, spec: ProviderSpec
    ) -> Barred | None:
        suffix = table.system_suffix(asker.profile, target)
        quote = self._quotes.quote(asker, target, spec, suffix)
        if isinstance(quote, Barred):
            return self._used_up(asker, target) or quote
        if not quote.is_bounded:
            return None
        if self._bookkeeper.promises_nothing(quote.accounts):
            return Barred(target, BarReason.BUDGET_UNKNOWN)
        exceeded = self._ledger.exceeded(quote.accounts, quote.amount, self._clock.time())
        return None if exceeded is None else self._told(target, exceeded)

    def _used_up(self, asker: Asker, target: Target) -> Barred | None:
        """Who is told what is missing shall not hear after that that there is no money anyhow."""
        exceeded = self._ledger.exceeded(payers(asker, target), _LEAST, self._clock.time())
        barred = None if exceeded is None else self._told(target, exceeded)
        return None if barred is None or barred.reason is BarReason.BUDGET_PROMISED else barred

    def _told(self, target: Target, exceeded: Exceeded) -> Barred:
        """Others may have given something back: the store is asked."""
        self._bookkeeper.stir()
        return _barred(target, exceeded)


class Spending:
    """
    A companion: reserves what an attempt may cost before it is made, and settles what it did cost.

    Attributes:
        bookkeeper: who reserves it.
        sink: where it is told what was spent.
    """

    def __init__(self, quotes: Quotes, bookkeeper: Bookkeeper, sink: EventSink) -> None:
        self._quotes = quotes
        self.bookkeeper = bookkeeper
        self.sink = sink

    def __repr__(self) -> str:
        return f"<Spending through {self.bookkeeper!r}>"

    def admit(self, attempting: Attempting) -> "SpendingTicket | Later":
        """See `app.use_cases.attempts.Companion`."""
        quote = known_quote(attempting.facts, attempting.target, attempting.system_suffix)
        if quote is None:
            quote = self._quotes.quote(
                _asker(attempting), attempting.target, attempting.spec, attempting.system_suffix
            )
        if isinstance(quote, Barred):
            raise TargetRefused(quote)
        if quote.is_bounded:
            found = self.bookkeeper.reserve_at_once(quote.accounts, quote.amount)
        else:
            found = self.bookkeeper.count(quote.accounts, quote.amount)
        if found is None:
            return Later(self._reserved(attempting, quote))
        if isinstance(found, Exceeded):
            raise TargetRefused(_barred(attempting.target, found))
        return SpendingTicket(self, attempting, quote, found)

    async def _reserved(self, attempting: Attempting, quote: Quote) -> "SpendingTicket":
        try:
            found = await self.bookkeeper.reserve(quote.accounts, quote.amount)
        except StateUnknown:
            raise TargetRefused(Barred(attempting.target, BarReason.BUDGET_UNKNOWN)) from None
        if isinstance(found, Exceeded):
            raise TargetRefused(_barred(attempting.target, found))
        return SpendingTicket(self, attempting, quote, found)


def _barred(target: Target, exceeded: Exceeded) -> Barred:
    if exceeded.is_for_now:
        return Barred(target, BarReason.BUDGET_PROMISED, exceeded=exceeded, retry_after_s=_SOON_S)
    return Barred(target, BarReason.BUDGET, exceeded=exceeded)


def _asker(attempting: Attempting) -> Asker:
    caller = attempting.wishes.caller
    return Asker(facts=attempting.facts, profile=attempting.profile, caller=caller)


class SpendingTicket:
    """The money that one attempt has been promised."""

    __slots__ = ("_attempting", "_quote", "_reservation", "_spending")

    def __init__(
        self, spending: Spending, attempting: Attempting, quote: Quote, reservation: Reservation
    ) -> None:
        self._spending = spending
        self._attempting = attempting
        self._quote = quote
        self._reservation = reservation

    def __repr__(self) -> str:
        return f"<SpendingTicket for {self._attempting.target}: {self._reservation!r}>"

    def ended(self, ending: Ending) -> None:
        """See `app.use_cases.attempts.Ticket`."""
        attempting, price, is_answered = self._attempting, self._quote.price, ending.outcome is _ANSWERED
        found = counted_bill(ending.usage, price) if is_answered else None
        if found is None:
            found = self._settled(bill(seen_of(attempting, ending), price))
        else:
            self._reservation.settle(found.cost)
        self._spending.bookkeeper.stir()
        attempting.receipt.add(attempting.target, found)
        if is_answered:
            self._tell(found, ending)

    def _settled(self, found: Bill) -> Bill:
        """The bill, with what is set aside as nobody knows what will be billed."""
        if found.certainty is _COUNTED:
            self._reservation.settle(found.cost, estimated=found.estimated)
        elif found.certainty is _UNKNOWN:
            return replace(found, set_aside=self._reservation.settle_unknown(found.cost))
        else:
            self._reservation.release()
        return found

    def _tell(self, found: Bill, ending: Ending) -> None:
        attempting = self._attempting
        self._spending.sink.emit(
            observed(
                found,
                ending.usage,
                request_id=attempting.request_id,
                provider=attempting.target.provider,
                stream=attempting.stream,
                marked=attempting.request.source.marks_cache,
            )
        )
