"""What this process knows of providers, with what it hears from others."""

from collections.abc import Mapping
from types import MappingProxyType

from domain.health.records import UNKNOWN, ProviderRecord
from domain.health.shared import NOTHING_HEARD, SharedFacts
from domain.ports.time import Clock


class SharedRecords:
    """
    Implements `domain.health.records.ProviderRecords`, and remembers what others have to hear.

    It does no telling and no hearing itself: for that see `app.use_cases.health_sharing`.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: dict[str, ProviderRecord] = {}
        self._facts: dict[str, SharedFacts] = {}

    def __repr__(self) -> str:
        return f"<SharedRecords of {sorted(self._records)}>"

    @property
    def facts(self) -> Mapping[str, SharedFacts]:
        return MappingProxyType(self._facts)

    def of(self, provider: str) -> ProviderRecord:
        return self._records.get(provider, UNKNOWN)

    def keep(self, provider: str, record: ProviderRecord) -> None:
        before = self.of(provider)
        facts = self._facts.get(provider, NOTHING_HEARD)
        self._facts[provider] = facts.after(before, record, self._clock.time(), self._shift)
        self._records[provider] = record

    def forget(self, provider: str) -> None:
        self._facts[provider] = self._facts.get(provider, NOTHING_HEARD).reset(self._clock.time())
        self._records[provider] = UNKNOWN

    def known(self) -> Mapping[str, ProviderRecord]:
        return MappingProxyType(self._records)

    def hear(self, provider: str, told: SharedFacts) -> bool:
        """Takes over what another process tells; whether that is news to this one."""
        before = self._facts.get(provider, NOTHING_HEARD)
        after = before.joined(told)
        if after == before:
            return False
        self._facts[provider] = after
        self._records[provider] = after.record(self._shift)
        return after.news != before.news

    @property
    def _shift(self) -> float:
        """What records' own clock shows more than seconds since the epoch; it changes as clocks are set."""
        return self._clock.monotonic() - self._clock.time()
