"""What real servers and clients said is understood, however it was cut, and passes through unharmed."""

import json

import pytest

from adapters.dialects.dialect import Answering, DialectError, Outgoing, ReportedError, TruncatedReply
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from domain.conversation.fold import Folding, fold
from domain.conversation.parts import Text, ToolCall
from domain.conversation.reply import Batch, ReplyEvent
from domain.conversation.request import ForeignTool
from tests.adapters.dialects.openai_chat.chat_streams import (
    ANSWERING,
    DONE,
    bare,
    chunks_of,
    transcript,
    written,
)
from tests.adapters.dialects.strategies import LINE_ENDS, reads_of, with_line_ends

COMPLETE = ("llama-text", "llama-two-calls", "llama-cut-call", "vllm-text", "vllm-call")
BROKEN = {
    "llama-format-error": ReportedError,
    "llama-killed": TruncatedReply,
    "llama-terminated": TruncatedReply,
    "vllm-killed": ReportedError,
}
REAL_NAME = Answering(model="", reply_id="", created=0, wants_usage=True)


def heard(reads: list[bytes]) -> tuple[list[ReplyEvent], bytes, str]:
    """What is understood, what a client of the same dialect sees, and how it ends."""
    decoder = OPENAI_CHAT.stream_decoder()
    encoder = OPENAI_CHAT.stream_encoder(REAL_NAME)
    events: list[ReplyEvent] = []
    sent = b""
    try:
        for data in [*reads, None]:
            for batch in decoder.close() if data is None else decoder.feed(data):
                events.extend(batch.events)
                sent += encoder.send(batch)
        sent += encoder.close()
    except DialectError as error:
        return events, sent, repr(error)
    return events, sent, "complete"


SHORT = ("llama-format-error", "llama-cut-call", "vllm-call")
LONG = tuple(name for name in (*COMPLETE, *BROKEN) if name not in SHORT)


@pytest.mark.parametrize("line_end", LINE_ENDS, ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("name", [*COMPLETE, *BROKEN])
def test_neither_a_cut_nor_a_line_end_changes_what_is_heard(name: str, line_end: bytes) -> None:
    stream = with_line_ends(transcript(name), line_end)
    expected = heard([transcript(name)])

    assert heard([stream[i : i + 1] for i in range(len(stream))]) == expected
    for position in range(0, len(stream), 1 if name in SHORT else 101):
        assert heard(reads_of(stream, [position])) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_no_single_cut_changes_what_is_heard(name: str) -> None:
    stream = transcript(name)
    expected = heard([stream])

    for position in range(len(stream)):
        assert heard(reads_of(stream, [position])) == expected


@pytest.mark.parametrize("name", COMPLETE)
def test_a_complete_stream_passes_byte_for_byte(name: str) -> None:
    events, sent, end = heard([transcript(name)])

    assert end == "complete"
    assert events
    assert sent == transcript(name)


@pytest.mark.parametrize("name", COMPLETE)
def test_a_stream_that_is_written_anew_says_the_same(name: str) -> None:
    batches = list(OPENAI_CHAT.stream_decoder().feed(transcript(name)))

    anew = written(bare(batches), ANSWERING)

    chunks_of(anew)
    assert fold(OPENAI_CHAT.stream_decoder().feed(anew)).choices == fold(batches).choices


@pytest.mark.parametrize(("name", "failure"), BROKEN.items())
def test_a_broken_stream_is_never_taken_for_a_complete_one(name: str, failure: type[DialectError]) -> None:
    _, sent, end = heard([transcript(name)])

    assert end.startswith(failure.__name__)
    assert DONE not in sent


def test_two_parallel_calls_of_a_real_model_are_understood() -> None:
    [choice] = fold(OPENAI_CHAT.stream_decoder().feed(transcript("llama-two-calls"))).choices

    assert [json.loads(part.arguments) for part in choice.parts if isinstance(part, ToolCall)] == [
        {"city": "Paris"},
        {"city": "Paris"},
    ]


@pytest.mark.parametrize(
    "name", ["llama-whole-text", "llama-whole-calls", "vllm-whole-text", "vllm-whole-call"]
)
def test_a_whole_answer_passes_but_for_its_model_name_and_can_be_written_anew(name: str) -> None:
    body = transcript(name, "upstream.json")
    batch = OPENAI_CHAT.decode_completion(body)
    completion = fold([batch])

    assert OPENAI_CHAT.encode_completion(completion, REAL_NAME) == body
    passed = OPENAI_CHAT.encode_completion(completion, ANSWERING)
    assert passed == body.replace(b'"model":"smollm2-135m"', b'"model":"asked-for"')
    anew = OPENAI_CHAT.encode_completion(fold([Batch(batch.events)]), ANSWERING)
    assert fold([OPENAI_CHAT.decode_completion(anew)]).choices == completion.choices
    assert json.loads(anew)["usage"]["total_tokens"] == json.loads(body)["usage"]["total_tokens"]


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("llama-overlong", "400", "exceeds the available context size"),
        ("llama-loading", "503", "Loading model"),
        ("llama-bad-key", "401", "Invalid API Key"),
        ("llama-broken-json", "500", "parse error"),
        ("vllm-overlong", "400", "maximum context length is 8192"),
        ("vllm-no-model", "404", "does not exist"),
        ("vllm-no-messages", "400", "Field required"),
    ],
)
def test_a_real_servers_error_is_understood(name: str, code: str, words: str) -> None:
    error = OPENAI_CHAT.decode_error(transcript(name, "error.json"))

    assert words in error.message
    assert (error.code, error.status) == (code, int(code))
    assert error.type


@pytest.mark.parametrize("name", ["aider", "codex-chat", "llm-tool-result", "opencode"])
def test_a_real_clients_request_changes_by_nothing_but_its_model(name: str) -> None:
    body = transcript(name, "request.json")
    request = OPENAI_CHAT.decode_request(body, {})

    sent = OPENAI_CHAT.encode_request(Outgoing(request=request, model="real", stream=True))

    expected = body.replace(b'"model":"smollm2-135m"', b'"model":"real"')
    if b'"stream_options"' not in body:
        expected = expected.removesuffix(b"}") + b',"stream_options":{"include_usage":true}}'
    assert sent == expected


def test_a_real_agents_turn_is_understood() -> None:
    request = OPENAI_CHAT.decode_request(transcript("codex-chat", "request.json"), {})

    assert (request.model, request.stream, request.declares_tools) == ("smollm2-135m", True, True)
    conversation = request.conversation
    assert [message.role.value for message in conversation.messages][-2:] == ["assistant", "tool"]
    assert isinstance(conversation.messages[0].parts[0], Text)
    assert not [tool for tool in conversation.tools if isinstance(tool, ForeignTool)]


def test_folding_a_stream_gives_what_the_whole_answer_gives() -> None:
    folding = Folding()
    for batch in OPENAI_CHAT.stream_decoder().feed(transcript("llama-text")):
        folding.add(batch)
    whole = fold([OPENAI_CHAT.decode_completion(transcript("llama-whole-text", "upstream.json"))])

    assert folding.completion().choices == whole.choices
