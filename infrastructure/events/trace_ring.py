"""Keeps the events of the latest requests in memory, to explain them afterwards."""

from collections import OrderedDict
from itertools import islice

from domain.events import Event
from domain.ports.time import Clock
from domain.ports.traces import Told

MOST_REQUESTS = 2000
MOST_EVENTS = 100
"""Of one request: a chain of many targets that all fail tells about three events for each."""


class TraceRing:
    """Implements `domain.ports.traces.Traces`, and takes the events as a sink."""

    def __init__(self, clock: Clock, *, most_requests: int = MOST_REQUESTS) -> None:
        self._clock = clock
        self._most_requests = most_requests
        self._requests: OrderedDict[str, list[Told]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<TraceRing {len(self._requests)} of {self._most_requests}>"

    def emit(self, event: Event) -> None:
        request_id = getattr(event, "request_id", "")
        if not request_id:
            return
        told = self._requests.get(request_id)
        if told is None:
            told = self._begin(request_id)
        if len(told) < MOST_EVENTS:
            told.append(Told(self._clock.time(), event))

    def trace(self, request_id: str) -> tuple[Told, ...]:
        return tuple(self._requests.get(request_id, ()))

    def latest(self, most: int) -> tuple[str, ...]:
        return tuple(islice(reversed(self._requests), most))

    def _begin(self, request_id: str) -> list[Told]:
        if len(self._requests) >= self._most_requests:
            self._requests.popitem(last=False)
        told: list[Told] = []
        self._requests[request_id] = told
        return told
