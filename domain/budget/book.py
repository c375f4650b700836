"""The purses of one account, as the calendar turns."""

from domain.budget.accounts import Account, Budget, Pot
from domain.budget.money import NOTHING, NanoUsd
from domain.budget.periods import Period, Span, period_at
from domain.budget.purse import Purse

_OPENS_BEFORE_S = 60.0
"""How long before a period begins money of it is lent, so that nobody waits at midnight."""

_KEPT_FOR_S = 2 * 86_400.0
"""How long a purse is kept after its period, for requests that began in it."""

_REMEMBERED = 500
"""Of so many periods that are over it is kept what was spent. A clock that is set back must find it: a new
purse would tell the store that nothing was."""


class Book:
    """Opens a purse for each month and day in which the account spends, and forgets it long after."""

    __slots__ = ("_budget", "_current", "_over", "_since", "_until", "account", "purses")

    def __init__(self, account: Account, budget: Budget) -> None:
        self.account = account
        self.purses: list[Purse] = []
        self._over: dict[Pot, tuple[NanoUsd, NanoUsd]] = {}
        self._budget = budget
        self._current: tuple[Purse, ...] = ()
        self._since = self._until = 0.0

    def __repr__(self) -> str:
        return f"<Book of {self.account.kind} {self.account.name}: {self.purses}>"

    def current(self, now: float) -> tuple[Purse, ...]:
        """The purses of the month and the day that hold this moment."""
        if not self._since <= now < self._until:
            self._current = tuple(self._opened(period_at(span, self._budget.zone, now)) for span in Span)
            self._since = max(purse.period.begins_at for purse in self._current)
            self._until = min(purse.period.ends_at for purse in self._current)
        return self._current

    def rebudget(self, budget: Budget) -> None:
        """The account has another budget now; what was spent stays where it was booked."""
        if budget.zone != self._budget.zone:
            self._since = self._until = 0.0
        self._budget = budget
        for purse in self.purses:
            purse.rebudget(budget.cap(purse.period.span), budget.mode)

    def turn(self, now: float) -> bool:
        """
        Opens what is about to begin; gives back what is over, and forgets it later.

        Returns:
            whether any purse was forgotten.
        """
        for purse in self.current(now):
            if purse.cap is not None and purse.period.ends_at - now <= _OPENS_BEFORE_S:
                self._opened(period_at(purse.period.span, self._budget.zone, purse.period.ends_at))
        return len(self.purses) > len(self._current) and self._tidy(now)

    def _tidy(self, now: float) -> bool:
        for purse in self.purses:
            if purse.period.ends_at <= now:
                purse.give_back()
        before = len(self.purses)
        for purse in self.purses:
            if _is_done_with(purse, now) and purse.spent:
                self._over[purse.pot] = (NanoUsd(purse.spent), NanoUsd(purse.estimated))
        while len(self._over) > _REMEMBERED:
            del self._over[next(iter(self._over))]
        self.purses = [purse for purse in self.purses if not _is_done_with(purse, now)]
        return len(self.purses) < before

    def _opened(self, period: Period) -> Purse:
        pot = Pot(self.account, period.span, period.key)
        known = next((purse for purse in self.purses if purse.pot == pot), None)
        if known is not None:
            # By the calendar of another zone the same month has other bounds.
            known.period = period
            return known
        purse = Purse(pot, period, self._budget.cap(period.span), self._budget.mode)
        purse.recall(*self._over.pop(pot, (NOTHING, NOTHING)))
        # Nobody had spent of a later period when the store last told of an earlier one.
        purse.is_known = any(other.is_known for other in self.purses if other.period.span is period.span)
        self.purses.append(purse)
        return purse


def _is_done_with(purse: Purse, now: float) -> bool:
    return purse.is_idle and purse.period.ends_at + _KEPT_FOR_S <= now
