"""Tells what happened to a past request."""

from dataclasses import dataclass

from domain.events import RequestCompleted
from domain.ports.traces import Told, Traces


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A past request: what was told of it in order, and the summary if it is over."""

    request_id: str
    told: tuple[Told, ...]

    @property
    def completed(self) -> RequestCompleted | None:
        over = (told.event for told in self.told if isinstance(told.event, RequestCompleted))
        return next(over, None)


class Explain:
    """Looks past requests up in the traces."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces

    def __repr__(self) -> str:
        return f"<Explain from {self._traces!r}>"

    def explain(self, request_id: str) -> Explanation | None:
        """The request's story; ``None`` when it is not, or no longer, known."""
        told = self._traces.trace(request_id)
        return Explanation(request_id=request_id, told=told) if told else None

    def latest(self, most: int) -> tuple[Explanation, ...]:
        """The latest requests, newest first."""
        latest = self._traces.latest(most)
        return tuple(Explanation(request_id=each, told=self._traces.trace(each)) for each in latest)
