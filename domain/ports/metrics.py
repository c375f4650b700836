"""What has been counted."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from domain.admission.quota import QuotaStanding
from domain.budget.standing import Standing
from domain.conversation.extensions import Json


class Metrics(Protocol):
    """The counts of all processes that serve together. Asking may read files, and never fails for it."""

    def exposition(self, budgets: Iterable[Standing] = (), quotas: Iterable[QuotaStanding] = ()) -> bytes:
        """
        In the text format of Prometheus, version 0.0.4.

        Args:
            budgets: as the ledger has them now, which knows them for all processes.
            quotas: how providers' plans stand now, of which each process knows what all have used.
        """
        ...

    def snapshot(self) -> Mapping[str, Json]:
        """For people and their scripts: totals, each provider's record, the latest attempts."""
        ...
