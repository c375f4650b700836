"""HTTP/1.1 on one accepted connection: reads whole requests, writes responses, sees the peer leave."""

import asyncio
import socket
import struct
import time
from collections.abc import Mapping
from http import HTTPStatus

from tests.upstream.records import ConnectionRecord, ReceivedRequest

_LARGEST_REQUEST_BYTES = 64 * 1024 * 1024


class PeerLeftError(Exception):
    """The other side closed its connection before its response was complete."""


class WatchedProtocol(asyncio.StreamReaderProtocol):
    """Notes when the peer's end arrives, which a stream alone tells only to whoever happens to read."""

    def __init__(self, record: ConnectionRecord, reader: asyncio.StreamReader) -> None:
        super().__init__(reader)
        self._record = record
        self.transport: asyncio.Transport | None = None
        self.peer_left = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        super().connection_made(transport)

    def eof_received(self) -> bool | None:
        self._note_peer_left()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._record.closed_by_us_at is None:
            self._note_peer_left()
        super().connection_lost(exc)

    def _note_peer_left(self) -> None:
        if self._record.closed_by_peer_at is None and self._record.closed_by_us_at is None:
            self._record.closed_by_peer_at = time.monotonic()
        self.peer_left.set()


class Connection:
    """
    The server's side of one connection.

    Every method that writes or waits raises `PeerLeftError` as soon as the peer is gone.
    """

    def __init__(self, number: int) -> None:
        self.record = ConnectionRecord(number=number, opened_at=time.monotonic())
        self._reader = asyncio.StreamReader(limit=_LARGEST_REQUEST_BYTES)
        self.protocol = WatchedProtocol(self.record, self._reader)

    async def next_request(self) -> ReceivedRequest | None:
        """The next request, or None when the peer is done."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            request_line, *header_lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
            method, target, _version = request_line.split(" ")
            headers = dict(_header(line) for line in header_lines)
            body = await self._body(headers)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return ReceivedRequest(
            method=method,
            target=target,
            headers=headers,
            raw_body=body,
            arrived_at=time.monotonic(),
            connection=self.record,
        )

    async def respond(
        self, status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        fields = {"content-type": content_type, "content-length": str(len(body)), **(headers or {})}
        await self.write(_head(status, fields) + body)

    async def begin_chunked(self, content_type: str) -> None:
        await self.write(_head(200, {"content-type": content_type, "transfer-encoding": "chunked"}))

    async def write_chunk(self, piece: bytes) -> None:
        await self.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    async def end_chunked(self) -> None:
        await self.write(b"0\r\n\r\n")

    async def begin_sized(self, content_type: str, length_bytes: int) -> None:
        """Headers of a body whose bytes follow by `write`."""
        await self.write(_head(200, {"content-type": content_type, "content-length": str(length_bytes)}))

    async def write(self, wire: bytes) -> None:
        if self.protocol.peer_left.is_set():
            raise PeerLeftError
        transport = self._transport
        transport.write(wire)
        # A turn for the event loop: frames leave one by one, and a peer's end is seen between them.
        await asyncio.sleep(0)
        while transport.get_write_buffer_size() > _LARGEST_REQUEST_BYTES // 64:
            await self.pause(0.005)

    async def pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.protocol.peer_left.wait(), seconds)
        except TimeoutError:
            return
        raise PeerLeftError

    def close(self) -> None:
        """FIN after what was written; no more."""
        if self.record.closed_by_us_at is None and self.record.closed_by_peer_at is None:
            self.record.closed_by_us_at = time.monotonic()
        self._transport.close()

    @property
    def is_closed(self) -> bool:
        """Whether this side has hung up."""
        return self._transport.is_closing()

    def reset(self) -> None:
        """RST instead of FIN: closing a socket with a linger time of zero (socket(7))."""
        accepted: socket.socket = self._transport.get_extra_info("socket")
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    @property
    def _transport(self) -> asyncio.Transport:
        assert self.protocol.transport is not None, "the connection has not been made"
        return self.protocol.transport

    async def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return await self._chunked_body()
        return await self._reader.readexactly(int(headers.get("content-length", "0")))

    async def _chunked_body(self) -> bytes:
        pieces = []
        while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
            pieces.append(await self._reader.readexactly(size))
            await self._reader.readexactly(2)
        while await self._reader.readuntil(b"\r\n") != b"\r\n":
            pass
        return b"".join(pieces)


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _head(status: int, fields: Mapping[str, str]) -> bytes:
    reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Scripted"
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
