"""Connects to the first of a host's addresses that answers, as "happy eyeballs" do (RFC 8305)."""

import asyncio
import socket
from collections import deque
from itertools import chain, zip_longest

from infrastructure.http1.names import Address

HEAD_START_S = 0.25
"""How long one address may take before the next is tried beside it (RFC 8305, section 5)."""


async def reached(addresses: list[Address], *, head_start_s: float = HEAD_START_S) -> socket.socket:
    """
    A connected socket.

    A broken route to one address, most often to that of IPv6, holds nobody up for long: the next is tried
    beside it, of both families in turn.

    Args:
        addresses: at least one; the best first.

    Raises:
        OSError: No address can be reached; what the last one said.

    """
    if len(addresses) == 1:
        return await _connected(addresses[0])
    trying: list[asyncio.Task[socket.socket]] = []
    won: socket.socket | None = None
    try:
        won = await _first(_in_turn(addresses), trying, head_start_s)
    finally:
        for attempt in trying:
            _end(attempt, unless=won)
    return won


async def _first(
    addresses: list[Address], trying: list[asyncio.Task[socket.socket]], head_start_s: float
) -> socket.socket:
    failed: Exception = OSError("There is no address")
    waiting = deque(addresses)
    under_way: set[asyncio.Task[socket.socket]] = set()
    while waiting or under_way:
        if waiting:
            attempt = asyncio.create_task(_connected(waiting.popleft()))
            trying.append(attempt)
            under_way.add(attempt)
        patience = head_start_s if waiting else None
        done, under_way = await asyncio.wait(under_way, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        for attempt in done:
            error = attempt.exception()
            if error is None:
                return attempt.result()
            if not isinstance(error, Exception):
                raise error
            failed = error
    raise failed


async def _connected(address: Address) -> socket.socket:
    family, kind, protocol, _, where = address
    made = socket.socket(family, kind, protocol)
    try:
        made.settimeout(0)
        await asyncio.get_running_loop().sock_connect(made, where)
    except BaseException:
        made.close()
        raise
    return made


def _in_turn(addresses: list[Address]) -> list[Address]:
    """Of both families in turn, beginning with that of the first."""
    first = addresses[0][0]
    same = [it for it in addresses if it[0] == first]
    other = [it for it in addresses if it[0] != first]
    return [it for it in chain.from_iterable(zip_longest(same, other)) if it is not None]


def _end(attempt: asyncio.Task[socket.socket], *, unless: socket.socket | None) -> None:
    if not attempt.done():
        attempt.cancel()
    elif not attempt.cancelled() and attempt.exception() is None and attempt.result() is not unless:
        attempt.result().close()
