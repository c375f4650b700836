"""
A stream of events to a client that never falls silent.

Theory of operation. A stream is held back at first, so that a request which fails soon is answered with a
real status. When the hold-back expires, the head goes out with what is known by then and a ping with it; from
then on a ping goes out whenever nothing else did for an interval. One timer does both: it looks when the last
bytes went, and sleeps on, so that a busy stream pays for one reading of the loop's clock for each write and
nothing else. A ping is never sent while a write waits for a slow client, nor a write while a ping does.
"""

import asyncio
from collections.abc import Callable

from adapters.inbound.http.headers import Headers
from adapters.inbound.http.response import HttpResponse

STREAM_CONTENT: Headers = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
"""The last one keeps nginx from collecting the stream before it passes it on."""

_PUNCTUALITY = 0.95
"""A ping goes out so much early, as a timer is never early and the interval is a promise."""


class EventStream:
    """
    The stream of one answer. `write`, then `end`; always `stop`.

    Args:
        head: the headers that are known when the head goes out.
        ping: a frame that says nothing.
        hold_s: how long the head waits for the first event, in seconds; no longer than ``interval_s``.
        interval_s: how long the stream may be silent, in seconds.
    """

    __slots__ = (
        "_head",
        "_interval_s",
        "_loop",
        "_ping",
        "_pinging",
        "_quiet_since",
        "_response",
        "_timer",
        "_writing",
    )

    def __init__(
        self,
        response: HttpResponse,
        head: Callable[[], Headers],
        ping: Callable[[], bytes],
        *,
        hold_s: float,
        interval_s: float,
    ) -> None:
        self._response = response
        self._head = head
        self._ping = ping
        self._interval_s = interval_s * _PUNCTUALITY
        self._loop = asyncio.get_running_loop()
        self._quiet_since = self._loop.time()
        self._timer = self._loop.call_later(min(hold_s, self._interval_s), self._due)
        self._pinging: asyncio.Task[None] | None = None
        self._writing = False

    def __repr__(self) -> str:
        return f"<EventStream of {self._response!r}>"

    async def write(self, data: bytes) -> None:
        """
        Raises:
            ClientLeft: nobody takes it.
        """
        self._writing = True
        if self._pinging is not None:
            await self._settle()
        if not self._response.begun:
            self._rearm(self._interval_s)
            await self._begin()
        await self._response.send(data)
        self._quiet_since = self._loop.time()
        self._writing = False

    async def end(self, data: bytes) -> None:
        """The last bytes."""
        self._writing = True
        await self.settle()
        if not self._response.begun:
            await self._begin()
        await self._response.end(data)

    async def settle(self) -> None:
        """No more pings; one on its way gets there. Afterwards the response tells whether it has begun."""
        self._timer.cancel()
        await self._settle()

    def stop(self) -> None:
        """Ends the stream's clockwork, whatever became of it."""
        self._timer.cancel()
        if self._pinging is not None:
            self._pinging.cancel()

    async def _begin(self) -> None:
        await self._response.begin(200, (*STREAM_CONTENT, *self._head()))

    async def _settle(self) -> None:
        if self._pinging is not None:
            pinging, self._pinging = self._pinging, None
            await pinging

    def _due(self) -> None:
        if not self._response.begun or self._is_silent():
            # Made now, not when the task runs: by then the stream may have made its next words, or its last.
            self._pinging = self._loop.create_task(self._send_ping(self._ping()))
            self._pinging.add_done_callback(_look_at)
            self._rearm(self._interval_s)
        else:
            left_s = self._quiet_since + self._interval_s - self._loop.time()
            self._rearm(left_s if left_s > 0 else self._interval_s)

    def _is_silent(self) -> bool:
        """Nothing went out for an interval, and nothing is on its way that a slow client has yet to take."""
        underway = self._writing or (self._pinging is not None and not self._pinging.done())
        return not underway and self._loop.time() - self._quiet_since >= self._interval_s

    def _rearm(self, after_s: float) -> None:
        self._timer.cancel()
        self._timer = self._loop.call_later(after_s, self._due)

    async def _send_ping(self, ping: bytes) -> None:
        if not self._response.begun:
            await self._begin()
        await self._response.send(ping)
        self._quiet_since = self._loop.time()


def _look_at(pinging: asyncio.Task[None]) -> None:
    """A ping that nobody took is no news: the next write tells, or the client is known to be gone."""
    if not pinging.cancelled():
        pinging.exception()
