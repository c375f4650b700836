"""A server that an adapter asks in a test: it answers as scripted and keeps what it was asked."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx

from adapters.outbound.kit import ProviderKit
from infrastructure.model_server.absent import AbsentModelServer
from infrastructure.model_server.weights import ModelMissing
from tests.fakes.fixed_clock import FixedClock


class Pieces(httpx.AsyncByteStream):
    """A body in reads of its own; tells whether it was closed."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece

    async def aclose(self) -> None:
        self.closed = True


class Server(httpx.AsyncBaseTransport):
    """Answers one request as scripted."""

    def __init__(self, *pieces: bytes, status: int = 200, content_type: str) -> None:
        self.body = Pieces(pieces)
        self.asked: list[httpx.Request] = []
        self._status = status
        self._content_type = content_type

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return httpx.Response(self._status, headers={"content-type": self._content_type}, stream=self.body)

    def kit(self, *, secret: str = "") -> ProviderKit:
        return ProviderKit(
            transport=self,
            clock=FixedClock(),
            secret=secret,
            model_server=AbsentModelServer(ModelMissing(("nothing",))),
            user_agent="test",
        )

    @property
    def sent(self) -> Any:
        return json.loads(self.asked[0].content)
