"""Hears what every answer of a provider says of its plan, whoever asks and however."""

from collections.abc import Callable

import httpx

from adapters.outbound.allowances import Spent, spent_in
from domain.ports.time import Clock

_MARK = b"ratelimit"
_SHORTEST = len("ratelimit-reset")
"""Names of headers that tell of limits have that mark and are no shorter; every answer is looked at."""


class ListeningTransport(httpx.AsyncBaseTransport):
    """
    Sends through another transport and looks at the headers that come back.

    Refusals are left to whoever asked: they say more, and a pause follows from them anyhow.

    Args:
        hear: told when an allowance is spent.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, hear: Callable[[Spent], None], clock: Clock) -> None:
        self._inner = inner
        self._hear = hear
        self._clock = clock

    def __repr__(self) -> str:
        return f"<ListeningTransport over {self._inner!r}>"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if response.status_code < 400 and _tells_of_limits(response.headers):
            spent = spent_in(response.headers, self._clock.time())
            if spent is not None:
                self._hear(spent)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def _tells_of_limits(headers: httpx.Headers) -> bool:
    return any(len(name) >= _SHORTEST and _MARK in name.lower() for name, _ in headers.raw)
