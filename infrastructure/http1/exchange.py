"""One request on a connection, and the wait for its answer."""

import asyncio
from typing import Protocol

import httpx

from infrastructure.http1.answer import Answer


class Carrier(Protocol):
    """The connection of an exchange, which may by now carry another one."""

    def unsent(self) -> int:
        """How much was written that has not left this machine yet, in bytes."""

    def resume(self, exchange: "Exchange") -> None:
        """Read on, if it is this exchange for whose sake reading paused."""

    def give_up(self, exchange: "Exchange") -> None:
        """Close at once, unless it carries another exchange by now."""


class Exchange:
    """
    What one request is answered, for one reader who waits for it.

    Args:
        read_timeout_s: for how long the reader waits for a peer that neither says anything nor takes
            anything of the request; None for ever.
    """

    __slots__ = (
        "_carrier",
        "_heard_at",
        "_loop",
        "_read_timeout_s",
        "_unsent",
        "_waiting",
        "_watch",
        "answer",
        "upload",
    )

    def __init__(
        self,
        carrier: Carrier,
        answer: Answer,
        loop: asyncio.AbstractEventLoop,
        *,
        read_timeout_s: float | None,
    ) -> None:
        self.answer = answer
        self.upload: asyncio.Task[None] | None = None
        """Writes what of the body could not be written at once."""
        self._carrier = carrier
        self._loop = loop
        self._read_timeout_s = read_timeout_s
        self._heard_at = 0.0
        self._unsent = 0
        self._waiting: asyncio.Future[None] | None = None
        self._watch: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Exchange with {self.answer!r}>"

    async def head(self) -> None:
        """
        Wait until the answer has begun.

        Raises:
            Exception: the error of the answer.

        """
        answer = self.answer
        while not answer.has_begun:
            if answer.has_failed:
                raise answer.why_not()
            await self._something_new()

    async def piece(self) -> bytes:
        """
        What came of the body, as soon as anything did; nothing at its end.

        Raises:
            Exception: the error of the answer, once all that came before it was taken.

        """
        answer = self.answer
        while not answer.size:
            if answer.has_failed:
                raise answer.why_not()
            if answer.has_ended:
                return b""
            await self._something_new()
        taken = answer.take()
        self._carrier.resume(self)
        return taken

    def give_up(self) -> None:
        """Nobody wants the rest."""
        if not self.answer.is_over:
            self._carrier.give_up(self)

    def heard(self, data: bytes) -> None:
        """The connection has brought that."""
        self.answer.feed(data)
        if self._read_timeout_s is not None:
            self._heard_at = self._loop.time()
        self.wake()

    def wake(self) -> None:
        """Have the reader look at the answer."""
        waiting = self._waiting
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def _something_new(self) -> None:
        self._waiting = self._loop.create_future()
        if self._read_timeout_s is not None:
            self._heard_at = self._loop.time()
            self._look_after(self._read_timeout_s, self._read_timeout_s)
        try:
            await self._waiting
        finally:
            self._waiting = None
            if self._watch is not None:
                self._watch.cancel()
                self._watch = None

    def _look_after(self, seconds: float, patience_s: float) -> None:
        self._watch = self._loop.call_later(seconds, self._look, patience_s)

    def _is_sending(self) -> bool:
        """Whether the peer took something since the last look, or has taken all that there is to take yet."""
        before, self._unsent = self._unsent, self._carrier.unsent()
        is_making = self.upload is not None and not self.upload.done() and not self._unsent
        return is_making or self._unsent != before

    def _look(self, patience_s: float) -> None:
        if self._is_sending():
            self._heard_at = self._loop.time()
        left_s = self._heard_at + patience_s - self._loop.time()
        if left_s > 0:
            self._look_after(left_s, patience_s)
        else:
            self.answer.fail(httpx.ReadTimeout(f"The peer was silent for {patience_s:g} s"))
            self._carrier.give_up(self)
            self.wake()
