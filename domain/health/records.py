"""What is known of each provider, as values, and where they are kept."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from domain.health.cooldown import Cooldown, CooldownReason
from domain.health.machine import NEVER_ASKED, HealthStateMachine
from domain.values import value


@value(kw_only=True)
class ProviderRecord:
    """The health of one provider, and the pauses it was given: at most one for each reason and model."""

    health: HealthStateMachine = NEVER_ASKED
    cooldowns: tuple[Cooldown, ...] = ()

    def cooldown(self, reason: CooldownReason, model: str) -> Cooldown | None:
        """The last for this reason, over or not."""
        same = (one for one in self.cooldowns if (one.reason, one.model) == (reason, model))
        return next(same, None)

    def cooling(self, cooldown: Cooldown) -> "ProviderRecord":
        before = self.cooldown(cooldown.reason, cooldown.model)
        kept = tuple(one for one in self.cooldowns if one is not before)
        return replace(self, cooldowns=(*kept, cooldown))

    def forgiving(self, now: float) -> "ProviderRecord":
        """
        A success has come: pauses that are over are forgotten, and with them how often there were some.

        One that holds goes on: the attempt that succeeded may have begun before it.
        """
        holding = tuple(one for one in self.cooldowns if one.holds(now))
        return self if holding == self.cooldowns else replace(self, cooldowns=holding)


UNKNOWN = ProviderRecord()
"""Of a provider that nobody has asked yet."""


class ProviderRecords(Protocol):
    """
    Keeps a record for each provider.

    Neither reading nor writing ever waits or fails: a request must not depend on it. What was kept is read
    back at once by whoever kept it. Where several processes share records, each sees the others' within a
    second, and it does not matter whose came first: times are of the clock that the roster is asked with, and
    it is for the records to turn them into another's.
    """

    def of(self, provider: str) -> ProviderRecord:
        """What is known; `UNKNOWN` where that is nothing."""
        ...

    def keep(self, provider: str, record: ProviderRecord) -> None:
        """An attempt has changed what is known."""
        ...

    def forget(self, provider: str) -> None:
        """Nothing is known any more, by nobody: what others may still say of the time before is void."""
        ...

    def known(self) -> Mapping[str, ProviderRecord]:
        """Every record that was kept."""
        ...


class OwnRecords:
    """Records of this process alone."""

    def __init__(self) -> None:
        self._records: dict[str, ProviderRecord] = {}

    def __repr__(self) -> str:
        return f"<OwnRecords of {sorted(self._records)}>"

    def of(self, provider: str) -> ProviderRecord:
        return self._records.get(provider, UNKNOWN)

    def keep(self, provider: str, record: ProviderRecord) -> None:
        self._records[provider] = record

    def forget(self, provider: str) -> None:
        self._records[provider] = UNKNOWN

    def known(self) -> Mapping[str, ProviderRecord]:
        return MappingProxyType(self._records)
