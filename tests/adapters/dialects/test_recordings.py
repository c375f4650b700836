"""Whatever real clients and servers were recorded to say is understood, passed on, and translated."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.anthropic_messages.request import decode_count_request
from adapters.dialects.dialect import (
    Answering,
    Dialect,
    DialectError,
    ErrorReport,
    GarbledReply,
    OutboundDialect,
    Outgoing,
    Quirks,
    ReportedError,
    TruncatedReply,
)
from adapters.dialects.ollama_chat.dialect import OLLAMA_CHAT
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.conversation.fold import Folding, fold
from domain.conversation.parts import Part, Text, Thinking, ToolCall, ToolResult
from domain.conversation.reply import Batch, Completion, ReplyEvent, StopReason
from domain.conversation.request import (
    ChatRequest,
    Conversation,
    MalformedRequest,
    Message,
    Role,
    Sampling,
    Tool,
)
from tests.adapters.dialects import sdks
from tests.adapters.dialects.anthropic_messages.legal_stream import told as legal_messages
from tests.adapters.dialects.openai_chat.chat_streams import chunks_of
from tests.adapters.dialects.openai_responses.legal_stream import complete as legal_responses
from tests.adapters.dialects.recorded import DIALECTS, Recording, recordings
from tests.adapters.dialects.strategies import LINE_ENDS, reads_of, with_line_ends

REQUESTS = recordings("request.json")
STREAMS = recordings("upstream.sse")
WHOLE = recordings("upstream.json")
ERRORS = recordings("error.json")

ANSWERING = Answering(model="asked-for", reply_id="ours", created=1_700_000_000, wants_usage=True)
NAMELESS = Answering(model="", reply_id="", created=0, wants_usage=True)

BROKEN: Mapping[str, type[DialectError]] = {
    "anthropic_messages/claude-code-cut": TruncatedReply,
    "anthropic_messages/llama-killed": TruncatedReply,
    "anthropic_messages/llama-malformed-call": ReportedError,
    "anthropic_messages/llama-terminated": TruncatedReply,
    "anthropic_messages/vllm-killed": ReportedError,
    "openai_chat/llama-client-abort": TruncatedReply,
    "openai_chat/llama-forced-client-abort": TruncatedReply,
    "openai_chat/llama-format-error": ReportedError,
    "openai_chat/llama-killed": TruncatedReply,
    "openai_chat/llama-stalled": TruncatedReply,
    "openai_chat/llama-terminated": TruncatedReply,
    "openai_chat/vllm-client-abort": TruncatedReply,
    "openai_chat/vllm-killed": ReportedError,
    "openai_responses/codex-cut": TruncatedReply,
    "openai_responses/llama-call": GarbledReply,
    "openai_responses/llama-forced-call": GarbledReply,
    "openai_responses/llama-forced-stream": GarbledReply,
    "openai_responses/llama-killed": GarbledReply,
    "openai_responses/llama-terminated": GarbledReply,
    "openai_responses/llama-text": GarbledReply,
}
"""Streams that never became complete, and what is wrong with them."""

COMPLETE = [recording for recording in STREAMS if str(recording) not in BROKEN]

WRITTEN_ANEW = {
    "anthropic_messages/llama-two-calls",
    *(str(recording) for recording in COMPLETE if recording.dialect is OPENAI_RESPONSES),
}
"""Streams that break the rules where a client could stumble, and events that count what we have sent."""

every_dialect = pytest.mark.parametrize("to", DIALECTS, ids=lambda dialect: dialect.name)


def request_of(recording: Recording) -> ChatRequest:
    return recording.dialect.decode_request(recording.data, {})


# What clients ask


def unchanged(request: ChatRequest, body: bytes) -> Outgoing:
    """On its way to a server that wants nothing changed."""
    limit = "max_completion_tokens" if b'"max_completion_tokens"' in body else "max_tokens"
    quirks = Quirks(max_tokens_field=limit, usage_in_streams=False, developer_role=True)
    return Outgoing(request=request, model=request.model, stream=request.stream, quirks=quirks)


@pytest.mark.parametrize("recording", REQUESTS, ids=str)
def test_a_request_leaves_at_home_byte_for_byte(recording: Recording) -> None:
    request = request_of(recording)
    _ = request.conversation

    assert recording.dialect.encode_request(unchanged(request, recording.data)) == recording.data


@pytest.mark.parametrize("recording", REQUESTS, ids=str)
def test_another_model_changes_nothing_but_its_name(recording: Recording) -> None:
    request = request_of(recording)
    outgoing = unchanged(request, recording.data)

    sent = recording.dialect.encode_request(
        Outgoing(request=request, model="another", stream=request.stream, quirks=outgoing.quirks)
    )

    assert json.loads(sent) == json.loads(recording.data) | {"model": "another"}
    name = json.dumps(request.model).encode()
    renamed = re.sub(rb'("model": ?)' + name, rb'\1"another"', recording.data, count=1)
    assert not request.model or sent == renamed


@pytest.mark.parametrize("upstream", [OPENAI_CHAT, ANTHROPIC_MESSAGES, OLLAMA_CHAT], ids=lambda d: d.name)
@pytest.mark.parametrize("recording", REQUESTS, ids=str)
def test_every_upstream_is_told_every_word_tool_and_call(
    recording: Recording, upstream: OutboundDialect
) -> None:
    request = request_of(recording)

    sent = upstream.encode_request(Outgoing(request=request, model="m", stream=request.stream))

    heard = "\n".join(strings(json.loads(sent)))
    assert [word for word in said(request.conversation) if word not in heard] == []


@pytest.mark.parametrize("through", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("recording", REQUESTS, ids=str)
def test_a_request_survives_the_way_through_another_dialect_and_back(
    recording: Recording, through: Dialect
) -> None:
    before = request_of(recording)
    there = through.decode_request(through.encode_request(aimed(before)), {})
    back = recording.dialect.decode_request(recording.dialect.encode_request(aimed(there)), {})

    everything = squeezed("".join(said(back.conversation)))
    instructed = instructions(before.conversation)
    assert [told for told in instructed if told not in everything] == []
    assert turns(back.conversation, instructed) == turns(before.conversation, instructed)
    assert tools(back.conversation) == tools(before.conversation)
    assert wishes(back.conversation.sampling) == wishes(before.conversation.sampling)
    assert back.stream == before.stream


def aimed(request: ChatRequest) -> Outgoing:
    return Outgoing(request=request, model="m", stream=request.stream, quirks=Quirks(developer_role=True))


def strings(value: Any) -> Iterator[str]:
    """Every string in a body; arguments may stand in it as JSON within a string."""
    match value:
        case str():
            yield value
            if value.startswith("{"):
                with suppress(ValueError):
                    yield from strings(json.loads(value))
        case dict():
            for inner in value.values():
                yield from strings(inner)
        case list():
            for inner in value:
                yield from strings(inner)
        case _:
            pass


def said(content: Conversation) -> Iterator[str]:
    for message in content.messages:
        yield from words(message.parts)
    for tool in content.tools:
        if isinstance(tool, Tool):
            yield tool.name
            yield tool.description or ""


def words(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        match part:
            case Text(text=text):
                yield text
            case ToolCall(id=id, name=name):
                yield from (id, name, *strings(arguments(part)))
            case ToolResult(call_id=call_id, content=content):
                yield call_id
                yield from words(content)
            case _:
                pass


def arguments(call: ToolCall) -> Any:
    """Some were recorded with filler in their place."""
    try:
        return json.loads(call.arguments)
    except ValueError:
        return {"_raw": call.arguments}


def turns(content: Conversation, instructed: Sequence[str]) -> list[tuple[object, ...]]:
    """
    Who says what, as far as every dialect can tell it apart.

    Words of one side in a row are one speech; that a tool failed is told in words where there is no other
    way. Instructions are looked at by themselves: not every dialect has a place for them between turns, and
    there they stand on the user's side.
    """
    joined: list[tuple[object, ...]] = []
    for each in (said for message in content.messages for said in spoken(message, instructed)):
        last = joined[-1] if joined else ()
        if len(each) == len(last) == 2 and last[0] == each[0]:
            joined[-1] = (each[0], f"{last[1]}{each[1]}")
        else:
            joined.append(each)
    return joined


def spoken(message: Message, instructed: Sequence[str]) -> Iterator[tuple[object, ...]]:
    if message.role in (Role.SYSTEM, Role.DEVELOPER):
        return
    for part in message.parts:
        match part:
            case Text(text=text):
                words = squeezed(text)
                for instruction in instructed:
                    words = words.replace(instruction, "")
                if words:
                    yield (message.role is Role.ASSISTANT, words)
            case ToolCall(id=id, name=name):
                yield ("call", id, name, arguments(part))
            case ToolResult(call_id=call_id, content=content):
                text = "".join(inner.text for inner in content if isinstance(inner, Text))
                yield ("result", call_id, squeezed(text.replace("[the tool failed]", "")))
            case _:
                pass


def squeezed(text: str) -> str:
    return "".join(text.split())


def instructions(content: Conversation) -> list[str]:
    return [
        squeezed(part.text)
        for message in content.messages
        if message.role in (Role.SYSTEM, Role.DEVELOPER)
        for part in message.parts
        if isinstance(part, Text)
    ]


def tools(content: Conversation) -> list[tuple[object, ...]]:
    """What is offered, but for what a vendor runs on its own servers."""
    least = {"type": "object", "properties": {}}
    return [
        (tool.name, tool.description or "", least | dict(tool.parameters or {}))
        for tool in content.tools
        if isinstance(tool, Tool)
    ]


def wishes(sampling: Sampling) -> tuple[object, ...]:
    """What every dialect has words for. A messages client must set a limit, where others need not."""
    schema = sampling.answer_schema and sampling.answer_schema.schema
    return (sampling.temperature, sampling.top_p, sampling.reasoning_effort, schema)


@pytest.mark.parametrize("recording", recordings("count.json"), ids=str)
def test_a_request_to_count_is_understood(recording: Recording) -> None:
    request = decode_count_request(recording.data, {})

    assert request.conversation.messages or request.conversation.tools


REFUSED = {
    "anthropic_messages/llama-messages-bad": "messages",
    "openai_chat/llama-bad-tools": "tools",
    "openai_chat/llama-broken-json": "",
    "openai_chat/llama-no-messages": "messages",
}


@pytest.mark.parametrize("recording", recordings("refused.json"), ids=str)
def test_a_request_that_makes_no_sense_is_refused_with_its_place(recording: Recording) -> None:
    with pytest.raises(MalformedRequest) as refused:
        _ = request_of(recording).conversation

    assert refused.value.path == REFUSED[str(recording)]


@pytest.mark.parametrize("dialect", [OPENAI_CHAT, ANTHROPIC_MESSAGES], ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("stream", [True, False])
def test_a_prompt_beyond_every_window_is_passed_on_whole(dialect: Dialect, stream: bool) -> None:
    """As it was recorded at two servers: 216,000 characters in one message."""
    long = {"role": "user", "content": "lorem ipsum dolor " * 12000}
    streaming = {"stream": True} if stream else {}
    body = json.dumps({"model": "smollm2-135m", "max_tokens": 8, **streaming, "messages": [long]}).encode()
    request = dialect.decode_request(body, {})

    assert dialect.encode_request(unchanged(request, body)) == body
    for upstream in (OPENAI_CHAT, ANTHROPIC_MESSAGES, OLLAMA_CHAT):
        assert long["content"].encode() in upstream.encode_request(aimed(request))


# What servers answer


def heard(dialect: Dialect, reads: Iterable[bytes]) -> tuple[list[Batch], str]:
    """What is understood of a stream, and how it ends."""
    decoder = dialect.stream_decoder()
    batches: list[Batch] = []
    try:
        for data in reads:
            batches.extend(decoder.feed(data))
        batches.extend(decoder.close())
    except DialectError as error:
        return batches, repr(error)
    return batches, "complete"


def outcome(dialect: Dialect, reads: Iterable[bytes]) -> tuple[list[ReplyEvent], str]:
    batches, end = heard(dialect, reads)
    return [event for batch in batches for event in batch.events], end


@pytest.mark.parametrize("recording", STREAMS, ids=str)
def test_a_stream_ends_as_its_server_ended_it(recording: Recording) -> None:
    _, end = heard(recording.dialect, [recording.data])

    expected = BROKEN.get(str(recording))
    assert end.startswith(expected.__name__ if expected else "complete")


@pytest.mark.parametrize("line_end", LINE_ENDS, ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("recording", STREAMS, ids=str)
def test_a_stream_says_the_same_however_it_is_cut(recording: Recording, line_end: bytes) -> None:
    stream = with_line_ends(recording.data, line_end)
    expected = outcome(recording.dialect, [recording.data])

    assert outcome(recording.dialect, [stream[at : at + 1] for at in range(len(stream))]) == expected
    for place in range(0, len(stream), 1 + len(stream) // 50):
        assert outcome(recording.dialect, reads_of(stream, [place])) == expected


@pytest.mark.slow
@pytest.mark.parametrize("recording", [each for each in STREAMS if len(each.data) < 10_000], ids=str)
def test_no_single_cut_of_a_stream_changes_what_it_says(recording: Recording) -> None:
    expected = outcome(recording.dialect, [recording.data])

    for place in range(len(recording.data)):
        assert outcome(recording.dialect, reads_of(recording.data, [place])) == expected


@pytest.mark.parametrize("recording", [each for each in COMPLETE if str(each) not in WRITTEN_ANEW], ids=str)
def test_a_complete_stream_passes_at_home_byte_for_byte(recording: Recording) -> None:
    batches, _ = heard(recording.dialect, [recording.data])
    encoder = recording.dialect.stream_encoder(NAMELESS)

    passed = b"".join(map(encoder.send, batches))
    assert recording.data.startswith(passed)
    assert spaceless(encoder.close()) == spaceless(recording.data.removeprefix(passed))


def spaceless(frame: bytes) -> bytes:
    """What ends a stream is written anew, maybe with other blanks in its JSON."""
    return frame.replace(b" ", b"")


@every_dialect
@pytest.mark.parametrize("recording", COMPLETE, ids=str)
def test_every_sdk_hears_what_a_server_streamed(recording: Recording, to: Dialect) -> None:
    batches, _ = heard(recording.dialect, [recording.data])
    completion = fold(batches)

    stream = streamed(to, batches)

    assert_legal(to, stream, whole_calls=all(is_whole(call) for call in calls(completion)))
    gathered = sdks.streamed(to.name, [stream])
    assert gathered == expected_of(completion, to, cut_short={})
    assert sdks.streamed(to.name, [stream[at : at + 1] for at in range(len(stream))]) == gathered


@every_dialect
@pytest.mark.parametrize("recording", [each for each in STREAMS if str(each) in BROKEN], ids=str)
def test_no_sdk_takes_a_broken_stream_for_a_complete_one(recording: Recording, to: Dialect) -> None:
    batches, end = heard(recording.dialect, [recording.data])
    encoder = to.stream_encoder(ANSWERING)
    sent = b"".join(encoder.send(Batch(batch.events)) for batch in batches)
    broken = sent + encoder.fail(ErrorReport(status=502, type="api_error", message=end))

    with pytest.raises(Exception, match=re.escape(end[:20]) + "|no last word"):
        sdks.streamed(to.name, [broken])


@every_dialect
@pytest.mark.parametrize("recording", [*WHOLE, *COMPLETE], ids=str)
def test_every_sdk_reads_what_a_server_answered_as_a_whole(recording: Recording, to: Dialect) -> None:
    completion = whole_of(recording)

    body = to.encode_completion(completion, ANSWERING)

    (cut,) = [call.arguments for call in calls(completion) if not is_whole(call)] or [""]
    assert sdks.whole(to.name, body) == expected_of(completion, to, cut_short={"_raw": cut})
    assert json.loads(body)["model"] == "asked-for"


@pytest.mark.parametrize("recording", WHOLE, ids=str)
def test_a_whole_answer_passes_at_home_byte_for_byte(recording: Recording) -> None:
    completion = fold([recording.dialect.decode_completion(recording.data)])

    assert recording.dialect.encode_completion(completion, NAMELESS) == recording.data


@pytest.mark.parametrize("recording", ERRORS, ids=str)
def test_a_refusal_is_understood(recording: Recording) -> None:
    error = recording.dialect.decode_error(recording.data)

    assert error.message
    assert error.message in list(strings(json.loads(recording.data)))
    assert error.type


def streamed(to: Dialect, batches: Iterable[Batch]) -> bytes:
    """The batches as a client's stream, without the bytes that they were read from."""
    encoder = to.stream_encoder(ANSWERING)
    return b"".join(encoder.send(Batch(batch.events)) for batch in batches) + encoder.close()


def assert_legal(to: Dialect, stream: bytes, *, whole_calls: bool) -> None:
    if to is OPENAI_CHAT:
        chunks_of(stream)
    elif to is ANTHROPIC_MESSAGES:
        legal_messages(stream, whole_calls=whole_calls)
    else:
        legal_responses(stream)


def whole_of(recording: Recording) -> Completion:
    """The answer, without the bytes that it was read from."""
    if recording in WHOLE:
        batches = [recording.dialect.decode_completion(recording.data)]
    else:
        batches, _ = heard(recording.dialect, [recording.data])
    folding = Folding()
    for batch in batches:
        folding.add(Batch(batch.events))
    return folding.completion()


def calls(completion: Completion) -> list[ToolCall]:
    return [part for part in completion.choices[0].parts if isinstance(part, ToolCall)]


def is_whole(call: ToolCall) -> bool:
    try:
        json.loads(call.arguments)
    except ValueError:
        return False
    return True


FINISHES: Mapping[str, Mapping[str, str]] = {
    OPENAI_CHAT.name: {
        StopReason.END_TURN: "stop",
        StopReason.MAX_TOKENS: "length",
        StopReason.TOOL_CALLS: "tool_calls",
    },
    ANTHROPIC_MESSAGES.name: {
        StopReason.END_TURN: "end_turn",
        StopReason.MAX_TOKENS: "max_tokens",
        StopReason.TOOL_CALLS: "tool_use",
    },
    OPENAI_RESPONSES.name: {
        StopReason.END_TURN: "stop",
        StopReason.MAX_TOKENS: "max_output_tokens",
        StopReason.TOOL_CALLS: "tool_calls",
    },
}


def expected_of(completion: Completion, to: Dialect, *, cut_short: Any) -> sdks.Heard:
    """
    What a program is to hear.

    Args:
        cut_short: what stands for arguments that were cut short, where they have to be an object.
    """
    choice = completion.choices[0]
    assert choice.finish is not None
    heard = [(call.id, call.name, heard_of(call, to, cut_short)) for call in calls(completion)]
    return sdks.Heard(
        thinking="".join(part.text for part in choice.parts if isinstance(part, Thinking)),
        text="".join(part.text for part in choice.parts if isinstance(part, Text)),
        calls=tuple(heard),
        finish=FINISHES[to.name][choice.finish.reason],
    )


def heard_of(call: ToolCall, to: Dialect, cut_short: Any) -> Any:
    """A small model was recorded to write a string where an object has to stand."""
    if not is_whole(call):
        return cut_short if to is ANTHROPIC_MESSAGES else call.arguments
    told = json.loads(call.arguments or "{}")
    return told if to is not ANTHROPIC_MESSAGES or isinstance(told, dict) else {"_raw": call.arguments}
