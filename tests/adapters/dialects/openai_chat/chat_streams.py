"""What a legal stream of chat completion chunks is, and streams to read."""

import json
from pathlib import Path
from typing import Any

from adapters.dialects.dialect import Answering
from adapters.dialects.openai_chat.stream_decoder import ChatStreamDecoder
from adapters.dialects.openai_chat.stream_encoder import ChatStreamEncoder
from domain.conversation.reply import Batch, ReplyEvent

TRANSCRIPTS = Path(__file__).parents[3] / "transcripts" / "openai_chat"

ANSWERING = Answering(model="asked-for", reply_id="r1", created=1_700_000_000, wants_usage=True)


def transcript(name: str, file: str = "upstream.sse") -> bytes:
    return (TRANSCRIPTS / name / file).read_bytes()


def chunk(
    delta: dict[str, Any] | None = None, finish: str | None = None, *, index: int = 0, **fields: Any
) -> bytes:
    """One frame, as most servers write it."""
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
    body = {"id": "chatcmpl-1", "created": 5, "model": "real", "choices": [choice]} | fields
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def read(*reads: bytes) -> list[Batch]:
    """A whole stream; raises what the decoder raises."""
    decoder = ChatStreamDecoder()
    batches = [batch for data in reads for batch in decoder.feed(data)]
    return batches + list(decoder.close())


def events_of(batches: list[Batch] | tuple[Batch, ...]) -> list[ReplyEvent]:
    return [event for batch in batches for event in batch.events]


def written(batches: list[Batch] | tuple[Batch, ...], answering: Answering = ANSWERING) -> bytes:
    """The batches as a client's stream."""
    encoder = ChatStreamEncoder(answering)
    return b"".join([*(encoder.send(batch) for batch in batches), encoder.close()])


def bare(batches: list[Batch] | tuple[Batch, ...]) -> list[Batch]:
    """The batches without their bytes, as after a change."""
    return [Batch(batch.events) for batch in batches]


def chunks_of(stream: bytes) -> list[Any]:
    """The chunks of a legal stream: fails unless all is in order."""
    assert stream.endswith(DONE)
    frames = stream.removesuffix(DONE).split(b"\n\n")
    assert frames.pop() == b""
    chunks = [json.loads(frame.removeprefix(b"data: ")) for frame in frames if not frame.startswith(b":")]
    _assert_legal(chunks)
    return chunks


def assert_legal_beginning(stream: bytes) -> None:
    """Fails unless these frames may stand at the beginning of a legal stream."""
    frames = stream.removesuffix(DONE).split(b"\n\n")
    assert frames.pop() == b""
    _assert_legal(
        [json.loads(frame.removeprefix(b"data: ")) for frame in frames], complete=stream.endswith(DONE)
    )


def _assert_legal(chunks: list[Any], *, complete: bool = True) -> None:
    calls: dict[tuple[int, int], str] = {}
    opened: set[int] = set()
    finished: set[int] = set()
    counted = False
    for told in chunks:
        assert not counted, "nothing follows the usage report"
        assert told["object"] == "chat.completion.chunk"
        assert {"id", "created", "model"} <= set(told)
        if not told["choices"]:
            assert finished, "usage comes after the finish"
            counted = "usage" in told
        for choice in told["choices"]:
            _assert_legal_choice(choice, opened, finished, calls)
    assert finished == opened or not complete, "each choice finishes"


def _assert_legal_choice(
    choice: Any, opened: set[int], finished: set[int], calls: dict[tuple[int, int], str]
) -> None:
    index, delta = choice["index"], choice["delta"]
    assert index not in finished, "nothing follows the finish"
    assert ("role" in delta) == (index not in opened), "the role comes first, and once"
    opened.add(index)
    for call in delta.get("tool_calls", ()):
        is_new = (index, call["index"]) not in calls
        assert is_new == ("id" in call), "a call begins once, with its id"
        assert not is_new or call["index"] == sum(1 for of, _ in calls if of == index), "calls count from 0"
        assert not is_new or (call["type"] == "function" and call["function"]["name"])
        calls.setdefault((index, call["index"]), call.get("id", ""))
    if choice["finish_reason"] is not None:
        finished.add(index)
