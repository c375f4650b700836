"""What real clients and servers said is understood and loses nothing on its way to another dialect."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Answering, Dialect, GarbledReply, Outgoing, TruncatedReply
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.conversation.fold import fold
from domain.conversation.parts import Text, ToolCall
from domain.conversation.reply import Batch, StopReason
from domain.conversation.request import ChatRequest
from tests.adapters.dialects.openai_responses.legal_stream import checked_response, complete
from tests.adapters.dialects.openai_responses.recordings import (
    NUMBERED,
    UNNUMBERED,
    cases,
    recorded,
    recorded_json,
)

every_request = pytest.mark.parametrize("case", cases("request.json"))


def request(case: str) -> ChatRequest:
    return OPENAI_RESPONSES.decode_request(recorded(case, "request.json"), {})


def strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from strings(inner)
        case list():
            for inner in value:
                yield from strings(inner)
        case _:
            pass


def said_texts(body: dict[str, Any]) -> list[str]:
    """Everything that the model is to read: instructions, content, outputs, descriptions."""
    items = body["input"] if isinstance(body["input"], list) else [{"content": body["input"]}]
    told = [body.get("instructions"), [[item.get("content"), item.get("output")] for item in items]]
    found = [text for item in items for text in descriptions(item)]
    kinds = {"input_text", "output_text", "message"}
    return [
        text
        for text in strings([told, found, list(descriptions(body))])
        if text.strip() and text not in kinds
    ]


def descriptions(body: dict[str, Any]) -> Iterator[str]:
    for tool in body.get("tools", []):
        if tool.get("description"):
            yield tool["description"]
        yield from descriptions(tool)


def client_functions(tools: list[dict[str, Any]]) -> int:
    """Tools that the client runs itself."""
    return sum(
        client_functions(tool["tools"])
        if tool["type"] == "namespace"
        else tool["type"] in {"function", "custom"} or tool.get("execution") == "client"
        for tool in tools
    )


@every_request
@pytest.mark.parametrize("abroad", [OPENAI_CHAT, ANTHROPIC_MESSAGES], ids=lambda dialect: dialect.name)
def test_a_recorded_request_goes_abroad_with_every_text_tool_and_call(case: str, abroad: Dialect) -> None:
    asked = recorded_json(case, "request.json")

    sent = json.loads(abroad.encode_request(Outgoing(request=request(case), model="qwen3", stream=True)))

    everything = "\n".join(strings(sent))
    assert [text for text in said_texts(asked) if text not in everything] == []
    items = asked["input"] if isinstance(asked["input"], list) else []
    found = [tool for item in items for tool in item.get("tools", [])]
    assert len(sent.get("tools", [])) == client_functions([*asked.get("tools", []), *found])
    ids = {item["call_id"] for item in items if "call_id" in item}
    assert ids <= set(strings(sent))


@every_request
def test_a_recorded_request_leaves_at_home_as_it_came(case: str) -> None:
    asked = request(case)

    sent = OPENAI_RESPONSES.encode_request(Outgoing(request=asked, model=asked.model, stream=asked.stream))

    assert sent == recorded(case, "request.json")


@pytest.mark.parametrize("case", NUMBERED)
def test_a_recorded_stream_is_read_and_written_again_as_a_legal_one(case: str) -> None:
    batches = read(recorded(case, "upstream.sse"))
    encoder = OPENAI_RESPONSES.stream_encoder(Answering(model="mine", reply_id="ours", created=1))

    stream = b"".join([encoder.send(batch) for batch in batches]) + encoder.close()

    told = complete(stream)
    original = last_response(recorded(case, "upstream.sse"))
    assert told.final["model"] == "mine"
    assert told.final["id"] == original["id"]
    assert [essence(item) for item in told.items] == [essence(item) for item in original["output"]]


@pytest.mark.parametrize("case", NUMBERED)
def test_every_cut_of_a_recorded_stream_gives_the_same_answer(case: str) -> None:
    stream = recorded(case, "upstream.sse")
    whole = fold(read(stream))

    for at in range(0, len(stream), 7):
        assert fold(read(stream[:at], stream[at:])) == whole
    assert fold(read(*(stream[at : at + 1] for at in range(len(stream))))) == whole
    assert fold(read(stream.replace(b"\n", b"\r\n"))) == whole


def test_vllm_tells_text_and_why_it_stopped() -> None:
    (choice,) = fold(read(recorded("vllm-text", "upstream.sse"))).choices

    assert isinstance(choice.parts[0], Text)
    assert choice.parts[0].text.startswith("Hello there! I'm")
    assert choice.finish is not None


def test_vllm_tells_a_call() -> None:
    (choice,) = fold(read(recorded("vllm-call", "upstream.sse"))).choices

    (call,) = choice.parts
    assert isinstance(call, ToolCall)
    assert (call.name, call.arguments) == ("get_weather", '"Paris"')
    assert choice.finish is not None
    assert choice.finish.reason == StopReason.TOOL_CALLS


@pytest.mark.parametrize("case", UNNUMBERED)
def test_a_stream_whose_events_name_no_place_is_garbled(case: str) -> None:
    with pytest.raises(GarbledReply, match="output_index is missing"):
        read(recorded(case, "upstream.sse"))


def test_a_stream_that_was_cut_is_no_answer() -> None:
    with pytest.raises(TruncatedReply):
        read(recorded("codex-cut", "upstream.sse"))


@pytest.mark.parametrize("case", cases("upstream.json"))
def test_a_recorded_whole_answer_is_read_and_passed_on_byte_for_byte(case: str) -> None:
    body = recorded(case, "upstream.json")
    completion = fold([OPENAI_RESPONSES.decode_completion(body)])
    told = json.loads(body)

    renamed = OPENAI_RESPONSES.encode_completion(
        completion, Answering(model="mine", reply_id="ours", created=1)
    )

    assert [part.text for part in completion.choices[0].parts if isinstance(part, Text)] == [
        told["output"][0]["content"][0]["text"]
    ]
    assert completion.usage is not None
    assert completion.usage.output_tokens == told["usage"]["output_tokens"]
    assert json.loads(renamed) == told | {"model": "mine"}


def test_an_answer_from_a_chat_server_becomes_a_whole_response() -> None:
    body = json.dumps(
        {
            "id": "chatcmpl-1",
            "created": 5,
            "model": "qwen3",
            "choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1},
        }
    ).encode()
    completion = fold([OPENAI_CHAT.decode_completion(body)])

    told = checked_response(
        OPENAI_RESPONSES.encode_completion(completion, Answering(model="m", reply_id="r", created=1))
    )

    assert told["output"][0]["content"][0]["text"] == "hi"
    assert told["usage"]["total_tokens"] == 4


def read(*reads: bytes) -> list[Batch]:
    decoder = OPENAI_RESPONSES.stream_decoder()
    batches = [batch for data in reads for batch in decoder.feed(data)]
    return batches + list(decoder.close())


def last_response(stream: bytes) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(stream.strip().split(b"data: ")[-1])["response"]
    return told


def essence(item: dict[str, Any]) -> Any:
    """What a client acts on; one recorded server ended its last piece with a space that it then forgot."""
    match item["type"]:
        case "message":
            return [part["text"].rstrip() for part in item["content"]]
        case "function_call":
            return item["call_id"], item["name"], item["arguments"]
        case other:
            return other
