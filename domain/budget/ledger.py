"""
Books what every attempt may cost, and then what it did.

Theory of operation. The money for an attempt is reserved before it is made, in the pots of all accounts that
pay for it, and settled or released when it ends. All of that happens in memory, inside what the store has
lent this worker (`domain.budget.leases`); what waits for the store is only a request for which that does not
suffice. `claims` says what the store must be told and asked, `granted` brings its answer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import TypeAlias

from domain.budget.accounts import NO_BUDGET, Account, Budget, BudgetMode, Pot
from domain.budget.book import Book
from domain.budget.leases import Claim, Grant
from domain.budget.money import NanoUsd
from domain.budget.purse import Exceeded, Purse
from domain.budget.wallet import Reservation, Tally, Wallet
from domain.values import value


@value
class Short:
    """The money may be there but is not lent to this worker: make the claims, then ask again."""


SHORT = Short()
Reserving: TypeAlias = Reservation | Short | Exceeded


class Strictness(IntEnum):
    """Whether anything bounds what is spent, and whether that may be exceeded by one request."""

    FREE = 0
    SOFT = 1
    HARD = 2


def _strictness_of(budget: Budget) -> Strictness:
    if not budget.bounds_anything:
        return Strictness.FREE
    return Strictness.HARD if budget.mode is BudgetMode.HARD else Strictness.SOFT


Payers: TypeAlias = tuple[Account, ...]
"""Who pays for an attempt together."""

_MOST_WALLETS = 4096


class Claims:
    """What is said to the store at one time, and whose purses it is about."""

    __slots__ = ("_purses", "told")

    def __init__(self, told: tuple[Claim, ...], purses: tuple[Purse, ...]) -> None:
        self.told = told
        self._purses = purses

    def __repr__(self) -> str:
        return f"<Claims {self.told}>"

    def granted(self, grants: Sequence[Grant]) -> None:
        """The answers, in the order of the claims."""
        for purse, grant in zip(self._purses, grants, strict=True):
            purse.granted(grant)

    def unanswered(self) -> None:
        """The store could not be asked."""
        for purse in self._purses:
            purse.unanswered()


class BudgetLedger:
    """
    What this worker has reserved and spent, for every account that pays.

    Attributes:
        budgets: every budget there is now; only `rebudget` changes them.
        is_low: whether requests may soon have to wait for more to be lent; whoever asks for more clears it.
    """

    def __init__(self, budgets: Mapping[Account, Budget]) -> None:
        self.is_low = False
        self.budgets = budgets
        self._books: dict[Account, Book] = {}
        self._wallets: dict[Payers, Wallet] = {}
        self._tallies: list[Tally] = []
        self._leaving = False

    def __repr__(self) -> str:
        return f"<BudgetLedger of {len(self._books)} accounts>"

    def rebudget(self, budgets: Mapping[Account, Budget]) -> None:
        """There are other budgets from now on; a mapping that was given is never changed."""
        self._pour()
        self.budgets = budgets
        self._wallets = {}
        for account, book in self._books.items():
            book.rebudget(budgets.get(account, NO_BUDGET))

    def strictness(self, accounts: Payers) -> Strictness:
        """How the strictest of their budgets is to be kept."""
        return max((_strictness_of(self._budget(account)) for account in accounts), default=Strictness.FREE)

    def exceeded(self, accounts: Payers, amount: NanoUsd, now: float) -> Exceeded | None:
        """The first budget that the amount does not fit into, whatever the store may say if it is asked."""
        wallet = self._wallet(accounts, now)
        return None if wallet.has(amount) else _first_exceeded(wallet.capped, amount, Purse.might_have)

    def reserve(self, accounts: Payers, amount: NanoUsd, now: float, *, asked: bool = False) -> Reserving:
        """
        Promises the amount, out of all pots of these accounts or of none.

        Args:
            asked: the store has answered since this was first wanted. What others hold is known only then:
                nobody is refused by what they held some time ago.
        """
        wallet = self._wallet(accounts, now)
        if not wallet.has(amount):
            return _short(wallet, amount, asked=asked)
        if wallet.promise(amount):
            self.is_low = True
        return Reservation(wallet, amount)

    def reserve_unlent(self, accounts: Payers, amount: NanoUsd, now: float) -> Reservation | Exceeded:
        """As `reserve`, by what is known of the budgets, while the store that lends cannot be asked."""
        wallet = self._wallet(accounts, now)
        exceeded = _first_exceeded(wallet.capped, amount, Purse.could_have)
        if exceeded is not None:
            return exceeded
        if wallet.promise(amount):
            self.is_low = True
        return Reservation(wallet, amount)

    def is_known(self, accounts: Payers, now: float) -> bool:
        """Whether of every budget that must not be exceeded it was ever heard what is left of it."""
        return all(purse.is_known for purse in self._wallet(accounts, now).capped if purse.is_hard)

    def open(self, accounts: Iterable[Account], now: float) -> None:
        """Opens the books of accounts before anybody asks, so that money is lent when the first one does."""
        for account in accounts:
            self._book(account).current(now)

    def claims(self, now: float) -> Claims:
        """What the store must be told and asked; whatever comes of it must be told them before the next."""
        self._pour()
        claims: list[Claim] = []
        claimed: list[Purse] = []
        for book in self._books.values():
            if not self._leaving and book.turn(now):
                self._wallets = {}
            for purse in book.purses:
                claim = purse.claim(now)
                if claim is not None:
                    claims.append(claim)
                    claimed.append(purse)
        return Claims(tuple(claims), tuple(claimed))

    def say_again(self) -> None:
        """Has the store told of every pot once more, as it may have forgotten what it knew."""
        for purse in self.purses():
            purse.say_again()

    def give_back(self) -> None:
        """Keeps no money that is not promised from now on, as no request will come."""
        self._leaving = True
        for purse in self.purses():
            purse.give_back()

    def purses(self) -> Iterator[Purse]:
        """All that are open."""
        self._pour()
        for book in self._books.values():
            yield from book.purses

    def promised(self, pot: Pot) -> NanoUsd:
        """What this worker has promised of a pot to requests that are under way."""
        self._pour()
        book = self._books.get(pot.account)
        purses = () if book is None else book.purses
        return NanoUsd(sum(purse.reserved for purse in purses if purse.pot == pot))

    @property
    def is_settled(self) -> bool:
        """Whether nothing is promised, and the store knows of everything that was spent."""
        return all(purse.is_idle for purse in self.purses())

    def _pour(self) -> None:
        """Before somebody looks into the purses, or changes what they are for."""
        for tally in self._tallies:
            tally.pour()
        self._tallies.clear()

    def _wallet(self, accounts: Payers, now: float) -> Wallet:
        wallet = self._wallets.get(accounts)
        if wallet is None or not wallet.since <= now < wallet.until:
            if len(self._wallets) >= _MOST_WALLETS:
                self._wallets = {}
            books = [self._book(account) for account in accounts]
            wallet = self._wallets[accounts] = Wallet(books, now, self._tallies)
        return wallet

    def _book(self, account: Account) -> Book:
        book = self._books.get(account)
        if book is None:
            book = self._books[account] = Book(account, self._budget(account))
        return book

    def _budget(self, account: Account) -> Budget:
        return self.budgets.get(account, NO_BUDGET)


def _short(wallet: Wallet, amount: NanoUsd, *, asked: bool) -> Short | Exceeded:
    """Asks for it in all pots at once, lest one gives back what it has while another waits."""
    fits = Purse.could_have if asked else Purse.might_have
    exceeded = _first_exceeded(wallet.capped, amount, fits)
    if exceeded is not None:
        return exceeded
    for purse in wallet.capped:
        purse.lack(amount)
    return SHORT


def _first_exceeded(
    capped: Iterable[Purse], amount: NanoUsd, fits: Callable[[Purse, NanoUsd], bool]
) -> Exceeded | None:
    for purse in capped:
        if not (purse.has(amount) or fits(purse, amount)):
            purse.long_for()
            return purse.exceeded(amount)
    return None
