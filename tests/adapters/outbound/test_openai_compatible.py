"""OpenAI's own API is asked in its newest words, other servers in those that all of them know."""

import json
from typing import Any

import pytest

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Dialect
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_completions.dialect import OPENAI_COMPLETIONS
from adapters.outbound.openai_compatible import openai_compatible
from domain.conversation.reply import TextDelta
from domain.conversation.request import ChatRequest
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import ChatProvider, EmbeddingCall, EmbeddingProvider, ProviderCall
from domain.routing.targets import ProviderSpec
from tests.adapters.outbound.scripted_server import Server

ANSWER = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
GONE_ON = b'{"choices":[{"index":0,"text":"upon","finish_reason":"stop"}]}'
OPENAI = "https://api.openai.com/v1"
OTHER = "http://127.0.0.1:8080/v1"
HELLO = {"role": "user", "content": "hi"}
MARKED = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}


async def sent(base_url: str, dialect: Dialect, **body: Any) -> Any:
    server = Server(ANSWER, content_type="application/json")
    request = dialect.decode_request(json.dumps({"model": "any", **body}).encode(), {})
    call = ProviderCall(request=request, request_id="r1", model="gpt-5", stream=False)
    provider = openai_compatible(
        ProviderSpec(name="a", adapter="openai_compat", base_url=base_url), server.kit()
    )
    async for _ in provider.converse(call):
        pass
    return server.sent


@pytest.mark.parametrize(
    ("base_url", "limit"), [(OPENAI, {"max_completion_tokens": 9}), (OTHER, {"max_tokens": 9})]
)
@pytest.mark.parametrize("dialect", [OPENAI_CHAT, ANTHROPIC_MESSAGES], ids=lambda dialect: dialect.name)
async def test_the_output_limit_has_the_name_that_the_server_takes(
    base_url: str, limit: dict[str, int], dialect: Dialect
) -> None:
    told = await sent(base_url, dialect, messages=[HELLO], max_tokens=9)

    assert {field: value for field, value in told.items() if field.startswith("max_")} == limit


@pytest.mark.parametrize("base_url", [OPENAI, OTHER])
async def test_a_text_goes_to_the_address_for_texts(base_url: str) -> None:
    server = Server(GONE_ON, content_type="application/json")
    request = OPENAI_COMPLETIONS.decode_request(b'{"prompt": "once"}', {})
    spec = ProviderSpec(name="a", adapter="openai_compat", base_url=base_url, output_limit=9)
    provider = openai_compatible(spec, server.kit())

    call = ProviderCall(request=request, request_id="r1", model="m", stream=False)
    (batch,) = [batch async for batch in provider.converse(call)]

    assert str(server.asked[0].url) == f"{base_url}/completions"
    assert server.sent == {"model": "m", "prompt": "once", "max_tokens": 9}
    assert TextDelta("upon") in batch.events


MISSING_ENDPOINT = [
    (404, "Not Found", FailureKind.NOT_OFFERED),
    (405, "Method Not Allowed", FailureKind.NOT_OFFERED),
    (501, "no embeddings here", FailureKind.NOT_OFFERED),
    (404, "model 'm' not found", FailureKind.MODEL_MISSING),
    (503, "busy", FailureKind.OVERLOADED),
]


@pytest.mark.parametrize(("status", "message", "kind"), MISSING_ENDPOINT)
async def test_an_endpoint_that_a_server_lacks_says_nothing_about_its_model(
    status: int, message: str, kind: FailureKind
) -> None:
    provider = refusing(status, message)
    assert isinstance(provider, EmbeddingProvider)

    with pytest.raises(UpstreamFailure) as completing:
        await asked(provider, OPENAI_COMPLETIONS.decode_request(b'{"prompt": "once"}', {}))
    with pytest.raises(UpstreamFailure) as embedding:
        await provider.embed(EmbeddingCall(body=b'{"input": "x"}', request_id="r2", model="m"))

    assert (completing.value.kind, embedding.value.kind) == (kind, kind)


async def test_a_conversation_that_is_not_found_is_for_want_of_its_model() -> None:
    request = OPENAI_CHAT.decode_request(json.dumps({"messages": [HELLO]}).encode(), {})

    with pytest.raises(UpstreamFailure) as caught:
        await asked(refusing(404, "Not Found"), request)

    assert caught.value.kind is FailureKind.MODEL_MISSING


def refusing(status: int, message: str) -> ChatProvider:
    body = json.dumps({"error": {"message": message}}).encode()
    server = Server(body, status=status, content_type="application/json")
    return openai_compatible(ProviderSpec(name="a", adapter="openai_compat", base_url=OTHER), server.kit())


async def asked(provider: ChatProvider, request: ChatRequest) -> None:
    call = ProviderCall(request=request, request_id="r1", model="m", stream=False)
    async for _ in provider.converse(call):
        pass


@pytest.mark.parametrize(("base_url", "role"), [(OPENAI, "developer"), (OTHER, "system")])
async def test_a_developer_speaks_as_such_only_where_that_is_known(base_url: str, role: str) -> None:
    told = await sent(base_url, OPENAI_CHAT, messages=[{"role": "developer", "content": "Be brief."}, HELLO])

    assert told["messages"][0]["role"] == role


@pytest.mark.parametrize(("base_url", "marked"), [(OPENAI, False), (OTHER, True)])
async def test_cache_marks_go_only_to_servers_that_do_not_refuse_them(base_url: str, marked: bool) -> None:
    turn = {"role": "user", "content": [MARKED]}
    told = await sent(base_url, ANTHROPIC_MESSAGES, max_tokens=9, messages=[turn])

    assert ("cache_control" in json.dumps(told)) is marked
