"""The shared HTTP transport as it is lent to somebody else's adapter."""

import httpx


class LentTransport(httpx.AsyncBaseTransport):
    """
    Sends through the shared transport; closing it closes nothing.

    An `httpx.AsyncClient` closes the transport it was given, and every provider sends through the same one.
    """

    def __init__(self, shared: httpx.AsyncBaseTransport) -> None:
        self._shared = shared

    def __repr__(self) -> str:
        return f"<LentTransport of {self._shared!r}>"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._shared.handle_async_request(request)

    async def aclose(self) -> None:
        """Whoever lent it closes it."""
