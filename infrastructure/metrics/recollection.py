"""What the status page tells beside numbers: the start, the latest attempts, each provider's last error."""

from collections import deque
from datetime import UTC, datetime
from typing import Any, TypeAlias

from domain.events import AnswerFailedMidstream, AttemptFailed, AttemptStarted, AttemptSucceeded, Event
from domain.inventory.lifetime import Started
from domain.ports.time import Clock

MOST_RECENT = 256
_ERROR_LENGTH = 200
"""Characters of an upstream's words in a provider's last error."""

_Attempt: TypeAlias = AttemptStarted | AttemptSucceeded | AttemptFailed | AnswerFailedMidstream


class Recollection:
    """Implements `domain.ports.observation.EventSink` and remembers what it was told, within bounds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._recent: deque[tuple[float, _Attempt]] = deque(maxlen=MOST_RECENT)
        self.last_errors: dict[str, dict[str, Any]] = {}
        self.startup: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<Recollection of {len(self._recent)} attempts>"

    @property
    def recent(self) -> list[dict[str, Any]]:
        """The latest attempts: how they began and ended, oldest first."""
        return [_told(when, event) for when, event in self._recent]

    def emit(self, event: Event) -> None:
        match event:
            case AttemptStarted() | AttemptSucceeded():
                self._recent.append((self._clock.time(), event))
            case AttemptFailed(provider=provider) | AnswerFailedMidstream(provider=provider):
                now = self._clock.time()
                self._recent.append((now, event))
                self.last_errors[provider] = {
                    "ts": _timestamp(now),
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


def _told(when: float, event: _Attempt) -> dict[str, Any]:
    told: dict[str, Any] = {"ts": _timestamp(when), "event": event.name, "provider": event.provider}
    if isinstance(event, AttemptStarted | AttemptSucceeded):
        told["stream"] = event.stream
        return told
    how = {"status": event.status, "retryable": event.retryable}
    return told | {field: value for field, value in how.items() if value is not None}


def _timestamp(when: float) -> str:
    moment = datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds")
    return f"{moment.removesuffix('+00:00')}Z"


def _shortened(words: str) -> str:
    return words if len(words) <= _ERROR_LENGTH else f"{words[:_ERROR_LENGTH]}…"
