"""A provider of kind ollama asks Ollama's own API and classifies what goes wrong there."""

import json
from typing import Any

import pytest

from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from adapters.outbound.ollama import ollama
from domain.conversation.extensions import Json
from domain.conversation.fold import fold
from domain.conversation.parts import Text
from domain.conversation.reply import Batch, TextDelta, Usage
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import ChatProvider, ProviderCall
from domain.routing.targets import Capabilities, ProviderSpec
from tests.adapters.dialects.ollama_chat.lines import TEXT, end, line
from tests.adapters.outbound import scripted_server

NDJSON = "application/x-ndjson"


class Server(scripted_server.Server):
    """Ollama, as far as an answer goes."""

    def __init__(self, *pieces: bytes, status: int = 200, content_type: str = NDJSON) -> None:
        super().__init__(*pieces, status=status, content_type=content_type)

    def provider(self, **fields: Any) -> ChatProvider:
        secret = fields.pop("secret", "")
        spec = ProviderSpec(**{"name": "home", "adapter": "ollama", "base_url": "http://box:11434", **fields})
        return ollama(spec, self.kit(secret=secret))


def question(*, stream: bool = True, **fields: object) -> ProviderCall:
    body = {"model": "any", "messages": [{"role": "user", "content": "Why is the sky blue?"}], **fields}
    request = OPENAI_CHAT.decode_request(json.dumps(body).encode(), {})
    return ProviderCall(request=request, request_id="r1", model="qwen3:8b", stream=stream)


async def answer(provider: ChatProvider, call: ProviderCall) -> list[Batch]:
    return [batch async for batch in provider.converse(call)]


@pytest.mark.parametrize(
    "base_url",
    ["http://box:11434", "http://box:11434/", "http://box:11434/v1", "http://box:11434/api/"],
)
async def test_the_address_may_be_written_in_every_usual_way(base_url: str) -> None:
    server = Server(TEXT)

    await answer(server.provider(base_url=base_url), question())

    assert str(server.asked[0].url) == "http://box:11434/api/chat"


async def test_a_stream_is_read_line_by_line_and_closed() -> None:
    server = Server(TEXT[:100], TEXT[100:130], TEXT[130:])

    completion = fold(await answer(server.provider(), question()))

    assert completion.choices[0].parts == (Text(text="The sky is blue — なぜ?"),)
    assert completion.usage == Usage(input_tokens=61, output_tokens=468)
    assert (completion.model, server.body.closed) == ("qwen3:8b", True)


async def test_a_whole_answer_is_read_as_one() -> None:
    body = line({"content": "Because."}, done=True, done_reason="stop", prompt_eval_count=1, eval_count=2)
    server = Server(body, content_type="application/json; charset=utf-8")

    completion = fold(await answer(server.provider(), question(stream=False)))

    assert completion.choices[0].parts == (Text(text="Because."),)
    assert server.sent["stream"] is False


@pytest.mark.parametrize(
    ("configured", "num_ctx"),
    [
        ({"context_window": 32768}, 32768),
        ({"context_window": 32768, "extra_body": {"options": {"num_ctx": 8192}}}, 8192),
        ({"extra_body": {"options": {"num_ctx": 8192}}}, 8192),
        ({}, None),
    ],
)
async def test_the_context_window_is_asked_for(configured: dict[str, Json], num_ctx: int | None) -> None:
    server = Server(TEXT)

    await answer(server.provider(**configured), question())

    assert server.sent.get("options", {}).get("num_ctx") == num_ctx


async def test_other_options_stand_beside_the_context_window() -> None:
    server = Server(TEXT)
    provider = server.provider(context_window=16384, extra_body={"options": {"num_gpu": 1}, "keep_alive": -1})

    await answer(provider, question(temperature=0.2))

    assert server.sent["options"] == {"num_ctx": 16384, "num_gpu": 1, "temperature": 0.2}
    assert server.sent["keep_alive"] == -1


@pytest.mark.parametrize(("levels", "think"), [(None, True), (("low", "high"), "high")])
async def test_a_model_is_told_how_much_to_think_only_if_it_has_levels(
    levels: tuple[str, ...] | None, think: object
) -> None:
    server = Server(TEXT)
    body = {"model": "any", "input": "hi", "reasoning": {"effort": "high"}}
    request = OPENAI_RESPONSES.decode_request(json.dumps(body).encode(), {})
    call = ProviderCall(request=request, request_id="r1", model="qwen3:8b", stream=True)

    await answer(server.provider(capabilities=Capabilities(effort_levels=levels)), call)

    assert server.sent["think"] == think


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (404, 'model "qwen9" not found, try pulling it first', FailureKind.MODEL_MISSING),
        (400, "registry.ollama.ai/library/x does not support tools", FailureKind.NOT_OFFERED),
        (500, "model requires more system memory (9.1 GiB) than is available", FailureKind.OUT_OF_MEMORY),
        (503, "server busy, please try again.  maximum pending requests exceeded", FailureKind.OVERLOADED),
    ],
)
async def test_a_refusal_is_what_its_words_say(status: int, words: str, kind: FailureKind) -> None:
    server = Server(json.dumps({"error": words}).encode(), status=status, content_type="application/json")

    with pytest.raises(UpstreamFailure) as caught:
        await answer(server.provider(), question())

    assert (caught.value.kind, server.body.closed) == (kind, True)
    assert words in caught.value.message


async def test_an_error_inside_a_stream_is_a_failure() -> None:
    server = Server(
        line({"content": "Hel"}), b'{"error":"an error was encountered while running the model"}\n'
    )
    batches = server.provider().converse(question())

    assert (await anext(batches)).events[1] == TextDelta("Hel")
    with pytest.raises(UpstreamFailure, match="while running the model"):
        await anext(batches)
    assert server.body.closed


async def test_a_stream_that_stops_short_is_broken_off() -> None:
    server = Server(TEXT.removesuffix(end()))

    with pytest.raises(UpstreamFailure) as caught:
        await answer(server.provider(), question())

    assert caught.value.kind is FailureKind.BROKEN_OFF


@pytest.mark.parametrize("content_type", ["Application/X-NDJSON", "application/x-ndjson; charset=utf-8"])
async def test_a_stream_is_known_however_its_type_is_written(content_type: str) -> None:
    server = Server(TEXT, content_type=content_type)

    completion = fold(await answer(server.provider(), question()))

    assert completion.choices[0].parts == (Text(text="The sky is blue — なぜ?"),)
