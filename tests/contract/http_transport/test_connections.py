"""When a connection is made, used again, given up, and how each failure is called."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.contract.http_transport.certificates import Certificates, showing
from tests.contract.http_transport.conftest import Contender
from tests.contract.http_transport.conversation import PATIENCE_S, fetch, get, post
from tests.contract.http_transport.scripted_peer import (
    CHUNKED_HEAD,
    LAST_CHUNK,
    Line,
    ScriptedPeer,
    chunk,
    header,
    sized,
)


async def answering(line: Line) -> None:
    while True:
        await line.answer(sized(b"hello"))


async def test_a_connection_is_used_again(transport: httpx.AsyncBaseTransport) -> None:
    async with ScriptedPeer(answering) as peer:
        for _ in range(5):
            await fetch(transport, post(peer.url))

    assert [len(line.heads) for line in peer.lines] == [5]


@pytest.mark.parametrize("said", [b"Connection: close\r\n", b"Connection: Close, x\r\n"])
async def test_a_peer_may_ask_for_a_new_connection_each_time(
    transport: httpx.AsyncBaseTransport, said: bytes
) -> None:
    async def play(line: Line) -> None:
        await line.answer(sized(b"hello", headers=said))
        await line.seconds_until_closed()

    async with ScriptedPeer(play) as peer:
        for _ in range(2):
            assert (await fetch(transport, post(peer.url))).content == b"hello"

    assert len(peer.lines) == 2


async def test_a_connection_that_closed_while_idle_is_not_used(transport: httpx.AsyncBaseTransport) -> None:
    async def play(line: Line) -> None:
        await line.answer(sized(b"hello"))
        line.close()

    async with ScriptedPeer(play) as peer:
        for _ in range(5):
            assert (await fetch(transport, post(peer.url))).content == b"hello"
            await asyncio.sleep(0.01)

    assert [len(line.heads) for line in peer.lines] == [1] * 5


@pytest.mark.parametrize("leave", ["close", "reset"])
async def test_nor_is_one_that_closes_just_as_we_send(
    transport: httpx.AsyncBaseTransport, leave: str
) -> None:
    """The close has arrived, but this process was too busy to notice before the next request."""
    first_answered = asyncio.Event()

    async def play(line: Line) -> None:
        await line.answer(sized(b"hello"))
        if line.number == 1:
            await first_answered.wait()
            # Closing here and sending below happen without a turn of the event loop between them.
            borrowed = socket.socket(fileno=line.writer.get_extra_info("socket").fileno())
            borrowed.shutdown(socket.SHUT_WR)
            borrowed.detach()
            if leave == "reset":
                line.reset()
        await line.seconds_until_closed()

    async with ScriptedPeer(play) as peer:
        assert (await fetch(transport, post(peer.url))).content == b"hello"
        first_answered.set()
        await asyncio.sleep(0)
        assert (await fetch(transport, post(peer.url))).content == b"hello"

    assert [len(line.heads) for line in peer.lines] == [1, 1]


async def test_an_answer_to_no_question_is_not_taken_for_the_next_one(
    transport: httpx.AsyncBaseTransport,
) -> None:
    """Some proxies say 408 to an idle connection; whoever reads it as an answer is one answer behind."""

    async def play(line: Line) -> None:
        await line.answer(sized(b"hello"))
        await asyncio.sleep(0.02)
        await line.send(sized(b"timed out", status=b"408 Request Timeout"))
        await answering(line)

    async with ScriptedPeer(play) as peer:
        for _ in range(3):
            assert (await fetch(transport, post(peer.url))).content == b"hello"
            await asyncio.sleep(0.05)


async def test_what_follows_an_answer_unasked_is_not_taken_either(
    transport: httpx.AsyncBaseTransport,
) -> None:
    async def play(line: Line) -> None:
        await line.answer(sized(b"hello") + sized(b"forged"))
        await line.seconds_until_closed()

    async with ScriptedPeer(play) as peer:
        bodies = [(await fetch(transport, post(peer.url, read=1.0))).content for _ in range(3)]

    assert bodies == [b"hello"] * 3


async def test_a_request_that_may_have_been_acted_on_is_not_sent_again(
    transport: httpx.AsyncBaseTransport,
) -> None:
    async def play(line: Line) -> None:
        await line.answer(sized(b"hello"))
        await line.read_request()
        line.close()

    async with ScriptedPeer(play) as peer:
        await fetch(transport, post(peer.url))
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await fetch(transport, post(peer.url))
        await asyncio.sleep(0.05)

    assert [len(line.heads) for line in peer.lines] == [2]


async def test_a_peer_that_refuses_before_it_was_asked_is_heard(transport: httpx.AsyncBaseTransport) -> None:
    async def play(line: Line) -> None:
        await line.send(sized(b"busy", status=b"503 Busy", headers=b"Connection: close\r\n"))
        line.half_close()
        await line.seconds_until_closed()

    async with ScriptedPeer(play) as peer:
        answers = {(await fetch(transport, post(peer.url))).status_code for _ in range(20)}

    assert answers == {503}


async def test_a_peer_that_leaves_before_it_was_asked_is_an_error(
    transport: httpx.AsyncBaseTransport,
) -> None:
    async def play(line: Line) -> None:
        line.close()

    async with ScriptedPeer(play) as peer:
        for _ in range(20):
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)):
                await fetch(transport, post(peer.url))


@pytest.mark.parametrize("answer", [b"", CHUNKED_HEAD, CHUNKED_HEAD + chunk(b"data: one\n\n")])
async def test_a_reset_is_an_error_at_every_stage(transport: httpx.AsyncBaseTransport, answer: bytes) -> None:
    async def play(line: Line) -> None:
        await line.answer(answer)
        await asyncio.sleep(0.02)
        line.reset()

    async with ScriptedPeer(play) as peer:
        with pytest.raises(httpx.ReadError if answer == b"" else httpx.TransportError):
            await fetch(transport, post(peer.url))


async def test_an_answer_before_the_whole_request_is_heard(transport: httpx.AsyncBaseTransport) -> None:
    async def play(line: Line) -> None:
        await line.read_head()
        await line.send(
            sized(b"too large", status=b"413 Content Too Large", headers=b"Connection: close\r\n")
        )
        await line.seconds_until_closed()

    async with ScriptedPeer(play) as peer:
        response = await fetch(transport, post(peer.url, b"x" * 30_000_000))

    assert (response.status_code, response.content) == (413, b"too large")


async def test_nobody_waits_for_the_rest_of_a_request_after_its_answer(
    transport: httpx.AsyncBaseTransport,
) -> None:
    """The peer neither reads on nor closes; the next request must not go the same way."""

    async def play(line: Line) -> None:
        await line.read_head()
        await line.send(sized(b"too large", status=b"413 Content Too Large"))
        await asyncio.sleep(60)

    async with ScriptedPeer(play) as peer:
        for _ in range(2):
            async with asyncio.timeout(2 * PATIENCE_S):
                response = await fetch(transport, post(peer.url, b"x" * 30_000_000))
            assert response.content == b"too large"

    assert len(peer.lines) == 2


async def test_a_peer_that_stops_taking_the_request_is_a_write_timeout(
    transport: httpx.AsyncBaseTransport,
) -> None:
    async def play(line: Line) -> None:
        await line.read_head()
        await asyncio.sleep(60)

    async with ScriptedPeer(play) as peer:
        with pytest.raises(httpx.WriteTimeout):
            await fetch(transport, post(peer.url, b"x" * 30_000_000, write=0.2))


async def test_nobody_listening_is_a_connect_error(transport: httpx.AsyncBaseTransport) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        with pytest.raises(httpx.ConnectError):
            await fetch(transport, post(f"http://127.0.0.1:{reserved.getsockname()[1]}/"))


async def test_a_name_that_nobody_has_is_a_connect_error(transport: httpx.AsyncBaseTransport) -> None:
    with pytest.raises(httpx.ConnectError):
        await fetch(transport, post("http://nowhere.invalid/"))


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """The port of a listener whose queue is full: the kernel drops further SYNs."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_a_peer_that_does_not_answer_the_call_is_a_connect_timeout(
    transport: httpx.AsyncBaseTransport,
) -> None:
    with full_backlog() as port:
        async with asyncio.timeout(10):
            with pytest.raises(httpx.ConnectTimeout):
                await fetch(transport, post(f"http://127.0.0.1:{port}/", connect=0.3))


async def test_an_address_of_another_protocol_is_not_supported(transport: httpx.AsyncBaseTransport) -> None:
    with pytest.raises(httpx.UnsupportedProtocol):
        await fetch(transport, post("ftp://127.0.0.1/"))


# TLS


@pytest.fixture
async def trusting(
    contender: Contender, certificates: Certificates
) -> AsyncIterator[httpx.AsyncBaseTransport]:
    async with contender.make(certificates.authority) as opened:
        yield opened


async def test_an_authority_of_ones_own_is_trusted(
    trusting: httpx.AsyncBaseTransport, certificates: Certificates
) -> None:
    async with ScriptedPeer(answering, tls=showing(certificates.honest)) as peer:
        for _ in range(3):
            assert (await fetch(trusting, post(peer.url))).content == b"hello"

    assert len(peer.lines) == 1


async def test_a_stream_over_tls_arrives_whole(
    trusting: httpx.AsyncBaseTransport, certificates: Certificates
) -> None:
    pieces = [b"%d:" % n + b"x" * (n * 37 % 5_000) for n in range(400)]

    async def play(line: Line) -> None:
        await line.answer(CHUNKED_HEAD)
        for piece in pieces:
            await line.send(chunk(piece))
        await line.send(LAST_CHUNK)

    async with ScriptedPeer(play, tls=showing(certificates.honest)) as peer:
        assert (await fetch(trusting, post(peer.url, b"y" * 300_000))).content == b"".join(pieces)

    assert peer.lines[0].bodies == [b"y" * 300_000]


async def test_a_cut_over_tls_is_an_error(
    trusting: httpx.AsyncBaseTransport, certificates: Certificates
) -> None:
    async def play(line: Line) -> None:
        await line.answer(CHUNKED_HEAD + chunk(b"data: one\n\n"))
        line.writer.transport.abort()

    async with ScriptedPeer(play, tls=showing(certificates.honest)) as peer:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await fetch(trusting, post(peer.url))


async def test_an_unknown_authority_is_a_connect_error(
    transport: httpx.AsyncBaseTransport, certificates: Certificates
) -> None:
    async with ScriptedPeer(answering, tls=showing(certificates.honest)) as peer:
        with pytest.raises(httpx.ConnectError, match=r"(?i)certificate"):
            await fetch(transport, post(peer.url))

    assert sum(len(line.heads) for line in peer.lines) == 0


async def test_a_certificate_for_another_host_is_a_connect_error(
    trusting: httpx.AsyncBaseTransport, certificates: Certificates
) -> None:
    async with ScriptedPeer(answering, tls=showing(certificates.misnamed)) as peer:
        with pytest.raises(httpx.ConnectError, match=r"(?i)certificate"):
            await fetch(trusting, post(peer.url))


async def test_plain_http_where_tls_was_expected_is_a_connect_error(
    transport: httpx.AsyncBaseTransport,
) -> None:
    async def play(line: Line) -> None:
        await line.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await line.seconds_until_closed()

    async with ScriptedPeer(play) as peer:
        with pytest.raises(httpx.ConnectError):
            await fetch(transport, post(peer.url.replace("http:", "https:")))


# What is sent


async def test_a_request_is_sent_as_it_was_made(transport: httpx.AsyncBaseTransport) -> None:
    headers = [(b"Authorization", b"Bearer secret"), (b"X-Name", "Zoë".encode()), (b"User-Agent", b"agent/1")]
    async with ScriptedPeer(answering) as peer:
        await fetch(transport, post(peer.url + "?a=b%20c&d=%7E", b'{"model": "m"}', headers=headers))
    [line] = peer.lines

    assert line.heads[0].startswith(b"POST /v1/chat?a=b%20c&d=%7E HTTP/1.1\r\n")
    assert b"\r\nX-Name: Zo\xc3\xab\r\n" in line.heads[0]
    assert header(line.heads[0], "host") == f"127.0.0.1:{peer.port}"
    assert header(line.heads[0], "user-agent") == "agent/1"
    assert header(line.heads[0], "content-length") == "14"
    assert line.bodies == [b'{"model": "m"}']


async def test_a_body_of_any_size_arrives_whole(transport: httpx.AsyncBaseTransport) -> None:
    sizes = [0, 1, 32_767, 32_768, 32_769, 65_536, 65_537, 1_000_000, 5_000_000]
    bodies = [bytes(range(256)) * (size // 256 + 1) for size in sizes]
    wanted = [body[:size] for body, size in zip(bodies, sizes, strict=True)]
    async with ScriptedPeer(answering) as peer:
        for body in wanted:
            await fetch(transport, post(peer.url, body))

    assert [len(it) for it in peer.lines[0].bodies] == sizes
    assert peer.lines[0].bodies == wanted


async def test_a_body_may_be_sent_as_it_is_made(transport: httpx.AsyncBaseTransport) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for n in range(10):
            await asyncio.sleep(0)
            yield b"%d" % n * 10_000

    async with ScriptedPeer(answering) as peer:
        await fetch(transport, post(peer.url, pieces()))

    assert peer.lines[0].bodies == [b"".join(b"%d" % n * 10_000 for n in range(10))]


async def test_a_get_has_no_body(transport: httpx.AsyncBaseTransport) -> None:
    async with ScriptedPeer(answering) as peer:
        await fetch(transport, get(peer.url))

    assert header(peer.lines[0].heads[0], "content-length") is None
    assert header(peer.lines[0].heads[0], "transfer-encoding") is None


async def test_cookies_are_not_kept(transport: httpx.AsyncBaseTransport) -> None:
    async def play(line: Line) -> None:
        while True:
            await line.answer(sized(b"", headers=b"Set-Cookie: session=1; Path=/\r\n"))

    async with ScriptedPeer(play) as peer:
        for _ in range(2):
            await fetch(transport, post(peer.url))

    assert [header(head, "cookie") for head in peer.lines[0].heads] == [None, None]


@pytest.mark.parametrize("value", ["a\r\nX-Injected: b", "a\nb", "a\0b"])
async def test_a_header_cannot_smuggle_another(transport: httpx.AsyncBaseTransport, value: str) -> None:
    async with ScriptedPeer(answering) as peer:
        with pytest.raises(httpx.LocalProtocolError):
            await fetch(transport, post(peer.url, headers={"X-Name": value}))

    assert sum(len(line.heads) for line in peer.lines) == 0
