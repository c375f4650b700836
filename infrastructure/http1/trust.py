"""Whose certificates are believed."""

import asyncio
import ssl
from pathlib import Path


class Trust:
    """
    The authorities of the system, and those of a file besides.

    Reading the system's costs tens of milliseconds and some megabytes, so it waits for the first connection
    that needs them, and happens in a thread.
    """

    def __init__(self, ca_file: Path | None) -> None:
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None
        self._reading: asyncio.Future[ssl.SSLContext] | None = None

    def __repr__(self) -> str:
        return f"<Trust{f' in {self._ca_file} too' if self._ca_file else ''}>"

    def check(self) -> None:
        """
        See that the file can be read.

        Raises:
            OSError: It cannot; ``ssl.SSLError``, one of its subclasses, if it is no PEM.

        """
        if self._ca_file is not None:
            self._context = _context(self._ca_file)

    async def context(self) -> ssl.SSLContext:
        """What a TLS connection is made with; read once, however many wait for it."""
        if self._context is None:
            if self._reading is None:
                self._reading = asyncio.ensure_future(asyncio.to_thread(_context, self._ca_file))
            try:
                self._context = await asyncio.shield(self._reading)
            except OSError:
                self._reading = None
                raise
        return self._context


def _context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context
