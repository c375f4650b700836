"""
What the payers of an attempt have together, and what is promised of it.

Theory of operation. An attempt is paid for by several accounts, each of which has a pot for the month and one
for the day. Hardly any of these pots have a budget, and of those that have none nobody needs to know at once
what is in them. So a wallet keeps one tally for all of them: what is promised and spent is noted there once,
and poured into the purses before anybody looks into them. The list of changed tallies keeps what was noted,
also when its wallet is gone.
"""

from collections.abc import Iterable
from math import inf

from domain.budget.book import Book
from domain.budget.money import NOTHING, NanoUsd
from domain.budget.purse import Purse


class Tally:
    """
    What changed in purses without a budget since they last heard of it.

    Args:
        changed: where it puts itself when there is something to pour.

    Attributes:
        purses: what it is poured into.
        is_listed: whether it is in the list of those that changed.
        reserved, spent, estimated: by how much; whoever changes them sees to it that it is listed.
    """

    __slots__ = ("_changed", "estimated", "is_listed", "purses", "reserved", "spent")

    def __init__(self, purses: tuple[Purse, ...], changed: "list[Tally]") -> None:
        self.purses = purses
        self._changed = changed
        self.is_listed = False
        self.reserved = self.spent = self.estimated = 0

    def __repr__(self) -> str:
        return f"<Tally of {len(self.purses)}: spent={self.spent} reserved={self.reserved}>"

    def list(self) -> None:
        """Has it poured later; at once where a purse has got a budget since, as requests ask what is left."""
        if any(purse.cap is not None for purse in self.purses):
            self.pour()
            return
        self.is_listed = True
        self._changed.append(self)

    def pour(self) -> None:
        for purse in self.purses:
            purse.room -= self.reserved + self.spent
            purse.spent += self.spent
            purse.estimated += self.estimated
        self.reserved = self.spent = self.estimated = 0
        self.is_listed = False


class Wallet:
    """
    The purses of some payers, until the calendar turns.

    Every request comes here: what is done with each purse stands in one loop, as a call takes longer than it.

    Attributes:
        capped: those that have a budget.
        since, until: when, as seconds since the epoch, these are the purses to pay from.
    """

    __slots__ = ("_others", "capped", "since", "until")

    def __init__(self, books: Iterable[Book], now: float, changed: list[Tally]) -> None:
        purses = tuple(purse for book in books for purse in book.current(now))
        self.capped = tuple(purse for purse in purses if purse.cap is not None)
        self._others = Tally(tuple(purse for purse in purses if purse.cap is None), changed)
        self.since = max((purse.period.begins_at for purse in purses), default=-inf)
        self.until = min((purse.period.ends_at for purse in purses), default=inf)

    def __repr__(self) -> str:
        return f"<Wallet {self.capped} {self._others!r}>"

    def has(self, amount: NanoUsd) -> bool:
        """Whether the amount fits into what was lent of each budget."""
        for purse in self.capped:  # noqa: SIM110  to ask for all of a generator takes twice as long
            if purse.room < amount or not (purse.is_hard or purse.is_open):
                return False
        return True

    def promise(self, amount: NanoUsd) -> bool:
        """Promises the amount; whether requests may from now on have to wait for more to be lent."""
        is_low = False
        for purse in self.capped:
            room = purse.room = purse.room - amount
            if room < purse.least_room:
                purse.least_room = room
                if room < purse.low_room and not purse.is_low:
                    purse.is_low = purse.is_unsaid = is_low = True
        others = self._others
        others.reserved += amount
        if not others.is_listed:
            others.list()
        return is_low

    def pay(self, amount: NanoUsd, cost: NanoUsd, estimated: NanoUsd) -> None:
        """Ends the promise of ``amount``: ``cost`` was spent, and so much of it estimated."""
        for purse in self.capped:
            purse.room += amount - cost
            purse.spent += cost
            purse.estimated += estimated
        others = self._others
        others.reserved -= amount
        others.spent += cost
        others.estimated += estimated
        if not others.is_listed:
            others.list()

    def pay_unknown(self, amount: NanoUsd, estimate: NanoUsd) -> NanoUsd:
        """
        The same where nobody knows what was spent: hard budgets are charged all that was promised.

        Returns:
            how much that is beyond the estimate.
        """
        self.pay(amount, estimate, estimate)
        beyond = NanoUsd(max(0, amount - estimate))
        set_aside = NOTHING
        # What had no budget when it was promised may have one now.
        for purse in (*self.capped, *self._others.purses):
            if purse.cap is not None and purse.is_hard:
                purse.room -= beyond
                purse.spent += beyond
                purse.estimated += beyond
                set_aside = beyond
        return set_aside


class Reservation:
    """Money promised to one attempt: settle or release it, once."""

    __slots__ = ("_wallet", "amount")

    def __init__(self, wallet: Wallet, amount: NanoUsd) -> None:
        self._wallet: Wallet | None = wallet
        self.amount = amount

    def __repr__(self) -> str:
        return f"<Reservation of {self.amount}{'' if self._wallet else ', settled'}>"

    def settle(self, cost: NanoUsd, *, estimated: bool = False) -> None:
        """The attempt cost this much."""
        wallet, self._wallet = self._wallet, None
        if wallet is not None:
            wallet.pay(self.amount, cost, cost if estimated else NOTHING)

    def settle_unknown(self, estimate: NanoUsd) -> NanoUsd:
        """
        The attempt may have been billed: an estimate under a soft budget, all of it under a hard one.

        Returns:
            how much hard budgets are charged beyond the estimate.
        """
        wallet, self._wallet = self._wallet, None
        return NOTHING if wallet is None else wallet.pay_unknown(self.amount, estimate)

    def release(self) -> None:
        """The attempt cost nothing, or was never made."""
        self.settle(NOTHING)
