"""Request bodies that are not written at once."""

import asyncio
from collections.abc import AsyncIterable

import httpx

from infrastructure.http1.connection import Connection
from infrastructure.http1.exchange import Exchange

PIECE_BYTES = 32 * 1024
"""How much is written at a time: the write time-out is that of a piece."""


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
    except Exception as error:  # noqa: BLE001  whatever the stream of the caller raises, the caller hears
        exchange.answer.fail(error)
        over.give_up(exchange)


async def _write_chunks(body: AsyncIterable[bytes], over: Connection, write_timeout_s: float | None) -> None:
    async for piece in body:
        if piece:
            await _write(b"%x\r\n%s\r\n" % (len(piece), piece), over, write_timeout_s)
    await _write(b"0\r\n\r\n", over, write_timeout_s)


async def _write(data: bytes, over: Connection, write_timeout_s: float | None) -> None:
    pieces = memoryview(data)
    for start in range(0, len(data), PIECE_BYTES):
        try:
            async with asyncio.timeout(write_timeout_s):
                await over.write(pieces[start : start + PIECE_BYTES])
        except TimeoutError as error:
            raise httpx.WriteTimeout("The peer stopped taking the request") from error
