"""What an ending changes in what is known of a provider, as values to be told by others."""

from typing import TypeAlias

from domain.health.cooldown import Cooldown, CooldownReason
from domain.health.machine import HealthState
from domain.health.policy import MemoryPressureAction
from domain.values import value


@value(kw_only=True)
class HealthChanged:
    """A provider's state is another than before."""

    before: HealthState
    after: HealthState
    failures: int


@value(kw_only=True)
class CooledDown:
    """A provider, or one model of it, is left alone for longer than before."""

    cooldown: Cooldown


@value(kw_only=True)
class MemoryPressure:
    """A provider ran out of memory, and this is what the profile does about it."""

    action: MemoryPressureAction
    cooldown_s: float


Change: TypeAlias = HealthChanged | CooledDown | MemoryPressure


@value(kw_only=True)
class Forgotten:
    """What was held against a provider and is not any more."""

    state: HealthState
    cooldowns: tuple[CooldownReason, ...]
