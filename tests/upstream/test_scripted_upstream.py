"""The scripted upstream does what its script says, on the wire as a client sees it."""

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.upstream.behaviours import (
    Answer,
    Behaviour,
    CutAfter,
    EmptyStream,
    Garbage,
    InBandError,
    RateLimited,
    Reset,
    RoleOnlyThenEof,
    SlowFirstByte,
    Stall,
    Status,
    Usage,
    Verbatim,
)
from tests.upstream.records import ReceivedRequest
from tests.upstream.scripted_upstream import (
    Script,
    ScriptedUpstream,
    held_port,
    refusing_port,
    served_in_thread,
    wait_until,
)

OPENAI = "/v1/chat/completions"
ANTHROPIC = "/v1/messages"
ROUTES = (OPENAI, ANTHROPIC)


def chat(stream: bool = False) -> dict[str, object]:
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": stream}


@asynccontextmanager
async def talking(script: Script) -> AsyncIterator[tuple[ScriptedUpstream, httpx.AsyncClient]]:
    async with (
        ScriptedUpstream(script) as upstream,
        httpx.AsyncClient(base_url=upstream.origin, timeout=5, trust_env=False) as client,
    ):
        yield upstream, client


async def test_a_text_answer_is_said_in_the_dialect_of_its_route() -> None:
    async with talking(Answer.text("hello world", usage=Usage(prompt=10, completion=2, cached=4))) as (
        _,
        client,
    ):
        openai = (await client.post(OPENAI, json=chat())).json()
        anthropic = (await client.post(ANTHROPIC, json=chat())).json()

    assert openai["choices"][0]["message"]["content"] == "hello world"
    assert openai["usage"]["total_tokens"] == 12
    assert anthropic["content"] == [{"type": "text", "text": "hello world"}]
    assert anthropic["usage"]["input_tokens"] + anthropic["usage"]["cache_read_input_tokens"] == 10
    assert anthropic["stop_reason"] == "end_turn"


async def test_a_stream_says_one_word_to_a_frame_and_ends_properly() -> None:
    async with talking(Answer.text("one two three")) as (_, client):
        openai = (await client.post(OPENAI, json=chat(stream=True))).text
        anthropic = (await client.post(ANTHROPIC, json=chat(stream=True))).text

    assert [piece in openai for piece in ('"one"', '" two"', '" three"')] == [True] * 3
    assert openai.endswith("data: [DONE]\n\n")
    assert '"usage"' not in openai
    assert anthropic.count("event: content_block_delta") == 3
    assert anthropic.endswith('event: message_stop\ndata: {"type":"message_stop"}\n\n')


async def test_an_openai_stream_reports_usage_when_it_is_asked_to() -> None:
    asked = {**chat(stream=True), "stream_options": {"include_usage": True}}
    async with talking(Answer.text("hi", usage=Usage(prompt=3, completion=1))) as (_, client):
        answer = (await client.post(OPENAI, json=asked)).text

    assert '"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4' in answer


async def test_parallel_tool_calls_keep_their_ids_and_arguments() -> None:
    calls = Answer.tool_calls(("Read", {"path": "a"}), ("Bash", '{"command": "ls"}'))
    async with talking(calls) as (_, client):
        openai = (await client.post(OPENAI, json=chat())).json()["choices"][0]
        anthropic = (await client.post(ANTHROPIC, json=chat())).json()
        streamed = (await client.post(ANTHROPIC, json=chat(stream=True))).text

    said = [(call["id"], call["function"]["name"]) for call in openai["message"]["tool_calls"]]
    assert said == [("call_1", "Read"), ("call_2", "Bash")]
    assert openai["finish_reason"] == "tool_calls"
    assert [block["input"] for block in anthropic["content"]] == [{"path": "a"}, {"command": "ls"}]
    assert streamed.count("content_block_start") == 4  # twice a frame: its event line and its type
    assert '"stop_reason":"tool_use"' in streamed


async def test_broken_tool_arguments_reach_a_stream_as_they_are() -> None:
    async with talking(Answer.tool_call("Bash", '{"command": ')) as (_, client):
        streamed = (await client.post(OPENAI, json=chat(stream=True))).text

    assert '"arguments":"{\\"comm"' in streamed
    assert '"arguments":"and\\": "' in streamed


async def test_a_raw_answer_is_written_piece_by_piece() -> None:
    async with talking(Answer.raw(b"data: {}\n", b"\ndata: [DONE]\n\n")) as (_, client):
        response = await client.post(OPENAI, json=chat(stream=True))

    assert response.content == b"data: {}\n\ndata: [DONE]\n\n"
    assert response.headers["content-type"].startswith("text/event-stream")


async def test_a_script_in_order_ends_with_its_last_behaviour_for_ever() -> None:
    async with talking([Status(500), RateLimited(retry_after="7"), Answer.text("at last")]) as (_, client):
        answers = [await client.post(OPENAI, json=chat()) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [500, 429, 200, 200]
    assert answers[1].headers["retry-after"] == "7"


async def test_a_script_may_decide_by_the_request() -> None:
    def refuses_strangers(request: ReceivedRequest) -> Behaviour:
        return Answer.text("hi") if request.headers.get("x-api-key") == "secret" else Status(401)

    async with talking(refuses_strangers) as (_, client):
        stranger = await client.post(ANTHROPIC, json=chat())
        friend = await client.post(ANTHROPIC, json=chat(), headers={"x-api-key": "secret"})

    assert stranger.json()["error"]["type"] == "authentication_error"
    assert friend.status_code == 200


async def test_models_and_health_do_not_use_up_the_script() -> None:
    async with talking([Status(500), Answer.text("hi")]) as (upstream, client):
        assert (await client.get("/health")).status_code == 200
        assert [model["id"] for model in (await client.get("/v1/models")).json()["data"]] == ["scripted"]
        assert (await client.get("/nowhere")).status_code == 404
        assert (await client.post(OPENAI, json=chat())).status_code == 500
        assert [request.path for request in upstream.requests] == [
            "/health",
            "/v1/models",
            "/nowhere",
            OPENAI,
        ]
        assert len(upstream.chats) == 1


async def test_a_request_is_remembered_whole() -> None:
    before = time.monotonic()
    async with talking(Answer.text("hi")) as (upstream, client):
        await client.post(ANTHROPIC + "?beta=true", json=chat(), headers={"Anthropic-Version": "2023-06-01"})
        request = await upstream.received()

    assert (request.method, request.target, request.path) == ("POST", "/v1/messages?beta=true", ANTHROPIC)
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert request.body == chat()
    assert b'"model"' in request.raw_body
    assert before <= request.arrived_at <= time.monotonic()


async def test_a_chunked_request_body_is_read_and_a_connection_is_kept() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"model": "m", '
        yield b'"stream": false}'

    async with talking(Answer.text("hi")) as (upstream, client):
        for _ in range(2):
            assert (await client.post(OPENAI, content=pieces())).status_code == 200
        assert [request.body["model"] for request in upstream.chats] == ["m", "m"]
        assert len(upstream.connections) == 1


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
async def test_a_cut_leaves_the_body_without_its_end(route: str, stream: bool) -> None:
    async with talking(CutAfter(events=3)) as (_, client):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(route, json=chat(stream))


@pytest.mark.parametrize("route", ROUTES)
async def test_an_in_band_error_follows_its_events_inside_a_200(route: str) -> None:
    async with talking(InBandError(after_events=3, message="too busy")) as (_, client):
        streamed = await client.post(route, json=chat(stream=True))
        plain = await client.post(route, json=chat())

    assert streamed.status_code == plain.status_code == 200
    assert streamed.text.count("data: ") == 4
    assert "too busy" in streamed.text
    assert plain.json()["error"]["message"] == "too busy"


@pytest.mark.parametrize("behaviour", [Reset(), Reset(after_events=2)], ids=["at once", "after two events"])
async def test_a_reset_is_a_reset(behaviour: Reset) -> None:
    async with ScriptedUpstream(behaviour) as upstream:
        reader, writer = await asyncio.open_connection("127.0.0.1", upstream.port)
        body = b'{"model": "m", "stream": true}'
        writer.write(b"POST /v1/messages HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_a_stall_is_silent_and_then_goes_on() -> None:
    async with (
        talking(Stall(after_events=2, seconds=0.2)) as (_, client),
        client.stream("POST", OPENAI, json=chat(stream=True)) as response,
    ):
        arrivals = [(time.monotonic(), line) async for line in response.aiter_lines()]

    assert max(after[0] - before[0] for before, after in itertools.pairwise(arrivals)) >= 0.15
    assert arrivals[-2][1] == "data: [DONE]"


async def test_a_slow_first_byte_delays_even_the_status_line() -> None:
    async with talking(SlowFirstByte(0.2, Status(503))) as (_, client):
        started = time.monotonic()
        assert (await client.post(OPENAI, json=chat())).status_code == 503
        assert time.monotonic() - started >= 0.2


async def test_answers_that_are_none_are_still_proper_responses() -> None:
    async with talking([Garbage(), EmptyStream(), RoleOnlyThenEof()]) as (_, client):
        garbage, empty, role_only = [await client.post(OPENAI, json=chat(stream=True)) for _ in range(3)]

    assert garbage.headers["content-type"] == "text/html"
    assert garbage.text.startswith("<html>")
    assert empty.content == b""
    assert role_only.text.count("data: ") == 1
    assert '"role":"assistant"' in role_only.text


async def test_bytes_that_are_not_http_are_sent_as_they_are() -> None:
    async with talking(Verbatim(b"SSH-2.0-OpenSSH_9.2\r\n")) as (_, client):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(OPENAI, json=chat())


async def test_a_peer_that_leaves_is_noticed_while_the_upstream_is_silent() -> None:
    async with ScriptedUpstream(Stall(after_events=3, seconds=60)) as upstream:
        client = httpx.AsyncClient(trust_env=False)
        async with client.stream("POST", upstream.origin + ANTHROPIC, json=chat(stream=True)) as response:
            await anext(response.aiter_bytes())
        left_at = time.monotonic()
        await client.aclose()
        noticed_at = await upstream.peer_left(upstream.chats[0])

    assert abs(noticed_at - left_at) < 0.5


async def test_a_connection_that_the_upstream_closes_is_not_counted_as_the_peer_leaving() -> None:
    async with talking(CutAfter(events=1)) as (upstream, client):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(OPENAI, json=chat(stream=True))
        [connection] = upstream.connections

    assert connection.closed_by_us_at is not None
    assert connection.closed_by_peer_at is None


def test_a_synchronous_test_runs_it_in_a_thread() -> None:
    with served_in_thread(ScriptedUpstream(Answer.text("hi"))) as upstream:
        with httpx.Client(base_url=upstream.origin, trust_env=False) as client:
            answer: Any = client.post(OPENAI, json=chat()).json()
        wait_until(lambda: upstream.connections[0].closed_by_peer_at is not None)

    assert answer["choices"][0]["message"]["content"] == "hi"


def test_a_held_port_is_the_programs_that_is_told_it_and_nobody_elses() -> None:
    with held_port() as port:
        for _ in range(2):
            with socket.create_server(("127.0.0.1", port)) as server:
                socket.create_connection(server.getsockname(), timeout=5).close()
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))


def test_a_refusing_port_refuses() -> None:
    with refusing_port() as port, pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False)
