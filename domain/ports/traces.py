"""Remembering what happened to past requests."""

from typing import Protocol

from domain.events import Event
from domain.values import value


@value
class Told:
    """An event and when it was told, in seconds since the epoch."""

    at: float
    event: Event


class Traces(Protocol):
    """
    The events of the latest requests, each under its request id.

    Bounded: old requests are forgotten. Events hold no prompt and no answer, so neither does a trace.
    """

    def trace(self, request_id: str) -> tuple[Told, ...]:
        """What was told of a request, in order; empty for one that is not (or no longer) known."""
        ...

    def latest(self, most: int) -> tuple[str, ...]:
        """The ids of the latest requests, newest first."""
        ...
