"""One connection to a peer, which carries one exchange after another."""

import asyncio
import select
from collections.abc import Callable
from typing import Any

import httpx

from infrastructure.http1.answer import MAX_HEAD_BYTES, Answer
from infrastructure.http1.exchange import Exchange

READ_BUFFER_BYTES = 128 * 1024
"""A stream of which that much was not taken yet stops reading its socket."""

_JOINED_BYTES = 16 * 1024
"""Up to that size a body is copied behind its head, and both leave in one piece."""


class Connection(asyncio.Protocol):
    """
    Speaks for one exchange at a time, and listens all the time.

    What a peer says unasked ends the connection: whoever read it as an answer would be one answer behind.

    Args:
        origin: of whom it may carry requests.
        rested: called when an exchange is over and the connection may carry another.
        lost: called when it is gone.
    """

    def __init__(
        self,
        origin: str,
        loop: asyncio.AbstractEventLoop,
        *,
        rested: Callable[["Connection"], None],
        lost: Callable[["Connection"], None],
    ) -> None:
        self.origin = origin
        self.rests_since = 0.0
        """On the loop's clock; of its owner."""
        self._loop = loop
        self._rested = rested
        self._lost = lost
        self._exchange: Exchange | None = None
        self._is_paused = False
        self._may_write: asyncio.Future[None] | None = None
        self._early: bytes | None = b""
        """What was said before the first request; None from then on."""
        self._said_goodbye = False
        self._cause: Exception | None = None
        self._transport: Any = None

    def __repr__(self) -> str:
        return f"<Connection to {self.origin}, {'busy' if self._exchange else 'at rest'}>"

    # Asked by its owner.

    def is_quiet(self) -> bool:
        """Whether the peer has neither closed it nor said anything unasked, looked up this very moment."""
        return not self._transport.is_closing() and not self._poll.poll(0)

    def ask(
        self, head: bytes, body: bytes, *, has_answer_body: bool, read_timeout_s: float | None
    ) -> Exchange:
        """Write that; further pieces of a body may follow with `write`."""
        answer = Answer(has_body=has_answer_body)
        exchange = Exchange(self, answer, self._loop, read_timeout_s=read_timeout_s)
        self._exchange = exchange
        early, self._early = self._early, None
        if not self._transport.is_closing():
            self._send(head, body)
        if early:
            self.data_received(early)
        if self._transport.is_closing():
            self._ended(self._cause)
        return exchange

    def _send(self, head: bytes, body: bytes) -> None:
        if len(body) > _JOINED_BYTES:
            self._transport.writelines((head, body))
        else:
            self._transport.write(head + body)

    def write(self, piece: bytes | memoryview) -> None:
        """
        Write that behind what was written.

        Raises:
            httpx.WriteError: The connection is gone.

        """
        if self._transport.is_closing():
            raise httpx.WriteError("The connection is gone")
        self._transport.write(piece)

    async def has_room(self, within_s: float | None) -> bool:
        """Wait until more should be written: whether that is so within that time."""
        if self._may_write is None:
            await asyncio.sleep(0)  # whoever only writes would not notice that nobody reads any more
            return True
        done, _ = await asyncio.wait((self._may_write,), timeout=within_s)
        return bool(done)

    def unsent(self) -> int:
        """How much was written that has not left this machine yet, in bytes."""
        unsent: int = self._transport.get_write_buffer_size()
        return unsent

    def close(self) -> None:
        """Close at once: a polite close would flush what was not sent, and over TLS wait for a farewell."""
        if self._exchange is not None:
            self.give_up(self._exchange)
        elif self._transport is not None:
            self._transport.abort()

    # Asked by its exchange.

    def resume(self, exchange: Exchange) -> None:
        """Read on, if it is this exchange for whose sake reading paused."""
        if self._is_paused and self._exchange is exchange:
            self._is_paused = False
            self._transport.resume_reading()

    def give_up(self, exchange: Exchange) -> None:
        """Close at once, unless it carries another exchange by now."""
        if self._exchange is exchange:
            exchange.answer.fail(httpx.ReadError("The exchange was given up"))
            self._leave(exchange)

    def _leave(self, exchange: Exchange) -> None:
        """The exchange is over: rest, if all was said and the peer would hear another."""
        is_uploading = exchange.upload is not None and not exchange.upload.done()
        may_rest = exchange.answer.may_be_followed and not is_uploading and not self.unsent()
        self._exchange = None
        if exchange.upload is not None:
            exchange.upload.cancel()
        if may_rest and not self._transport.is_closing():
            self._rested(self)
        else:
            self._transport.abort()
        exchange.wake()

    # Called by the event loop.

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            self._hear_unasked(data)
            return
        exchange.heard(data)
        if exchange.answer.is_over:
            self._leave(exchange)
        elif exchange.answer.size > READ_BUFFER_BYTES and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        self._said_goodbye = True
        self._ended(None)
        if self._early is None:
            self._transport.abort()

    def connection_lost(self, cause: Exception | None) -> None:
        # TLS that ends without a farewell may have been cut off by anybody, and a part of the answer with it
        # (RFC 9112, section 9.8): of that `eof_received` is not told.
        was_orderly = cause is None and self._said_goodbye
        self._cause = None if was_orderly else cause or ConnectionAbortedError("It ended without a farewell")
        self._ended(self._cause)
        self._lost(self)
        self.resume_writing()

    def pause_writing(self) -> None:
        self._may_write = self._loop.create_future()

    def resume_writing(self) -> None:
        may_write, self._may_write = self._may_write, None
        if may_write is not None and not may_write.done():
            may_write.set_result(None)

    def _hear_unasked(self, data: bytes) -> None:
        """Some say why they will not serve before anybody asked; whoever asks then hears it."""
        if self._early is None or len(self._early) + len(data) > MAX_HEAD_BYTES:
            self._transport.abort()
        else:
            self._early += data

    def _ended(self, cause: Exception | None) -> None:
        exchange = self._exchange
        if exchange is not None:
            exchange.answer.connection_ended(cause)
            self._leave(exchange)
