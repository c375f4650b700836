"""Keeps the events of the latest requests in memory, to explain them afterwards."""

from collections import OrderedDict
from itertools import islice

from domain.events import Event, RequestCompleted
from domain.ports.time import Clock
from domain.ports.traces import Told

MOST_REQUESTS = 2000
MOST_EVENTS = 100
"""
Of one request, beside the one that completes it: a chain of many targets that all fail tells about three
events for each.
"""


class TraceRing:
    """
    Implements `domain.ports.traces.Traces`, and takes the events as a sink.

    A client may use an id again, as it names its own: what comes after a story's end begins a new one.
    """

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
        if told is None or _is_over(told):
            told = self._begin(request_id)
        if len(told) < MOST_EVENTS or isinstance(event, RequestCompleted):
            told.append(Told(self._clock.time(), event))

    def trace(self, request_id: str) -> tuple[Told, ...]:
        return tuple(self._requests.get(request_id, ()))

    def latest(self, most: int) -> tuple[str, ...]:
        return tuple(islice(reversed(self._requests), most))

    def _begin(self, request_id: str) -> list[Told]:
        self._requests.pop(request_id, None)
        if len(self._requests) >= self._most_requests:
            self._requests.popitem(last=False)
        told: list[Told] = []
        self._requests[request_id] = told
        return told


def _is_over(told: list[Told]) -> bool:
    return isinstance(told[-1].event, RequestCompleted)
