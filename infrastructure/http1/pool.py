"""Makes connections, and keeps those at rest for whoever comes next."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import httpx

from infrastructure.http1.connection import Connection
from infrastructure.http1.names import Names
from infrastructure.http1.reaching import reached
from infrastructure.http1.request_head import Destination
from infrastructure.http1.trust import Trust

KEEP_ALIVE_S = 20.0
"""How long a connection at rest is kept. Stale ones are noticed when taken; this bounds their number."""

Connected: TypeAlias = Callable[[str, float], None]
"""Told of every new connection: ``host:port`` of the peer, and how many seconds it took to be made."""


class Pool:
    """
    As many connections as are asked for: none has to wait for another.

    Args:
        trust: for TLS.
        connected: told of every new connection.
        keep_alive_s: how long a connection at rest is kept.
    """

    def __init__(self, trust: Trust, connected: Connected, *, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self._keep_alive_s = keep_alive_s
        self._loop = asyncio.get_running_loop()
        self._trust = trust
        self._connected = connected
        self._names = Names()
        self._all: set[Connection] = set()
        self._patience: set[asyncio.Timeout] = set()
        """Of connections that are being made."""
        self._resting: dict[str, list[Connection]] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<Pool of {len(self._all)} connections>"

    def resting(self, to: Destination) -> Connection | None:
        """A connection that was used before and may be used again."""
        resting = self._resting.get(to.origin)
        oldest = self._loop.time() - self._keep_alive_s
        while resting:
            connection = resting.pop()
            if connection.rests_since > oldest and connection.is_quiet():
                return connection
            connection.close()
        return None

    async def connect(self, to: Destination, timeout_s: float | None) -> Connection:
        """
        A new connection.

        Args:
            timeout_s: for the look-up, the connection and the TLS handshake together; None for ever.

        Raises:
            httpx.ConnectError: There is none to be had.
            httpx.ConnectTimeout: There was none in time.

        """
        began_at = time.monotonic()
        self._refuse_when_closed()
        with _failing_as_httpx(to):
            connection = await self._made_within(timeout_s, to)
        self._refuse_when_closed(connection)
        self._all.add(connection)
        # A new connection is not judged by what waits on it: over TLS that may be session tickets.
        self._connected(to.peer, time.monotonic() - began_at)
        return connection

    def close(self) -> None:
        """Close every connection, also those in use."""
        self._is_closed = True
        self._resting.clear()
        if self._sweep is not None:
            self._sweep.cancel()
        for patience in self._patience:
            if not patience.expired():
                patience.reschedule(self._loop.time())
        for connection in tuple(self._all):
            connection.close()

    def _refuse_when_closed(self, *made: Connection) -> None:
        if self._is_closed:
            for connection in made:
                connection.close()
            raise httpx.ConnectError("The transport was closed")

    async def _made_within(self, timeout_s: float | None, to: Destination) -> Connection:
        async with asyncio.timeout(timeout_s) as patience:
            self._patience.add(patience)
            try:
                return await self._made(to)
            except asyncio.CancelledError:
                if patience.expired():
                    self._refuse_when_closed()
                raise
            finally:
                self._patience.discard(patience)

    async def _made(self, to: Destination) -> Connection:
        context = await self._trust.context() if to.is_tls else None
        peer = await reached(await self._names.addresses(to.host, to.port))
        connection = Connection(to.origin, self._loop, rested=self._rest, lost=self._forget)
        try:
            await self._loop.create_connection(
                lambda: connection,
                sock=peer,
                ssl=context,
                server_hostname=to.host.removesuffix(".") if to.is_tls else None,
            )
        except BaseException:
            # The loop owns the socket now. It closes one that is not ready; one that has just become so it
            # would close politely, which takes as long as the peer likes.
            connection.close()
            raise
        return connection

    def _rest(self, connection: Connection) -> None:
        if self._is_closed:
            connection.close()
            return
        connection.rests_since = self._loop.time()
        self._resting.setdefault(connection.origin, []).append(connection)
        if self._sweep is None:
            self._sweep = self._loop.call_later(self._keep_alive_s, self._close_the_stale)

    def _forget(self, connection: Connection) -> None:
        self._all.discard(connection)
        resting = self._resting.get(connection.origin, [])
        if connection in resting:
            resting.remove(connection)

    def _close_the_stale(self) -> None:
        self._sweep = None
        oldest = self._loop.time() - self._keep_alive_s
        stale = [it for resting in self._resting.values() for it in resting if it.rests_since <= oldest]
        for connection in stale:
            self._resting[connection.origin].remove(connection)
            connection.close()
        self._resting = {origin: resting for origin, resting in self._resting.items() if resting}
        if self._resting:
            self._sweep = self._loop.call_later(self._keep_alive_s / 4, self._close_the_stale)


@contextmanager
def _failing_as_httpx(to: Destination) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise httpx.ConnectTimeout(f"{to.peer} did not answer in time") from error
    except (ssl.SSLError, socket.gaierror, OSError, UnicodeError) as error:
        raise httpx.ConnectError(f"{type(error).__name__}: {error}") from error
