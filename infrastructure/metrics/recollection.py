"""What the status page tells beside numbers: the start, the latest attempts, each provider's last error."""

from collections import deque
from datetime import UTC, datetime
from typing import Any

from domain.events import AnswerFailedMidstream, AttemptFailed, AttemptStarted, AttemptSucceeded, Event
from domain.inventory.lifetime import Started
from domain.ports.time import Clock

MOST_RECENT = 256
_ERROR_LENGTH = 200
"""Characters of an upstream's words in a provider's last error."""


class Recollection:
    """Implements `domain.ports.observation.EventSink` and remembers what it was told, within bounds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.recent: deque[dict[str, Any]] = deque(maxlen=MOST_RECENT)
        self.last_errors: dict[str, dict[str, Any]] = {}
        self.startup: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<Recollection of {len(self.recent)} attempts>"

    def emit(self, event: Event) -> None:
        match event:
            case (
                AttemptStarted(provider=provider, stream=stream)
                | AttemptSucceeded(provider=provider, stream=stream)
            ):
                self._attempt(event.name, provider, stream=stream)
            case AttemptFailed(provider=provider) | AnswerFailedMidstream(provider=provider):
                self._attempt(event.name, provider, status=event.status, retryable=event.retryable)
                self.last_errors[provider] = {
                    "ts": self._now(),
                    "status": event.status,
                    "retryable": event.retryable,
                    "error": _shortened(event.error),
                }
            case Started():
                self.startup = {
                    "version": event.version,
                    "providers": list(event.providers),
                    "profiles": list(event.profiles),
                    "default_profile": event.default_profile,
                    "allow_paid": event.allow_paid,
                    "mode_source": event.mode_source,
                }
            case _:
                pass

    def _attempt(self, name: str, provider: str, **told: object) -> None:
        known = {field: value for field, value in told.items() if value is not None}
        self.recent.append({"ts": self._now(), "event": name, "provider": provider, **known})

    def _now(self) -> str:
        moment = datetime.fromtimestamp(self._clock.time(), UTC).isoformat(timespec="milliseconds")
        return f"{moment.removesuffix('+00:00')}Z"


def _shortened(words: str) -> str:
    return words if len(words) <= _ERROR_LENGTH else f"{words[:_ERROR_LENGTH]}…"
