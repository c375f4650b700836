"""How a stream flows: at once, never faster than it is read, and closed as soon as nobody wants it."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.contract.http_transport.certificates import Certificates, showing
from tests.contract.http_transport.conftest import Contender
from tests.contract.http_transport.conversation import PATIENCE_S, fetch, next_chunk, post
from tests.contract.http_transport.scripted_peer import (
    CHUNKED_HEAD,
    LAST_CHUNK,
    Line,
    ScriptedPeer,
    chunk,
    sized,
)

FRAME = b"data: one\n\n"


class Watched:
    """A script that answers with a beginning, and measures how long the client keeps the line."""

    def __init__(self, beginning: bytes) -> None:
        self._beginning = beginning
        self.asked = asyncio.Event()
        self.closed_after_s: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def __call__(self, line: Line) -> None:
        await line.answer(self._beginning)
        self.asked.set()
        await line.seconds_until_closed()
        if not self.closed_after_s.done():
            self.closed_after_s.set_result(time.monotonic())

    async def seconds_since(self, moment: float) -> float:
        async with asyncio.timeout(4 * PATIENCE_S):
            return await self.closed_after_s - moment


@pytest.fixture(params=["http", "https"])
def tls(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "https")


@pytest.fixture
async def trusting(
    contender: Contender, certificates: Certificates
) -> AsyncIterator[httpx.AsyncBaseTransport]:
    async with contender.make(certificates.authority) as opened:
        yield opened


def peer_for(script: Watched, certificates: Certificates, *, tls: bool) -> ScriptedPeer:
    return ScriptedPeer(script, tls=showing(certificates.honest) if tls else None)


async def test_the_head_is_seen_before_the_body(transport: httpx.AsyncBaseTransport) -> None:
    async with ScriptedPeer(Watched(CHUNKED_HEAD)) as peer:
        async with asyncio.timeout(PATIENCE_S):
            response = await transport.handle_async_request(post(peer.url))
        assert response.status_code == 200
        await response.aclose()


async def test_each_chunk_is_seen_while_the_stream_goes_on(transport: httpx.AsyncBaseTransport) -> None:
    heard = asyncio.Semaphore(0)

    async def play(line: Line) -> None:
        await line.answer(CHUNKED_HEAD)
        for n in range(20):
            await line.send(chunk(b"data: %d\n\n" % n))
            await heard.acquire()
        await line.send(LAST_CHUNK)

    async with ScriptedPeer(play) as peer:
        response = await transport.handle_async_request(post(peer.url))
        chunks = response.aiter_raw()
        for n in range(20):
            assert await next_chunk(chunks) == b"data: %d\n\n" % n
            heard.release()
        with pytest.raises(StopAsyncIteration):
            await next_chunk(chunks)
        await response.aclose()


async def test_part_of_a_chunk_is_seen_too(transport: httpx.AsyncBaseTransport) -> None:
    async with ScriptedPeer(Watched(CHUNKED_HEAD + b"ff\r\ndata: on")) as peer:
        response = await transport.handle_async_request(post(peer.url))
        assert await next_chunk(response.aiter_raw()) == b"data: on"
        await response.aclose()


async def test_many_small_writes_arrive_in_order(transport: httpx.AsyncBaseTransport) -> None:
    frames = [b"data: %d\n\n" % n for n in range(3_000)]

    async def play(line: Line) -> None:
        await line.answer(CHUNKED_HEAD)
        for n, frame in enumerate(frames):
            line.writer.write(chunk(frame))
            if n % 7 == 0:
                await line.writer.drain()
                await asyncio.sleep(0)
        await line.send(LAST_CHUNK)

    async with ScriptedPeer(play) as peer:
        assert (await fetch(transport, post(peer.url))).content == b"".join(frames)


async def test_a_stream_left_early_closes_its_socket(
    trusting: httpx.AsyncBaseTransport, certificates: Certificates, tls: bool
) -> None:
    script = Watched(CHUNKED_HEAD + chunk(FRAME))
    async with peer_for(script, certificates, tls=tls) as peer:
        response = await trusting.handle_async_request(post(peer.url))
        chunks = response.aiter_raw()
        assert await next_chunk(chunks) == FRAME
        left = time.monotonic()
        await response.aclose()

        assert await script.seconds_since(left) < PATIENCE_S


async def test_a_stream_never_begun_closes_its_socket(
    trusting: httpx.AsyncBaseTransport, certificates: Certificates, tls: bool
) -> None:
    script = Watched(CHUNKED_HEAD)
    async with peer_for(script, certificates, tls=tls) as peer:
        response = await trusting.handle_async_request(post(peer.url))
        left = time.monotonic()
        await response.aclose()

        assert await script.seconds_since(left) < PATIENCE_S


@pytest.mark.parametrize("beginning", [b"", CHUNKED_HEAD, CHUNKED_HEAD + chunk(FRAME)])
async def test_a_cancelled_reader_closes_its_socket(
    trusting: httpx.AsyncBaseTransport, certificates: Certificates, beginning: bytes, tls: bool
) -> None:
    script = Watched(beginning)
    async with peer_for(script, certificates, tls=tls) as peer:
        reading = asyncio.ensure_future(fetch(trusting, post(peer.url)))
        await script.asked.wait()
        await asyncio.sleep(0.05)
        left = time.monotonic()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

        assert await script.seconds_since(left) < PATIENCE_S


async def test_a_cancelled_upload_closes_its_socket(
    transport: httpx.AsyncBaseTransport,
) -> None:
    """The peer does not read: what waits to be sent must not keep the socket."""
    asked, go_on = asyncio.Event(), asyncio.Event()
    taken: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def play(line: Line) -> None:
        await line.read_head()
        asked.set()
        await go_on.wait()
        total = 0
        try:
            while data := await line.reader.read(1 << 20):
                total += len(data)
        except ConnectionError:
            pass
        taken.set_result(total)

    async with ScriptedPeer(play) as peer:
        sending = asyncio.ensure_future(fetch(transport, post(peer.url, b"x" * 60_000_000)))
        await asked.wait()
        await asyncio.sleep(0.1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        go_on.set()
        async with asyncio.timeout(4 * PATIENCE_S):
            assert await taken < 60_000_000


async def test_a_cancelled_call_closes_its_socket_before_tls_is_agreed(
    transport: httpx.AsyncBaseTransport,
) -> None:
    called, left = asyncio.Event(), asyncio.Event()

    async def play(line: Line) -> None:
        called.set()
        await line.seconds_until_closed()
        left.set()

    async with ScriptedPeer(play) as peer:
        calling = asyncio.ensure_future(fetch(transport, post(peer.url.replace("http:", "https:"))))
        await called.wait()
        await asyncio.sleep(0.05)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        async with asyncio.timeout(PATIENCE_S):
            await left.wait()


async def test_silence_before_the_head_is_a_read_timeout(transport: httpx.AsyncBaseTransport) -> None:
    script = Watched(b"")
    async with ScriptedPeer(script) as peer:
        with pytest.raises(httpx.ReadTimeout):
            await fetch(transport, post(peer.url, read=0.2))

        assert await script.seconds_since(time.monotonic()) < PATIENCE_S


async def test_silence_inside_the_body_is_a_read_timeout(transport: httpx.AsyncBaseTransport) -> None:
    """The socket is closed by the failure itself, whoever forgets the response."""
    script = Watched(CHUNKED_HEAD + chunk(FRAME))
    async with ScriptedPeer(script) as peer:
        response = await transport.handle_async_request(post(peer.url, read=0.2))
        chunks = response.aiter_raw()
        assert await next_chunk(chunks) == FRAME
        with pytest.raises(httpx.ReadTimeout):
            await next_chunk(chunks)

        assert await script.seconds_since(time.monotonic()) < PATIENCE_S
        await response.aclose()


async def test_a_slow_stream_may_take_longer_than_its_read_timeout(
    transport: httpx.AsyncBaseTransport,
) -> None:
    async def play(line: Line) -> None:
        await line.answer(CHUNKED_HEAD)
        for _ in range(12):
            await asyncio.sleep(0.1)
            await line.send(chunk(FRAME))
        await line.send(LAST_CHUNK)

    async with ScriptedPeer(play) as peer:
        assert (await fetch(transport, post(peer.url, read=0.8))).content == FRAME * 12


async def test_a_slow_reader_is_no_silent_peer(transport: httpx.AsyncBaseTransport) -> None:
    async def play(line: Line) -> None:
        line.narrow(65_536)
        await line.answer(CHUNKED_HEAD)
        for _ in range(100):
            await line.send(chunk(b"x" * 100_000))
        await line.send(LAST_CHUNK)

    async with ScriptedPeer(play) as peer:
        response = await transport.handle_async_request(post(peer.url, read=0.3))
        chunks = response.aiter_raw()
        total = len(await next_chunk(chunks))
        await asyncio.sleep(0.9)
        async for data in chunks:
            total += len(data)
        await response.aclose()

    assert total == 10_000_000


async def test_a_reader_that_sleeps_stops_the_peer(transport: httpx.AsyncBaseTransport) -> None:
    sent, whole = 0, 200_000_000

    async def play(line: Line) -> None:
        nonlocal sent
        line.narrow(65_536)
        await line.answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % whole)
        while sent < whole:
            await line.send(b"x" * 100_000)
            sent += 100_000

    async with ScriptedPeer(play) as peer:
        response = await transport.handle_async_request(post(peer.url))
        chunks = response.aiter_raw()
        await next_chunk(chunks)
        seen = -1
        while seen != sent:
            seen = sent
            await asyncio.sleep(0.2)
        await response.aclose()

    # What the kernel's buffers and one small buffer of the transport hold.
    assert sent < 20_000_000


@pytest.mark.parametrize("number", [200])
async def test_many_streams_flow_at_the_same_time(transport: httpx.AsyncBaseTransport, number: int) -> None:
    everyone = asyncio.Barrier(number)

    async def play(line: Line) -> None:
        await line.answer(CHUNKED_HEAD)
        for n in range(5):
            # Nobody gets a second chunk before everybody has asked and got the first.
            await everyone.wait()
            await line.send(chunk(b"data: %d\n\n" % n))
        await line.send(LAST_CHUNK)

    async with ScriptedPeer(play) as peer, asyncio.timeout(50):
        answers = await asyncio.gather(*(fetch(transport, post(peer.url)) for _ in range(number)))

    assert {it.content for it in answers} == {b"".join(b"data: %d\n\n" % n for n in range(5))}


async def test_closing_the_transport_closes_what_is_open(contender: Contender) -> None:
    idle, busy = Watched(sized(b"hello")), Watched(CHUNKED_HEAD + chunk(FRAME))
    async with ScriptedPeer(idle) as idle_peer, ScriptedPeer(busy) as busy_peer:
        async with contender.make(None) as transport:
            await fetch(transport, post(idle_peer.url))
            response = await transport.handle_async_request(post(busy_peer.url))
        left = time.monotonic()

        assert await idle.seconds_since(left) < PATIENCE_S
        assert await busy.seconds_since(left) < PATIENCE_S
        await response.aclose()
