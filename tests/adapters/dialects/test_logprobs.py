"""How likely each token was is told to every client that asked, whatever its provider speaks."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Answering, Dialect, OutboundDialect
from adapters.dialects.ollama_chat.dialect import OLLAMA_CHAT
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.conversation.fold import fold
from domain.conversation.parts import Logprobs, Text
from domain.conversation.reply import Batch, Finished, ReplyEvent, TextDelta, ToolCallStarted, WeighedText
from domain.repair.output_filters import output_filter
from tests.adapters.dialects.openai_responses.sdk import final_response
from tests.adapters.dialects.strategies import cut

ANSWERING = Answering(model="asked-for", reply_id="r1", created=1, wants_usage=True)
WITH_WORDS = (OPENAI_CHAT, OPENAI_RESPONSES)


def token(word: str, logprob: float = -0.5, *others: str) -> dict[str, Any]:
    told = [{"token": other, "logprob": -2.0, "bytes": list(other.encode())} for other in others]
    return {"token": word, "logprob": logprob, "bytes": list(word.encode()), "top_logprobs": told}


HEL, LO = token("Hel", -0.25, "Hal", "Hi"), token("lo", -0.125)
ANSWER: tuple[ReplyEvent, ...] = (
    WeighedText("Hel", 0, (HEL,)),
    WeighedText("lo", 0, (LO,)),
    Finished("end_turn"),
)


def chunk(delta: dict[str, Any], logprobs: Any = None, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "c", "model": "m", "choices": [choice]}).encode() + b"\n\n"


CHAT = b"".join(
    [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hel"}, {"content": [HEL], "refusal": None}),
        chunk({"content": "lo"}, {"content": [LO], "refusal": None}),
        chunk({}, None, "stop"),
        b"data: [DONE]\n\n",
    ]
)
OLLAMA = b"".join(
    json.dumps(line).encode() + b"\n"
    for line in (
        {"model": "m", "message": {"role": "assistant", "content": "Hel"}, "logprobs": [HEL]},
        {"model": "m", "message": {"role": "assistant", "content": "lo"}, "logprobs": [LO]},
        {"model": "m", "done": True, "done_reason": "stop"},
    )
)


def read(dialect: OutboundDialect, reads: Iterable[bytes]) -> list[Batch]:
    decoder = dialect.stream_decoder()
    return [batch for data in reads for batch in decoder.feed(data)] + list(decoder.close())


def events_of(stream: bytes) -> list[ReplyEvent]:
    return [event for batch in read(OPENAI_CHAT, [stream]) for event in batch.events]


def weights(batches: Iterable[Batch]) -> list[tuple[str, Logprobs]]:
    completion = fold([Batch(batch.events) for batch in batches])
    parts = completion.choices[0].parts
    return [(part.text, part.logprobs) for part in parts if isinstance(part, Text)]


def streamed(dialect: Dialect, events: Sequence[ReplyEvent]) -> bytes:
    encoder = dialect.stream_encoder(ANSWERING)
    return b"".join(encoder.send(Batch((event,))) for event in events) + encoder.close()


@pytest.mark.parametrize(
    ("dialect", "stream"), [(OPENAI_CHAT, CHAT), (OLLAMA_CHAT, OLLAMA)], ids=["chat", "ollama"]
)
def test_a_stream_that_tells_is_read(dialect: OutboundDialect, stream: bytes) -> None:
    for reads in ([stream], [stream[at : at + 1] for at in range(len(stream))]):
        assert weights(read(dialect, reads)) == [("Hello", (HEL, LO))]


@pytest.mark.parametrize("dialect", WITH_WORDS, ids=lambda dialect: dialect.name)
def test_what_is_streamed_tells_what_was_said(dialect: Dialect) -> None:
    assert weights(read(dialect, [streamed(dialect, ANSWER)])) == [("Hello", (HEL, LO))]


@pytest.mark.parametrize("dialect", WITH_WORDS, ids=lambda dialect: dialect.name)
def test_a_whole_answer_tells_what_was_said(dialect: Dialect) -> None:
    body = dialect.encode_completion(fold([Batch(ANSWER)]), ANSWERING)

    assert weights([dialect.decode_completion(body)]) == [("Hello", (HEL, LO))]


def test_a_client_of_a_dialect_without_words_for_it_hears_the_text() -> None:
    stream = streamed(ANTHROPIC_MESSAGES, ANSWER)

    assert weights(read(ANTHROPIC_MESSAGES, [stream])) == [("Hello", ())]
    assert b"logprob" not in stream


def test_openais_sdk_gathers_what_is_streamed_in_chat() -> None:
    state = ChatCompletionStreamState()
    for frame in streamed(OPENAI_CHAT, ANSWER).split(b"\n\n")[:-2]:
        state.handle_chunk(ChatCompletionChunk.model_validate_json(frame.removeprefix(b"data: ")))

    told = state.get_final_completion().choices[0].logprobs
    assert told is not None
    assert [each.model_dump() for each in told.content or ()] == [HEL, LO]


def test_openais_sdk_gathers_what_is_streamed_in_responses() -> None:
    final = final_response([streamed(OPENAI_RESPONSES, ANSWER)])

    assert final["output"][0]["content"][0]["logprobs"] == [HEL, LO]


def test_openais_sdk_reads_them_in_whole_answers() -> None:
    completion = ChatCompletion.model_validate_json(
        OPENAI_CHAT.encode_completion(fold([Batch(ANSWER)]), ANSWERING)
    )
    response = Response.model_validate_json(
        OPENAI_RESPONSES.encode_completion(fold([Batch(ANSWER)]), ANSWERING)
    )

    (choice,) = completion.choices
    assert choice.logprobs is not None
    assert [each.model_dump() for each in choice.logprobs.content or ()] == [HEL, LO]
    assert response.to_dict()["output"][0]["content"][0]["logprobs"] == [HEL, LO]  # type: ignore[index]


def test_a_token_that_is_half_a_character_is_told_with_the_whole_one() -> None:
    half, rest = token("\\xe3\\x81"), token("\\xaa")
    stream = chunk({"content": ""}, {"content": [half]}) + chunk({"content": "な"}, {"content": [rest]})

    assert WeighedText("な", 0, (half, rest)) in events_of(stream + chunk({}, None, "stop"))


def test_tokens_of_an_answer_without_text_are_nobodys() -> None:
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    stream = chunk({"tool_calls": [call]}, {"content": [token("{}")]}) + chunk({}, None, "tool_calls")

    events = events_of(stream)

    assert any(isinstance(event, ToolCallStarted) for event in events)
    assert not any(isinstance(event, TextDelta) for event in events)


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        {"content": None},
        {"content": "x"},
        {"content": [1, {}, {"token": 1, "logprob": 0}]},
        {"tokens": ["a"], "token_logprobs": [-1]},
    ],
)
def test_what_makes_no_sense_tells_nothing(told: Any) -> None:
    stream = chunk({"content": "Hello"}, told) + chunk({}, None, "stop")

    assert weights(read(OPENAI_CHAT, [stream])) == [("Hello", ())]


def test_what_a_server_leaves_out_is_filled_in() -> None:
    bare = {"token": "é", "logprob": -1, "top_logprobs": [{"token": "e", "logprob": -2}]}
    stream = chunk({"content": "é"}, {"content": [bare]}) + chunk({}, None, "stop")

    told = bare | {"bytes": [195, 169], "top_logprobs": [{"token": "e", "logprob": -2, "bytes": [101]}]}
    assert weights(read(OPENAI_CHAT, [stream])) == [("é", (told,))]


def test_a_filter_that_changes_nothing_keeps_them() -> None:
    said = (WeighedText("a < b", 0, (HEL,)),)

    for name in ("strip_thinking", "strip_stop_markers", "thinking_to_blocks"):
        assert output_filter(name).feed(said) is said


TOKENS = st.lists(st.builds(token, st.text(max_size=4), st.floats(-100, 0), st.text(max_size=3)), max_size=3)
WEIGHED = st.lists(
    st.builds(WeighedText, st.text(min_size=1, max_size=6), st.just(0), TOKENS.map(tuple)),
    min_size=1,
    max_size=5,
)


@given(data=st.data(), said=WEIGHED)
def test_any_weights_survive_in_any_pieces_through_both_dialects(
    data: st.DataObject, said: list[WeighedText]
) -> None:
    events: tuple[ReplyEvent, ...] = (*said, Finished("end_turn"))
    before = weights([Batch(events)])

    in_chat = read(OPENAI_CHAT, data.draw(cut(streamed(OPENAI_CHAT, events))))
    in_responses = streamed(OPENAI_RESPONSES, [event for batch in in_chat for event in batch.events])

    assert weights(in_chat) == before
    assert weights(read(OPENAI_RESPONSES, data.draw(cut(in_responses)))) == before
