"""Events about machines that sleep until they are needed."""

from typing import ClassVar

from domain.inventory.level import Level
from domain.values import value


@value(kw_only=True)
class HostSleepChanged:
    """
    A provider's machine is in another state: ``awake``, ``asleep``, ``waking`` or ``missing``.

    Who is ``missing`` was called and has not come in time; only then its silence counts for health.
    ``request_id`` is empty when a probe showed it.
    """

    name: ClassVar[str] = "host-sleep-changed"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    old_state: str
    new_state: str


@value(kw_only=True)
class WakePacketSent:
    """
    A provider's machine was called by a magic packet.

    ``addresses`` are those it went to; ``error`` is empty unless it could not be sent to some.
    """

    name: ClassVar[str] = "wake-packet-sent"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    mac: str
    addresses: tuple[str, ...]
    error: str


@value(kw_only=True)
class HostAwaited:
    """A request has waited for a provider's machine to wake; ``came`` tells whether it did in time."""

    name: ClassVar[str] = "host-awaited"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    waited_ms: float
    came: bool
