"""What the event loop tells a connection of its end decides whether an answer was whole."""

import asyncio
import socket
from collections.abc import Iterator

import httpx
import pytest

from infrastructure.http1.connection import Connection


class Wire(asyncio.Transport):
    """A transport that is told things and does none of them."""

    def __init__(self, end: socket.socket) -> None:
        super().__init__({"socket": end})
        self._is_gone = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Everybody takes everything."""

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self._is_gone

    def abort(self) -> None:
        self._is_gone = True


@pytest.fixture
def wire() -> Iterator[Wire]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Wire(ours)


async def asked(wire: Wire) -> Connection:
    connection = Connection(
        "https://peer", asyncio.get_running_loop(), rested=lambda _it: None, lost=lambda _it: None
    )
    connection.connection_made(wire)
    return connection


async def test_a_farewell_ends_a_body_that_only_a_close_ends(wire: Wire) -> None:
    connection = await asked(wire)
    exchange = connection.ask(b"", b"", has_answer_body=True, read_timeout_s=None)
    connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nall there is")

    connection.eof_received()
    connection.connection_lost(None)

    assert [await exchange.piece(), await exchange.piece()] == [b"all there is", b""]


async def test_a_cut_without_one_does_not(wire: Wire) -> None:
    """So uvloop tells of TLS that was cut off (RFC 9112, section 9.8)."""
    connection = await asked(wire)
    exchange = connection.ask(b"", b"", has_answer_body=True, read_timeout_s=None)
    connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nonly this")

    connection.connection_lost(None)

    assert await exchange.piece() == b"only this"
    with pytest.raises(httpx.ReadError, match="farewell"):
        await exchange.piece()
