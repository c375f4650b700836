"""What helps an adapter to speak over HTTP: failures find their names, and what is opened is closed."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from adapters.dialects.dialect import Quirks
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.outbound.answers import answer_to
from adapters.outbound.http_provider import http_provider
from domain.conversation.built import Built
from domain.conversation.parts import Text
from domain.conversation.request import ChatRequest, Conversation, Message, Role, Sampling
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import ProviderCall
from domain.routing.targets import ProviderSpec
from tests.adapters.outbound.kits import kit_over

SECRET = "planted-key-of-the-lab"
ASKED = Conversation(
    messages=(Message(role=Role.USER, parts=(Text(text="Say hello."),)),),
    sampling=Sampling(max_output_tokens=50),
)


class Body(httpx.AsyncByteStream):
    """A body that may break off, and knows whether it was closed."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = pieces
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def aclose(self) -> None:
        self.closed = True


class Lab(httpx.AsyncBaseTransport):
    """Answers one request, and keeps it."""

    def __init__(self, body: Body, status: int = 200, **headers: str) -> None:
        self._answer = httpx.Response(status, headers=headers, stream=body)
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self._answer


class Unreachable(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)


def call(**fields: Any) -> ProviderCall:
    request = ChatRequest(dialect="", model="m", source=Built(ASKED), stream=True)
    return ProviderCall(request=request, request_id="r", model="m", stream=True, **fields)


async def read(transport: httpx.AsyncBaseTransport, **fields: Any) -> list[str]:
    request = httpx.Request("POST", "http://lab.test/", json={})
    async with answer_to(request, call(**fields), kit_over(transport)) as response:
        return [line async for line in response.aiter_lines()]


async def failure_of(transport: httpx.AsyncBaseTransport) -> UpstreamFailure:
    with pytest.raises(UpstreamFailure) as caught:
        await read(transport)
    return caught.value


async def test_an_answer_is_read_line_by_line_and_closed() -> None:
    body = Body(b"on", b"e\ntw", b"o\n")

    assert await read(Lab(body)) == ["one", "two"]
    assert body.closed


async def test_only_connecting_is_bounded() -> None:
    lab = Lab(Body())

    await read(lab, connect_timeout_s=1.5)

    assert lab.asked[0].extensions["timeout"] == {"connect": 1.5, "read": None, "write": None, "pool": None}


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (401, b"who are you?", FailureKind.CREDENTIALS),
        (404, b"no such model", FailureKind.MODEL_MISSING),
        (429, b"slow down", FailureKind.RATE_LIMITED),
        (500, b"CUDA out of memory", FailureKind.OUT_OF_MEMORY),
        (503, b"busy", FailureKind.OVERLOADED),
    ],
)
async def test_a_refusal_is_classified_by_status_and_words(
    status: int, words: bytes, kind: FailureKind
) -> None:
    body = Body(words)

    failure = await failure_of(Lab(body, status))

    assert (failure.kind, failure.status) == (kind, status)
    assert words.decode() in failure.message
    assert body.closed


async def test_how_long_to_wait_is_read_of_a_refusal() -> None:
    assert (await failure_of(Lab(Body(b""), 429, **{"retry-after": "7"}))).retry_after_s == 7.0


async def test_no_connection_is_a_failure() -> None:
    assert (await failure_of(Unreachable())).kind is FailureKind.UNREACHABLE


async def test_an_answer_that_breaks_off_is_a_failure_and_closed() -> None:
    body = Body(b"one\n", httpx.ReadError("reset"))

    assert (await failure_of(Lab(body))).kind is FailureKind.BROKEN_OFF
    assert body.closed


async def test_an_answer_is_closed_when_its_reader_fails() -> None:
    body = Body(b"one\n")
    request = httpx.Request("GET", "http://lab.test/")

    with pytest.raises(ZeroDivisionError):
        async with answer_to(request, call(), kit_over(Lab(body))):
            1 / 0  # noqa: B018

    assert body.closed


def spec(**headers: str) -> ProviderSpec:
    return ProviderSpec(name="lab", adapter="", headers=headers)


async def test_a_dialect_can_be_spoken_at_an_address_of_ones_own() -> None:
    lab = Lab(Body(b'{"error": {"message": "not for planted-key-of-the-lab"}}'), 403)
    provider = http_provider(
        spec(**{"x-team": "from the file"}),
        kit_over(lab),
        OPENAI_CHAT,
        url="http://lab.test/odd/path?version=2",
        headers={"X-Lab-Key": SECRET, "X-Team": "from the adapter"},
        quirks=Quirks(max_tokens_field="max_completion_tokens"),
    )

    with pytest.raises(UpstreamFailure, match="redacted") as caught:
        await anext(provider.converse(call()))

    (asked,) = lab.asked
    assert str(asked.url) == "http://lab.test/odd/path?version=2"
    assert (asked.headers["x-lab-key"], asked.headers["x-team"]) == (SECRET, "from the file")
    assert asked.headers["user-agent"] == "coderouter/test"
    assert b'"max_completion_tokens":50' in asked.content
    assert caught.value.answer is not None
    assert SECRET.encode() not in caught.value.answer.body
