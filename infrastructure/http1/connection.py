"""One connection to a peer, which carries one exchange after another."""

import asyncio
import select
from collections.abc import Callable
from typing import Any

import httpx

from infrastructure.http1.answer import Answer
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
        if len(body) > _JOINED_BYTES:
            self._transport.writelines((head, body))
        else:
            self._transport.write(head + body)
        return exchange

    async def write(self, piece: bytes | memoryview) -> None:
        """
        Write that behind what was written, and wait until there is room for more.

        Raises:
            httpx.WriteError: The connection is gone.

        """
        if self._transport.is_closing():
            raise httpx.WriteError("The connection is gone")
        self._transport.write(piece)
        if self._may_write is not None:
            await self._may_write

    def close(self) -> None:
        """Close at once: a polite close would flush what was not sent, and over TLS wait for a farewell."""
        if self._exchange is not None:
            self.give_up(self._exchange)
        else:
            self._transport.abort()

    # Asked by its exchange.

    def is_sending(self) -> bool:
        """Whether anything of the request is left to be sent."""
        exchange = self._exchange
        is_uploading = exchange is not None and exchange.upload is not None and not exchange.upload.done()
        return is_uploading or self._transport.get_write_buffer_size() > 0

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
        may_rest = exchange.answer.may_be_followed and not self.is_sending()
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
            self._transport.abort()
            return
        exchange.heard(data)
        if exchange.answer.is_over:
            self._leave(exchange)
        elif exchange.answer.size > READ_BUFFER_BYTES and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        self._ended(None)
        self._transport.abort()

    def connection_lost(self, cause: Exception | None) -> None:
        self._ended(cause)
        self._lost(self)
        self.resume_writing()

    def pause_writing(self) -> None:
        self._may_write = self._loop.create_future()

    def resume_writing(self) -> None:
        may_write, self._may_write = self._may_write, None
        if may_write is not None and not may_write.done():
            may_write.set_result(None)

    def _ended(self, cause: Exception | None) -> None:
        exchange = self._exchange
        if exchange is not None:
            exchange.answer.connection_ended(cause)
            self._leave(exchange)
