"""Gives single keys budgets and limits of their own, as keys come and go."""

from collections.abc import Mapping

from app.use_cases.bookkeeping import Bookkeeper
from app.use_cases.member_limits import MemberLimits
from domain.access.keys import KeyRing
from domain.budget.accounts import Account, AccountKind, Budget
from domain.ports.time import Clock


class KeyAllowances:
    """
    Has budgets and limits kept for the keys that hold.

    Args:
        budgets: those that the configuration gives to others.
    """

    def __init__(
        self, budgets: Mapping[Account, Budget], bookkeeper: Bookkeeper, limits: MemberLimits, clock: Clock
    ) -> None:
        self._budgets = budgets
        self._bookkeeper = bookkeeper
        self._limits = limits
        self._clock = clock

    def __repr__(self) -> str:
        return f"<KeyAllowances through {self._bookkeeper!r}>"

    def grant(self, ring: KeyRing) -> None:
        """From now on, and nothing else that an earlier ring said."""
        now = self._clock.time()
        keys = [key for key in ring if key.holds(now)]
        budgets = {Account(AccountKind.KEY, key.account): key.budget for key in keys if key.budget}
        self._bookkeeper.rebudget({**self._budgets, **budgets})
        self._limits.limit_keys({key.account: key.limits for key in keys if key.limits})
