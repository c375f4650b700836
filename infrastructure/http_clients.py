"""Opens and closes the connections to upstreams that all providers share."""

from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from infrastructure.http1.pool import Connected
from infrastructure.http_transport import Http1Transport


class HttpClients:
    """
    Owns the outbound HTTP transport.

    Constructing it does nothing, so providers may be built with ``transport`` before it is opened. To be
    opened on the event loop that uses it, once for each worker.
    """

    def __init__(self, *, ca_file: Path | None = None, connected: Connected | None = None) -> None:
        """
        Args:
            ca_file: PEM; trusted besides the certificates of the system.
            connected: told of every new connection.
        """
        self._transport = Http1Transport(ca_file=ca_file, connected=connected)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"HttpClients({self._transport!r})"

    @property
    def transport(self) -> httpx.AsyncBaseTransport:
        """What every provider sends through; an ``httpx.AsyncClient`` built upon it closes it when closed."""
        return self._transport

    async def open(self) -> None:
        """
        Make ready for requests.

        Raises:
            OSError: ``ca_file`` cannot be read, or is no PEM.

        """
        await self._transport.open()

    async def aclose(self) -> None:
        """Close every connection, also those in use."""
        await self._transport.aclose()
