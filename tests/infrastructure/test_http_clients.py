"""The shared transport: when it works, what it adds, and what it does that not every transport would."""

import asyncio
import gc
import socket
import ssl
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from infrastructure.http1.pool import Pool
from infrastructure.http1.request_head import destination, request_head
from infrastructure.http1.trust import Trust
from infrastructure.http_clients import HttpClients
from infrastructure.http_transport import Http1Transport
from tests.contract.http_transport.conversation import PATIENCE_S, fetch, get, post
from tests.contract.http_transport.scripted_peer import LAST_CHUNK, Line, ScriptedPeer, chunk, header, sized
from tests.upstream.scripted_upstream import until


async def hello(line: Line) -> None:
    while True:
        await line.answer(sized(b"hello"))


async def test_constructing_does_nothing_and_opening_makes_ready() -> None:
    clients = HttpClients()
    transport = clients.transport
    async with ScriptedPeer(hello) as peer:
        with pytest.raises(RuntimeError, match="not open"):
            await fetch(transport, post(peer.url))
        async with clients:
            assert (await fetch(transport, post(peer.url))).content == b"hello"
        with pytest.raises(RuntimeError, match="not open"):
            await fetch(transport, post(peer.url))


async def test_opening_and_closing_twice_is_as_good_as_once() -> None:
    clients = HttpClients()
    await clients.open()
    await clients.open()
    assert repr(clients) == "HttpClients(Http1Transport(open))"
    await clients.aclose()
    await clients.aclose()
    assert repr(clients) == "HttpClients(Http1Transport(closed))"


async def test_a_certificate_file_that_is_not_there_is_found_when_opening(tmp_path: Path) -> None:
    clients = HttpClients(ca_file=tmp_path / "missing.pem")

    with pytest.raises(FileNotFoundError):
        await clients.open()


async def test_an_httpx_client_works_upon_the_transport() -> None:
    async with ScriptedPeer(hello) as peer, Http1Transport() as transport:
        client = httpx.AsyncClient(transport=transport)
        assert (await client.post(peer.url, json={"model": "m"})).text == "hello"

    assert peer.lines[0].bodies == [b'{"model":"m"}']


async def test_nothing_is_added_that_the_caller_did_not_say() -> None:
    async with ScriptedPeer(hello) as peer, Http1Transport() as transport:
        await fetch(transport, post(peer.url, b"{}"))
    [head] = peer.lines[0].heads
    names = [line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:-2]]

    assert sorted(names) == [b"accept-encoding", b"content-length", b"host"]
    assert header(head, "accept-encoding") == "identity"


async def test_compression_is_the_callers_to_ask_for() -> None:
    async with ScriptedPeer(hello) as peer, Http1Transport() as transport:
        await fetch(transport, post(peer.url, headers={"Accept-Encoding": "gzip"}))

    assert header(peer.lines[0].heads[0], "accept-encoding") == "gzip"


async def test_headers_of_a_compressed_body_go_with_the_compression() -> None:
    """Whoever relays the body must not say that it is compressed, or how long it was."""
    packed = bytes.fromhex("1f8b08000000000002034bc92f4dca490500eff2e7da06000000")

    async def play(line: Line) -> None:
        await line.answer(sized(packed, headers=b"Content-Encoding: gzip\r\nX-Kept: yes\r\n"))

    async with ScriptedPeer(play) as peer, Http1Transport() as transport:
        response = await transport.handle_async_request(post(peer.url))
        await response.aclose()

    assert response.headers.raw == [(b"X-Kept", b"yes")]


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with ScriptedPeer(hello) as peer, Http1Transport() as transport:
        assert (await fetch(transport, post(peer.url))).content == b"hello"


async def test_hundreds_of_streams_are_open_at_once() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def play(line: Line) -> None:
        await line.answer(head + chunk(b"data: one\n\n"))
        await line.read_head()
        await line.send(LAST_CHUNK)

    async with ScriptedPeer(play) as peer, Http1Transport() as transport:
        open_streams = [await transport.handle_async_request(post(peer.url)) for _ in range(400)]
        firsts = [await anext(it.aiter_raw()) for it in open_streams]
        for it in open_streams:
            await it.aclose()

    assert firsts == [b"data: one\n\n"] * 400


@pytest.mark.parametrize(
    ("headers", "lines"),
    [(b"Server: llama.cpp\r\n", 2), (b"Server: other\r\n", 1), (b"", 1)],
    ids=["llama.cpp", "another server", "nobody"],
)
async def test_a_connection_that_llama_cpp_closes_after_a_stream_is_not_used_again(
    headers: bytes, lines: int
) -> None:
    """It does so in the very moment of the last chunk, without having said that it would."""
    head = b"HTTP/1.1 200 OK\r\n" + headers + b"Transfer-Encoding: chunked\r\n\r\n"

    async def play(line: Line) -> None:
        while True:
            await line.answer(head + chunk(b"data: one\n\n") + LAST_CHUNK)

    async with ScriptedPeer(play) as peer, Http1Transport() as transport:
        for _ in range(2):
            assert (await fetch(transport, post(peer.url))).content == b"data: one\n\n"

    assert len(peer.lines) == lines


class Leaving:
    """Answers once on each connection; what it says to the second request there, it says before it closes."""

    def __init__(self, last_words: bytes = b"") -> None:
        self._last_words = last_words

    async def __call__(self, line: Line) -> None:
        await line.answer(sized(b"hello"))
        await line.answer(self._last_words)
        line.close()


async def test_a_question_without_consequences_is_asked_again_where_nobody_answered() -> None:
    async with ScriptedPeer(Leaving()) as peer, Http1Transport() as transport:
        said = [(await fetch(transport, get(peer.url))).content for _ in range(3)]

    assert said == [b"hello"] * 3
    assert [len(line.heads) for line in peer.lines] == [2, 2, 1]


async def test_but_not_where_an_answer_had_begun() -> None:
    async with ScriptedPeer(Leaving(b"HTTP/1.1 2")) as peer, Http1Transport() as transport:
        await fetch(transport, get(peer.url))
        with pytest.raises(httpx.RemoteProtocolError):
            await fetch(transport, get(peer.url))

    assert len(peer.lines) == 1


class NobodysFaultError(Exception):
    pass


async def test_what_the_maker_of_a_body_raises_is_what_the_caller_hears() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        raise NobodysFaultError

    closed: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def play(line: Line) -> None:
        await line.read_head()
        closed.set_result(await line.seconds_until_closed())

    async with ScriptedPeer(play) as peer, Http1Transport() as transport:
        with pytest.raises(NobodysFaultError):
            await fetch(transport, post(peer.url, pieces()))
        assert await asyncio.wait_for(closed, PATIENCE_S) < PATIENCE_S


async def test_a_coding_that_is_not_understood_is_an_error_unless_it_was_asked_for() -> None:
    async def play(line: Line) -> None:
        while True:
            await line.answer(sized(b"\x0b\x02\x80", headers=b"Content-Encoding: br\r\n"))

    async with ScriptedPeer(play) as peer, Http1Transport() as transport:
        asked = await transport.handle_async_request(post(peer.url, headers={"Accept-Encoding": "gzip, br"}))
        raw = b"".join([piece async for piece in asked.aiter_raw()])
        with pytest.raises(httpx.RemoteProtocolError, match="'br'"):
            await fetch(transport, post(peer.url))

    assert (raw, asked.headers["content-encoding"]) == (b"\x0b\x02\x80", "br")


async def test_closing_the_transport_is_no_end_of_a_body_that_only_a_close_ends() -> None:
    async def play(line: Line) -> None:
        await line.answer(b"HTTP/1.1 200 OK\r\n\r\nonly this")
        await line.seconds_until_closed()

    async with ScriptedPeer(play) as peer:
        async with Http1Transport() as transport:
            response = await transport.handle_async_request(post(peer.url))
            pieces = response.aiter_raw()
            assert await anext(pieces) == b"only this"
        with pytest.raises(httpx.ReadError):
            await anext(pieces)


async def test_a_connection_at_rest_is_closed_after_a_while() -> None:
    async with ScriptedPeer(hello) as peer:
        to = destination(peer.url)
        pool = Pool(Trust(None), lambda _peer, _seconds: None, keep_alive_s=0.1)
        connection = await pool.connect(to, 5)
        exchange = connection.ask(
            request_head(post(peer.url), to, 0), b"", has_answer_body=True, read_timeout_s=None
        )
        while await exchange.piece():
            pass
        assert repr(pool) == "<Pool of 1 connections>"

        await until(lambda: repr(pool) == "<Pool of 0 connections>")
        assert pool.resting(to) is None
        pool.close()


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http:///v1", "v1/chat", "http://a:0/", "http://a:65536/"]
)
async def test_what_is_no_address_of_http_is_said(url: str) -> None:
    async with Http1Transport() as transport:
        with pytest.raises(httpx.UnsupportedProtocol, match=r"no address of HTTP|no port"):
            await fetch(transport, post(url))


async def test_the_secret_in_a_header_that_cannot_be_sent_is_not_shown() -> None:
    async with Http1Transport() as transport:
        with pytest.raises(httpx.LocalProtocolError, match="Authorization") as raised:
            await fetch(transport, post("http://127.0.0.1:9/", headers={"Authorization": "Bearer s3cret\n"}))

    assert "s3cret" not in str(raised.value)


async def test_a_stream_of_the_caller_that_is_cancelled_in_itself_ends_the_request() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        raise asyncio.CancelledError

    async def play(line: Line) -> None:
        await line.read_head()
        await line.seconds_until_closed()

    async with ScriptedPeer(play) as peer, Http1Transport() as transport:
        with pytest.raises(httpx.WriteError, match="cancelled"):
            await fetch(transport, post(peer.url, pieces()))


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a peer whose kernel takes a little, and which reads nothing of it."""
    with closing(socket.socket()) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("kib", [1, 40, 2000, 2600, 2700, 2760, 2800, 2900, 4000])
async def test_whatever_is_left_to_be_sent_a_peer_that_takes_nothing_is_not_waited_for(
    deaf: int, kib: int
) -> None:
    async with Http1Transport() as transport, asyncio.timeout(10):
        with pytest.raises((httpx.ReadTimeout, httpx.WriteTimeout)):
            await fetch(transport, post(f"http://127.0.0.1:{deaf}/", b"x" * kib * 1024, read=0.2, write=0.2))


async def test_closing_the_transport_ends_connections_that_are_being_made() -> None:
    called = asyncio.Event()

    async def play(line: Line) -> None:
        called.set()
        await line.seconds_until_closed()

    async with ScriptedPeer(play) as peer:
        transport = Http1Transport()
        await transport.open()
        asking = asyncio.ensure_future(fetch(transport, post(peer.url.replace("http:", "https:"))))
        await called.wait()
        await transport.aclose()
        with pytest.raises(httpx.ConnectError, match="closed"):
            await asking


async def test_closing_the_transport_calls_nobody_again() -> None:
    async with ScriptedPeer(Leaving()) as peer:
        transport = Http1Transport()
        await transport.open()
        await fetch(transport, get(peer.url))
        asking = asyncio.ensure_future(fetch(transport, get(peer.url)))
        await asyncio.sleep(0)
        await transport.aclose()
        with pytest.raises((httpx.ConnectError, httpx.ReadError)):
            await asking
        await asyncio.sleep(0.05)

    assert len(peer.lines) == 1


async def test_many_first_calls_over_tls_read_the_authorities_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    read: list[object] = []
    make = ssl.create_default_context

    def noted() -> ssl.SSLContext:
        read.append(None)
        return make()

    monkeypatch.setattr(ssl, "create_default_context", noted)
    trust = Trust(None)

    impatient = asyncio.ensure_future(trust.context())
    await asyncio.sleep(0)
    impatient.cancel()
    contexts = await asyncio.gather(*(trust.context() for _ in range(50)))

    assert (len(read), len(set(map(id, contexts)))) == (1, 1)


async def test_a_caller_does_not_decide_how_long_a_connection_is_kept() -> None:
    async with ScriptedPeer(hello) as peer, Http1Transport() as transport:
        for _ in range(2):
            await fetch(transport, post(peer.url, headers={"Connection": "close"}))

    assert [header(head, "connection") for head in peer.lines[0].heads] == [None, None]


async def test_a_request_that_failed_does_not_stay_in_memory() -> None:
    async with ScriptedPeer(Leaving()) as peer, Http1Transport() as transport:
        await fetch(transport, post(peer.url))
        gc.collect()
        gc.disable()
        try:
            request = post(peer.url, b"a prompt of megabytes")
            left = weakref.ref(request)
            with suppress(httpx.TransportError):
                await fetch(transport, request)
            del request
            await asyncio.sleep(0.05)
            assert left() is None
        finally:
            gc.enable()
