"""Tells what happened to a past request."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Protocol

from domain.events import RequestCompleted
from domain.ports.traces import Told, Traces
from domain.values import value


@value(kw_only=True)
class Happening:
    """One event of a request's story: what its log line has, and when it was told (s since the epoch)."""

    at: float
    level: str
    event: str
    fields: Mapping[str, Any]


@value(kw_only=True)
class Story:
    """A past request: what was told of it, in order; never empty."""

    request_id: str
    happenings: tuple[Happening, ...]

    @property
    def began_at(self) -> float:
        return self.happenings[0].at

    @property
    def summary(self) -> Mapping[str, Any] | None:
        """The event that completed it, once there is one."""
        told = (each.fields for each in self.happenings if each.event == RequestCompleted.name)
        return next(told, None)


class Elsewhere(Protocol):
    """What other processes that serve from the same state remember; asking them takes about a second."""

    async def story(self, request_id: str) -> Story | None:
        """The request's story; ``None`` when nobody answers that they know it."""
        ...

    async def latest(self, most: int) -> Sequence[Story]:
        """The latest requests of each, perhaps with no more than their beginnings and ends."""
        ...


class Explain:
    """
    Looks past requests up in the traces, and with the other processes.

    Args:
        is_shared: whether there may be other processes to ask.
    """

    def __init__(self, traces: Traces, elsewhere: Elsewhere, *, is_shared: bool) -> None:
        self._traces = traces
        self._elsewhere = elsewhere
        self._is_shared = is_shared

    def __repr__(self) -> str:
        return f"<Explain from {self._traces!r}>"

    async def explain(self, request_id: str) -> Story | None:
        """The request's story; ``None`` when it is not, or no longer, known."""
        own = story_in(self._traces, request_id)
        return await self._elsewhere.story(request_id) if own is None and self._is_shared else own

    async def latest(self, most: int) -> tuple[Story, ...]:
        """The latest requests, newest first."""
        stories = latest_in(self._traces, most)
        if self._is_shared:
            stories += await self._elsewhere.latest(most)
        return tuple(sorted(stories, key=lambda story: story.began_at, reverse=True)[:most])


def story_in(traces: Traces, request_id: str) -> Story | None:
    """What these traces hold of a request."""
    told = traces.trace(request_id)
    return Story(request_id=request_id, happenings=tuple(map(_happening, told))) if told else None


def latest_in(traces: Traces, most: int) -> list[Story]:
    """The latest requests that these traces hold."""
    stories = (story_in(traces, request_id) for request_id in traces.latest(most))
    return [story for story in stories if story is not None]


def _happening(told: Told) -> Happening:
    event = told.event
    return Happening(
        at=told.at,
        level=event.level,
        event=event.name,
        fields={field.name: getattr(event, field.name) for field in fields(event)},
    )
