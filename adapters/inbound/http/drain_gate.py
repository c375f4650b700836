"""Turns new work away while the gateway finishes what it has begun."""

from collections.abc import Callable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from adapters.dialects.dialect import Dialect
from adapters.inbound.http.errors import draining, error_answer
from adapters.inbound.http.headers import header, request_id, text_headers
from adapters.inbound.http.response import HttpResponse
from adapters.inbound.http.status import Readiness

_LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})
"""Asking how the gateway is doing is always allowed."""

_REFUSED = draining()


class DrainGate:
    """
    An ASGI application around another that refuses new work unless the gateway is ready.

    Args:
        app: what does the work.
        dialect_for: the dialect in which to refuse a path.
        ids: new request ids.
    """

    def __init__(
        self,
        app: ASGIApp,
        readiness: Readiness,
        *,
        dialect_for: Callable[[str], Dialect],
        ids: Callable[[], str],
    ) -> None:
        self._app = app
        self._readiness = readiness
        self._dialect_for = dialect_for
        self._ids = ids

    def __repr__(self) -> str:
        return f"<DrainGate {self._readiness!r}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._readiness.ready or scope["type"] != ScopeType.HTTP or scope["method"] in _LOOKING:
            await self._app(scope, receive, send)
            return
        known_as = request_id(text_headers(scope["headers"]), self._ids)
        answer = error_answer(_REFUSED, self._dialect_for(scope["path"]), known_as)
        headers = (*answer.headers, header("x-request-id", known_as))
        await HttpResponse(send).whole(answer.status, headers, answer.body)
