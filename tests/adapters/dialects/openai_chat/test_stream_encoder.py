"""Whatever comes in, a client gets a legal stream, in the upstream's own bytes where it can."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.dialect import Answering, ErrorReport
from adapters.dialects.openai_chat.stream_encoder import ChatStreamEncoder
from domain.conversation.reply import (
    Batch,
    Finished,
    Foreign,
    ReplyEvent,
    ReplyStarted,
    StopReason,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
    Wire,
)
from tests.adapters.dialects.openai_chat.chat_streams import (
    ANSWERING,
    DONE,
    bare,
    chunk,
    chunks_of,
    events_of,
    read,
    written,
)
from tests.adapters.dialects.strategies import Events, batched, legal_replies

STARTED = ReplyStarted("id-1", "real", 5)
END = Finished(StopReason.END_TURN)
QUIET = Answering(model="asked-for", reply_id="r1", created=7)


def stream(*events: ReplyEvent, answering: Answering = ANSWERING) -> list[Any]:
    return chunks_of(written([Batch(events)], answering))


@given(legal_replies(refusals=True), st.data())
def test_what_is_written_reads_back_as_the_same_events(events: Events, data: st.DataObject) -> None:
    stream = written(
        data.draw(batched(events)), Answering(model="", reply_id="", created=0, wants_usage=True)
    )

    chunks_of(stream)
    told = [event for event in events if not isinstance(event, UsageReported)]
    usage = [event for event in events if isinstance(event, UsageReported)][-1:]
    assert events_of(read(stream)) == told + usage


@given(legal_replies(refusals=True, signed_thinking=True), st.data())
def test_bytes_and_built_frames_may_take_turns(events: Events, data: st.DataObject) -> None:
    upstream = written([Batch(events)], Answering(model="", reply_id="", created=0, wants_usage=True))
    frames = upstream.removesuffix(DONE).split(b"\n\n")[:-1]
    batches = read(*(frame + b"\n\n" for frame in frames))
    changed = [Batch(batch.events) if data.draw(st.booleans()) else batch for batch in batches]

    for answering in (ANSWERING, QUIET):
        chunks = chunks_of(written(changed, answering))
        assert {chunk["model"] for chunk in chunks} == {"asked-for"}
        assert any("usage" in chunk for chunk in chunks) <= answering.wants_usage


def test_the_first_chunk_opens_and_the_last_one_finishes() -> None:
    chunks = stream(STARTED, TextDelta("a"), TextDelta("b"), END)

    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"content": "a"},
        {"content": "b"},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, None, "stop"]
    assert {(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks} == {("id-1", 5, "asked-for")}


def test_an_answer_without_id_and_time_is_given_them() -> None:
    chunks = stream(ReplyStarted(), END)

    assert {(chunk["id"], chunk["created"]) for chunk in chunks} == {("chatcmpl-r1", 1_700_000_000)}


def test_usage_comes_last_and_only_when_it_is_wanted() -> None:
    usage = UsageReported(
        Usage(
            input_tokens=4, output_tokens=5, cache_read_tokens=6, cache_creation_tokens=1, reasoning_tokens=2
        )
    )

    *_, last = stream(STARTED, usage, TextDelta("a"), END)
    assert last["choices"] == []
    assert last["usage"] == {
        "prompt_tokens": 11,
        "completion_tokens": 5,
        "total_tokens": 16,
        "prompt_tokens_details": {"cached_tokens": 6},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    assert not any("usage" in chunk for chunk in stream(STARTED, usage, END, answering=QUIET))


def test_an_answer_with_tool_calls_ends_in_them() -> None:
    chunks = stream(STARTED, ToolCallStarted(0, "a", "x"), ToolCallDelta(0, "{}"), END)

    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("space", [b"", b" "])
def test_own_bytes_pass_with_the_clients_model_name(space: bytes) -> None:
    written_as = b'"model":' + space + b'"real"'
    frames = chunk({"role": "assistant", "content": ""}, x_vendor={"deep": 1}) + chunk(
        {"content": '"model":"real"'}
    )
    upstream = (frames + chunk({}, "stop")).replace(b'"model":"real"', written_as)

    client = written(read(upstream + DONE))

    assert client == upstream.replace(written_as, b'"model":"asked-for"') + DONE
    assert b'\\"model\\":\\"real\\"' in client


def test_a_name_with_escaped_slashes_is_found() -> None:
    frames = (chunk({"content": "a"}, model="org/m") + chunk({}, "stop", model="org/m")).replace(
        b"org/m", b"org\\/m"
    )

    assert b"org" not in written(read(frames))


def test_bytes_stay_as_they_are_when_the_real_name_is_shown() -> None:
    frames = chunk({"content": "a"}) + chunk({}, "stop")

    for model in ("", "real"):
        assert written(read(frames), Answering(model=model, reply_id="", created=0)) == frames + DONE


def test_a_usage_frame_is_kept_from_a_client_that_did_not_ask() -> None:
    batches = read(
        chunk({"content": "a"})
        + chunk({}, "stop")
        + chunk(choices=[], usage={"prompt_tokens": 1, "completion_tokens": 1})
    )

    assert b"usage" not in written(batches, QUIET)
    assert written(batches, ANSWERING).count(b"usage") == 1
    assert written(bare(batches), ANSWERING).count(b"usage") == 1


def test_another_dialects_bytes_are_not_passed() -> None:
    batch = Batch((STARTED, TextDelta("a"), END), Wire("anthropic_messages", b"event: x\ndata: {}\n\n"))
    whole = Batch((STARTED, TextDelta("a"), END), Wire("openai_chat", b"{}", whole=True))

    assert written([batch]) == written([whole]) == written(bare([batch]))


def test_what_another_dialect_alone_can_read_is_left_out_and_our_own_is_written() -> None:
    ours = Foreign(
        "openai_chat", b'{"choices":[{"index":0,"delta":{"x":1},"finish_reason":null}]}', content=True
    )
    chunks = stream(STARTED, Foreign("anthropic_messages", b"{}", content=True), ours, END)

    assert [chunk["choices"][0]["delta"] for chunk in chunks][1:] == [{"x": 1}, {}]


def test_several_answers_are_opened_and_finished_each() -> None:
    chunks = stream(STARTED, TextDelta("a"), TextDelta("b", 1), Finished("stop", None, 1), END)

    assert len(chunks) == 6


@pytest.mark.parametrize(
    "events",
    [
        (STARTED, STARTED),
        (STARTED, END, TextDelta("late")),
        (STARTED, END, END),
        (STARTED, ToolCallDelta(0, "{}")),
        (STARTED, ToolCallStarted(0, "a", "x"), ToolCallStarted(0, "b", "y")),
        (TextDelta("a"), STARTED),
    ],
)
def test_misuse_is_told_at_once(events: tuple[ReplyEvent, ...]) -> None:
    with pytest.raises(RuntimeError):
        ChatStreamEncoder(ANSWERING).send(Batch(events))
    with pytest.raises(RuntimeError):
        ChatStreamEncoder(ANSWERING).send(Batch(events, Wire("openai_chat", b"data: {}\n\n")))


@pytest.mark.parametrize(
    "events", [(), (STARTED,), (STARTED, TextDelta("a")), (STARTED, END, TextDelta("b", 1))]
)
def test_an_incomplete_answer_is_not_closed(events: tuple[ReplyEvent, ...]) -> None:
    encoder = ChatStreamEncoder(ANSWERING)
    encoder.send(Batch(events))

    with pytest.raises(RuntimeError, match="not complete"):
        encoder.close()


def test_a_broken_answer_ends_in_an_error_and_without_a_terminator() -> None:
    encoder = ChatStreamEncoder(ANSWERING)
    encoder.send(Batch((STARTED, TextDelta("a"))))

    frame = encoder.fail(ErrorReport(status=502, type="server_error", message="it broke"))

    assert frame == (
        b'data: {"error":{"message":"it broke","type":"server_error","param":null,"code":null}}\n\n'
    )
    with pytest.raises(RuntimeError):
        encoder.close()


def test_nothing_follows_the_end() -> None:
    encoder = ChatStreamEncoder(ANSWERING)
    encoder.send(Batch((STARTED, END)))
    encoder.close()

    with pytest.raises(RuntimeError, match="ended"):
        encoder.send(Batch(()))
    with pytest.raises(RuntimeError, match="ended"):
        encoder.close()


def test_a_ping_is_a_comment() -> None:
    assert ChatStreamEncoder(ANSWERING).ping() == b": ping\n\n"
