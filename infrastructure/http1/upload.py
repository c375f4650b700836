"""Request bodies that are not written at once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable

import httpx

from infrastructure.http1.connection import Connection
from infrastructure.http1.exchange import Exchange

PIECE_BYTES = 32 * 1024
"""How much is written at a time."""


async def upload(
    body: bytes | AsyncIterable[bytes], over: Connection, exchange: Exchange, write_timeout_s: float | None
) -> None:
    """
    Write the body, a stream in chunks, and give the exchange up where that fails.

    Args:
        write_timeout_s: for how long the peer may take no byte; None for ever.
    """
    try:
        if isinstance(body, bytes):
            await _write(body, over, write_timeout_s)
        else:
            await _write_chunks(body, over, write_timeout_s)
    except asyncio.CancelledError:
        # This task is cancelled only once its exchange is over; a stream may raise that of its own accord.
        exchange.answer.fail(httpx.WriteError("The making of the body was cancelled"))
        over.give_up(exchange)
        raise
    except Exception as error:  # noqa: BLE001  whatever the stream of the caller raises, the caller hears
        exchange.answer.fail(error)
        over.give_up(exchange)


async def _write_chunks(body: AsyncIterable[bytes], over: Connection, write_timeout_s: float | None) -> None:
    pieces = aiter(body)
    try:
        async for piece in pieces:
            if piece:
                await _write(b"%x\r\n%s\r\n" % (len(piece), piece), over, write_timeout_s)
        await _write(b"0\r\n\r\n", over, write_timeout_s)
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


async def _write(data: bytes, over: Connection, write_timeout_s: float | None) -> None:
    pieces = memoryview(data)
    for start in range(0, len(data), PIECE_BYTES):
        over.write(pieces[start : start + PIECE_BYTES])
        unsent = over.unsent()
        while not await over.has_room(write_timeout_s):
            before, unsent = unsent, over.unsent()
            if unsent >= before:
                raise httpx.WriteTimeout(f"The peer took nothing of the request for {write_timeout_s:g} s")
