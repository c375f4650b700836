"""What a profile does about providers that fail, run out of memory or are slow."""

from dataclasses import dataclass
from enum import StrEnum


class MemoryPressureAction(StrEnum):
    """What happens to a provider that ran out of memory: nothing, an event, or a pause."""

    OFF = "off"
    WARN = "warn"
    SKIP = "skip"


class BackendHealthAction(StrEnum):
    """What happens to a provider that fails again and again: nothing, an event, or the last place."""

    OFF = "off"
    WARN = "warn"
    DEMOTE = "demote"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptivePolicy:
    """
    When a target is slow or faulty enough to be tried after others.

    Attributes:
        enabled: whether anything is measured at all.
        window_s: how long an attempt is remembered.
        latency_factor: so many times slower than the others is slow.
        error_rate: so large a share of failures is faulty, from 0 to 1.
        debounce_s: how long a target keeps its score after it changed.
        least_timed: attempts with an answer before a target's speed means anything.
        least_tried: attempts before its share of failures means anything.
    """

    enabled: bool = False
    window_s: float = 60.0
    latency_factor: float = 1.5
    error_rate: float = 0.10
    debounce_s: float = 30.0
    least_timed: int = 3
    least_tried: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthPolicy:
    """
    A profile's policy.

    Attributes:
        memory_cooldown_s: how long a provider is left alone that ran out of memory.
        threshold: failures in a row that degrade a provider; twice as many make it unhealthy.
        half_open_s: between two trials of an unhealthy provider.
    """

    memory_action: MemoryPressureAction = MemoryPressureAction.WARN
    memory_cooldown_s: float = 120.0
    action: BackendHealthAction = BackendHealthAction.WARN
    threshold: int = 3
    half_open_s: float = 15.0
    adaptive: AdaptivePolicy = AdaptivePolicy()


WATCHING = HealthPolicy()
"""Tells what happens, and changes nothing."""
