"""Where a response ends, and what is no response at all."""

import asyncio
import zlib

import httpx
import pytest

from tests.contract.http_transport.conversation import fetch, get, next_chunk, post
from tests.contract.http_transport.scripted_peer import (
    CHUNKED_HEAD,
    LAST_CHUNK,
    Line,
    Script,
    ScriptedPeer,
    chunk,
    sized,
)

TRUNCATED = (httpx.RemoteProtocolError, httpx.ReadError)
SSE = CHUNKED_HEAD + chunk(b"data: one\n\n") + chunk(b"data: two\n\n") + LAST_CHUNK


def saying(data: bytes, *, then_close: bool = False) -> Script:
    async def play(line: Line) -> None:
        while True:
            await line.answer(data)
            if then_close:
                return line.close()

    return play


async def answer_to(transport: httpx.AsyncBaseTransport, data: bytes, **options: bool) -> httpx.Response:
    async with ScriptedPeer(saying(data, **options)) as peer:
        return await fetch(transport, post(peer.url))


async def test_a_body_with_a_length_is_read_to_it(transport: httpx.AsyncBaseTransport) -> None:
    response = await answer_to(transport, sized(b'{"ok": true}'))

    assert (response.status_code, response.content) == (200, b'{"ok": true}')


async def test_chunks_may_have_extensions_and_trailers(transport: httpx.AsyncBaseTransport) -> None:
    data = (
        CHUNKED_HEAD
        + b'5;name=value;other="x;y"\r\nhello\r\n6;flag\r\n world\r\n0;last\r\nX-Sum: 11\r\nX-B: c\r\n\r\n'
    )

    response = await answer_to(transport, data)

    assert response.content == b"hello world"


async def test_a_connection_is_used_again_after_trailers(transport: httpx.AsyncBaseTransport) -> None:
    data = CHUNKED_HEAD + chunk(b"hello") + b"0\r\nX-Sum: 11\r\n\r\n"
    async with ScriptedPeer(saying(data)) as peer:
        bodies = [(await fetch(transport, post(peer.url))).content for _ in range(3)]

    assert (bodies, len(peer.lines)) == ([b"hello"] * 3, 1)


async def test_sizes_of_chunks_are_hexadecimal_in_either_case(transport: httpx.AsyncBaseTransport) -> None:
    data = CHUNKED_HEAD + b"1A\r\n" + b"x" * 26 + b"\r\n" + b"00001a\r\n" + b"y" * 26 + b"\r\n" + LAST_CHUNK

    assert (await answer_to(transport, data)).content == b"x" * 26 + b"y" * 26


async def test_interim_responses_are_passed_over(transport: httpx.AsyncBaseTransport) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"

    response = await answer_to(transport, interim + sized(b"done"))

    assert (response.status_code, response.content) == (200, b"done")
    assert "link" not in response.headers


async def test_interim_responses_may_come_long_before_the_answer(transport: httpx.AsyncBaseTransport) -> None:
    async def play(line: Line) -> None:
        await line.answer(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        for part in (b"HTTP/1.1 100 Continue\r\n", b"\r\n", sized(b"done")):
            await line.send(part)

    async with ScriptedPeer(play) as peer:
        assert (await fetch(transport, post(peer.url))).content == b"done"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_a_status_without_a_body_ends_at_its_head(
    transport: httpx.AsyncBaseTransport, status: bytes
) -> None:
    async with ScriptedPeer(saying(b"HTTP/1.1 %s\r\nX-A: b\r\n\r\n" % status)) as peer:
        responses = [await fetch(transport, get(peer.url)) for _ in range(2)]

    assert [it.content for it in responses] == [b"", b""]
    assert len(peer.lines) == 1


async def test_the_answer_to_head_has_no_body_whatever_it_says(transport: httpx.AsyncBaseTransport) -> None:
    async with ScriptedPeer(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")) as peer:
        responses = [await fetch(transport, get(peer.url, method="HEAD")) for _ in range(2)]

    assert [it.content for it in responses] == [b"", b""]


async def test_an_empty_body_is_an_answer(transport: httpx.AsyncBaseTransport) -> None:
    assert (await answer_to(transport, sized(b""))).content == b""
    assert (await answer_to(transport, CHUNKED_HEAD + LAST_CHUNK)).content == b""


async def test_a_peer_of_http_1_0_ends_its_body_by_closing(transport: httpx.AsyncBaseTransport) -> None:
    data = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nall there is"

    response = await answer_to(transport, data, then_close=True)

    assert response.content == b"all there is"
    assert response.http_version == "HTTP/1.0"


async def test_a_peer_of_http_1_1_may_end_its_body_by_closing(transport: httpx.AsyncBaseTransport) -> None:
    data = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall there is"

    assert (await answer_to(transport, data, then_close=True)).content == b"all there is"


async def test_a_peer_that_only_half_closes_has_answered(transport: httpx.AsyncBaseTransport) -> None:
    async def play(line: Line) -> None:
        await line.answer(b"HTTP/1.1 200 OK\r\n\r\nall there is")
        line.half_close()
        await line.seconds_until_closed()

    async with ScriptedPeer(play) as peer:
        assert (await fetch(transport, post(peer.url))).content == b"all there is"


async def test_a_half_close_inside_a_body_is_no_end(transport: httpx.AsyncBaseTransport) -> None:
    async def play(line: Line) -> None:
        await line.answer(CHUNKED_HEAD + chunk(b"data: one\n\n"))
        line.half_close()
        await line.seconds_until_closed()

    async with ScriptedPeer(play) as peer:
        with pytest.raises(TRUNCATED):
            await fetch(transport, post(peer.url))


CUT = {
    "a length, not reached": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nonly this",
    "a length, nothing came": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n",
    "chunks without a last one": CHUNKED_HEAD + chunk(b"data: one\n\n"),
    "no chunk at all": CHUNKED_HEAD,
    "inside a chunk": CHUNKED_HEAD + b"ff\r\ndata: on",
    "inside the size of a chunk": CHUNKED_HEAD + chunk(b"data: one\n\n") + b"f",
    "inside the last chunk": CHUNKED_HEAD + chunk(b"data: one\n\n") + b"0\r\n",
    "inside the trailers": CHUNKED_HEAD + chunk(b"data: one\n\n") + b"0\r\nX-Sum: 1",
    "inside the head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "inside the status line": b"HTTP/1.1 20",
    "before a byte": b"",
    "after an interim response": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("data", CUT.values(), ids=CUT.keys())
async def test_an_answer_that_was_cut_never_ends_as_a_success(
    transport: httpx.AsyncBaseTransport, data: bytes
) -> None:
    with pytest.raises(TRUNCATED):
        await answer_to(transport, data, then_close=True)


@pytest.mark.parametrize("data", CUT.values(), ids=CUT.keys())
async def test_nor_does_one_that_was_reset(transport: httpx.AsyncBaseTransport, data: bytes) -> None:
    async def play(line: Line) -> None:
        await line.answer(data)
        line.reset()

    async with ScriptedPeer(play) as peer:
        with pytest.raises(TRUNCATED):
            await fetch(transport, post(peer.url))


async def test_a_reset_does_not_end_a_body_that_closing_ends(transport: httpx.AsyncBaseTransport) -> None:
    async def play(line: Line) -> None:
        await line.answer(b"HTTP/1.1 200 OK\r\n\r\nonly this")
        line.reset()

    async with ScriptedPeer(play) as peer:
        with pytest.raises(TRUNCATED):
            await fetch(transport, post(peer.url))


async def test_what_came_before_the_cut_is_delivered(transport: httpx.AsyncBaseTransport) -> None:
    """An upstream that fails often says why, and drops the connection in the same breath."""
    said = b'data: {"error": "out of memory"}\n\n'
    async with ScriptedPeer(saying(CHUNKED_HEAD + chunk(said), then_close=True)) as peer:
        response = await transport.handle_async_request(post(peer.url))
        chunks = response.aiter_raw()
        assert await next_chunk(chunks) == said
        with pytest.raises(TRUNCATED):
            await next_chunk(chunks)
        await response.aclose()


GARBAGE = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n",
    "HTML at once": b"<html><body>Bad Gateway</body></html>\r\n\r\n",
    "a status in words": b"HTTP/1.1 OK\r\n\r\n",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
    "another protocol's version": b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_is_a_protocol_error(transport: httpx.AsyncBaseTransport, data: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await answer_to(transport, data, then_close=True)


async def test_garbage_between_chunks_ends_the_stream_at_once(transport: httpx.AsyncBaseTransport) -> None:
    async def play(line: Line) -> None:
        await line.answer(CHUNKED_HEAD + chunk(b"data: one\n\n"))
        await line.send(b"zz\r\nwhat?\r\n")
        await line.seconds_until_closed()

    async with ScriptedPeer(play) as peer:
        with pytest.raises(TRUNCATED):
            await fetch(transport, post(peer.url, read=20.0))


async def test_garbage_after_a_pause_wakes_the_reader(transport: httpx.AsyncBaseTransport) -> None:
    async with ScriptedPeer(script := _Pausing()) as peer:
        response = await transport.handle_async_request(post(peer.url))
        chunks = response.aiter_raw()
        assert await next_chunk(chunks) == b"data: one\n\n"
        script.go_on()
        with pytest.raises(TRUNCATED):
            await next_chunk(chunks)
        await response.aclose()


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX-Giant: " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 60) for n in range(3_000)) + b"\r\n",
    ],
    ids=["one field", "the status line", "thousands of fields"],
)
async def test_a_giant_head_is_refused(transport: httpx.AsyncBaseTransport, head: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await answer_to(transport, head, then_close=True)


async def test_a_large_head_is_read(transport: httpx.AsyncBaseTransport) -> None:
    response = await answer_to(transport, sized(b"ok", headers=b"X-Policy: " + b"a" * 20_000 + b"\r\n"))

    assert len(response.headers["x-policy"]) == 20_000


async def test_repeated_headers_keep_their_number_order_and_spelling(
    transport: httpx.AsyncBaseTransport,
) -> None:
    data = sized(b"", headers=b"Set-Cookie: a=1\r\nX-Other: \xe9\r\nset-cookie: b=2\r\n")

    response = await answer_to(transport, data)

    assert response.headers.raw[:3] == [
        (b"Set-Cookie", b"a=1"),
        (b"X-Other", b"\xe9"),
        (b"set-cookie", b"b=2"),
    ]


async def test_the_reason_is_kept(transport: httpx.AsyncBaseTransport) -> None:
    response = await answer_to(transport, sized(b"", status=b"529 Site is overloaded"))

    assert (response.status_code, response.reason_phrase) == (529, "Site is overloaded")


async def test_a_redirect_is_an_answer_like_any_other(transport: httpx.AsyncBaseTransport) -> None:
    response = await answer_to(transport, sized(b"", status=b"307 Temporary", headers=b"Location: /x\r\n"))

    assert (response.status_code, response.headers["location"]) == (307, "/x")


@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_a_peer_that_compresses_unasked_is_understood(
    transport: httpx.AsyncBaseTransport, framing: str
) -> None:
    compressor = zlib.compressobj(wbits=31)
    packed = compressor.compress(b"hello " * 1_000) + compressor.flush()
    body = sized(packed, headers=b"Content-Encoding: gzip\r\n")
    if framing == "chunks":
        head = CHUNKED_HEAD.replace(b"Content-Type", b"Content-Encoding: gzip\r\nContent-Type")
        body = head + b"".join(chunk(packed[at : at + 7]) for at in range(0, len(packed), 7)) + LAST_CHUNK

    assert (await answer_to(transport, body)).content == b"hello " * 1_000


@pytest.mark.parametrize("framing", ["length", "chunks", "close"])
async def test_what_unpacks_to_far_more_than_is_buffered_arrives_whole(
    transport: httpx.AsyncBaseTransport, framing: str
) -> None:
    plain = bytes(5_000_000)
    compressor = zlib.compressobj(wbits=31)
    packed = compressor.compress(plain) + compressor.flush()
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
    body = {
        "length": sized(packed, headers=b"Content-Encoding: gzip\r\n"),
        "chunks": head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(packed) + LAST_CHUNK,
        "close": head + b"Connection: close\r\n\r\n" + packed,
    }[framing]

    answer = await answer_to(transport, body, then_close=framing == "close")

    assert answer.content == plain


async def test_every_byte_may_come_alone(transport: httpx.AsyncBaseTransport) -> None:
    async def play(line: Line) -> None:
        await line.read_request()
        for at in range(len(SSE)):
            await line.send(SSE[at : at + 1])
            if at % 8 == 0:
                await _pause()

    async with ScriptedPeer(play) as peer:
        response = await fetch(transport, post(peer.url))

    assert response.content == b"data: one\n\ndata: two\n\n"


async def test_a_stream_may_be_split_anywhere(transport: httpx.AsyncBaseTransport) -> None:
    async def play(line: Line) -> None:
        for at in range(len(SSE) + 1):
            await line.answer(SSE[:at])
            await _pause()
            await line.send(SSE[at:])

    async with ScriptedPeer(play) as peer:
        bodies = {(await fetch(transport, post(peer.url))).content for _ in range(len(SSE) + 1)}

    assert bodies == {b"data: one\n\ndata: two\n\n"}
    assert len(peer.lines) == 1


async def _pause() -> None:
    # Long enough for the other side to have read: both share one event loop.
    for _ in range(3):
        await asyncio.sleep(0)


class _Pausing:
    """Says one chunk, and garbage when told."""

    def __init__(self) -> None:
        self._told = asyncio.Event()

    def go_on(self) -> None:
        self._told.set()

    async def __call__(self, line: Line) -> None:
        await line.answer(CHUNKED_HEAD + chunk(b"data: one\n\n"))
        await self._told.wait()
        await line.send(b"zz\r\nwhat?\r\n")
        await line.seconds_until_closed()
