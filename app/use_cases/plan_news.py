"""Passes on what providers tell of their plans, from those who hear it to whoever keeps it in mind."""

from collections.abc import Callable

from domain.failures import QuotaScope

Spent = Callable[[str, float, QuotaScope | None], None]
"""Nothing is left of a provider's plan, for so many seconds; what it is measured over, if that was told."""


class PlanNews:
    """Is there before its listener, as providers are built before what is known of them."""

    def __init__(self) -> None:
        self._listener: Spent | None = None

    def __repr__(self) -> str:
        return f"<PlanNews to {self._listener!r}>"

    def listen(self, listener: Spent) -> None:
        """From now on, and in the place of an earlier one."""
        self._listener = listener

    def spent(self, provider: str, wait_s: float, scope: QuotaScope | None) -> None:
        if self._listener is not None:
            self._listener(provider, wait_s, scope)
