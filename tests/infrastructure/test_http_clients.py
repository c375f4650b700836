"""The shared transport can be handed out before it is open, and works only while it is."""

from pathlib import Path

import httpx
import pytest

from infrastructure.http_clients import HttpClients
from infrastructure.http_transport import AiohttpTransport
from tests.contract.http_transport.conversation import fetch, post
from tests.contract.http_transport.scripted_peer import LAST_CHUNK, Line, ScriptedPeer, chunk, header, sized


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
    assert repr(clients) == "HttpClients(AiohttpTransport(open))"
    await clients.aclose()
    await clients.aclose()
    assert repr(clients) == "HttpClients(AiohttpTransport(closed))"


async def test_a_certificate_file_that_is_not_there_is_found_when_opening(tmp_path: Path) -> None:
    clients = HttpClients(ca_file=tmp_path / "missing.pem")

    with pytest.raises(FileNotFoundError):
        await clients.open()


async def test_an_httpx_client_works_upon_the_transport() -> None:
    async with ScriptedPeer(hello) as peer, AiohttpTransport() as transport:
        client = httpx.AsyncClient(transport=transport)
        assert (await client.post(peer.url, json={"model": "m"})).text == "hello"

    assert peer.lines[0].bodies == [b'{"model":"m"}']


async def test_nothing_is_added_that_the_caller_did_not_say() -> None:
    async with ScriptedPeer(hello) as peer, AiohttpTransport() as transport:
        await fetch(transport, post(peer.url, b"{}"))
    [head] = peer.lines[0].heads
    names = [line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:-2]]

    assert sorted(names) == [b"accept-encoding", b"content-length", b"host"]
    assert header(head, "accept-encoding") == "identity"


async def test_compression_is_the_callers_to_ask_for() -> None:
    async with ScriptedPeer(hello) as peer, AiohttpTransport() as transport:
        await fetch(transport, post(peer.url, headers={"Accept-Encoding": "gzip"}))

    assert header(peer.lines[0].heads[0], "accept-encoding") == "gzip"


async def test_headers_of_a_compressed_body_go_with_the_compression() -> None:
    """Whoever relays the body must not say that it is compressed, or how long it was."""
    packed = bytes.fromhex("1f8b08000000000002034bc92f4dca490500eff2e7da06000000")

    async def play(line: Line) -> None:
        await line.answer(sized(packed, headers=b"Content-Encoding: gzip\r\nX-Kept: yes\r\n"))

    async with ScriptedPeer(play) as peer, AiohttpTransport() as transport:
        response = await transport.handle_async_request(post(peer.url))
        await response.aclose()

    assert response.headers.raw == [(b"X-Kept", b"yes")]


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with ScriptedPeer(hello) as peer, AiohttpTransport() as transport:
        assert (await fetch(transport, post(peer.url))).content == b"hello"


async def test_hundreds_of_streams_are_open_at_once() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def play(line: Line) -> None:
        await line.answer(head + chunk(b"data: one\n\n"))
        await line.read_head()
        await line.send(LAST_CHUNK)

    async with ScriptedPeer(play) as peer, AiohttpTransport() as transport:
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

    async with ScriptedPeer(play) as peer, AiohttpTransport() as transport:
        for _ in range(2):
            assert (await fetch(transport, post(peer.url))).content == b"data: one\n\n"

    assert len(peer.lines) == lines
