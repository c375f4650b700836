"""One HTTP answer on its way out over ASGI."""

from litestar.types import Send

from adapters.inbound.http.headers import Header, Headers

JSON_CONTENT: Header = (b"content-type", b"application/json")


class ClientLeft(Exception):
    """The client is gone; there is nobody to answer."""


class HttpResponse:
    """Sends a head, then a body in one piece or in many. ``status`` is 0 until the head is out."""

    __slots__ = ("_send", "ended", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.ended = False

    def __repr__(self) -> str:
        return f"<HttpResponse {self.status or 'not begun'}{' ended' if self.ended else ''}>"

    @property
    def begun(self) -> bool:
        return self.status != 0

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """
        The whole answer.

        Raises:
            ClientLeft: nobody takes it.
        """
        await self.begin(status, (*headers, (b"content-length", str(len(body)).encode())))
        await self.end(body)

    async def begin(self, status: int, headers: Headers) -> None:
        self.status = status
        try:
            await self._send({"type": "http.response.start", "status": status, "headers": headers})
        except OSError as error:
            raise ClientLeft from error

    async def send(self, data: bytes) -> None:
        try:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})
        except OSError as error:
            raise ClientLeft from error

    async def end(self, data: bytes = b"") -> None:
        self.ended = True
        try:
            await self._send({"type": "http.response.body", "body": data, "more_body": False})
        except OSError as error:
            raise ClientLeft from error
