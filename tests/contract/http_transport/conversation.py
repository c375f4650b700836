"""What the tests of this suite do over and over: send, read, and wait no longer than need be."""

import asyncio
from collections.abc import AsyncIterator

import httpx

PATIENCE_S = 2.5
"""Promptness is promised as half a second; five times that is a failure on any machine."""

UNBOUNDED: dict[str, float | None] = {"connect": None, "read": None, "write": None, "pool": None}


def post(
    url: str,
    body: bytes | AsyncIterator[bytes] = b'{"stream": true}',
    *,
    method: str = "POST",
    headers: dict[str, str] | list[tuple[bytes, bytes]] | None = None,
    **timeout: float,
) -> httpx.Request:
    """A request as an adapter makes it; time-outs in seconds by their httpx names."""
    extensions = {"timeout": UNBOUNDED | timeout}
    return httpx.Request(method, url, content=body, headers=headers, extensions=extensions)


def get(url: str, *, method: str = "GET", **timeout: float) -> httpx.Request:
    return httpx.Request(method, url, extensions={"timeout": UNBOUNDED | timeout})


async def fetch(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    """Send, read to the end, close; waiting for ever is a failure too."""
    async with asyncio.timeout(4 * PATIENCE_S):
        response = await transport.handle_async_request(request)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response


async def next_chunk(chunks: AsyncIterator[bytes]) -> bytes:
    async with asyncio.timeout(PATIENCE_S):
        return await anext(chunks)
