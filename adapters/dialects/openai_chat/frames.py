"""Turns the text of a stream into its chunks, many at a time."""

import msgspec

from adapters.dialects.openai_chat.wire import Reply, replies_decoder, reply_decoder
from adapters.dialects.sse import data_frame, events_of
from domain.values import value

DONE = b"[DONE]"
DONE_FRAME = data_frame(DONE)
_EXCERPT_BYTES = 200


@value
class Frames:
    """
    Chunks that arrived together.

    Attributes:
        text: their frames, one ``data`` line each.
        chunks: what they say, in order.
        garbled: what was wrong with the frame after them; empty when none was.
        done: the stream said that it is over.
    """

    text: bytes
    chunks: list[Reply]
    garbled: str = ""
    done: bool = False


def frames_of(text: bytes) -> Frames:
    """
    The chunks in a text with LF line ends; what follows ``[DONE]`` does not count.

    Most reads hold nothing but plain frames: these are decoded as one list, which halves the cost of each.
    """
    done = text.endswith(DONE_FRAME)
    plain = text[: -len(DONE_FRAME)] if done else text
    if not plain:
        return Frames(b"", [], done=done)
    chunks = _plain_chunks(plain)
    return _one_by_one(text) if chunks is None else Frames(plain, chunks, done=done)


def _plain_chunks(text: bytes) -> list[Reply] | None:
    """The chunks, or ``None`` unless each frame is one line ``data: `` with a chunk."""
    between = text.count(b"\n\ndata: ")
    if not text.startswith(b"data: ") or text.count(b"\n") != 2 * between + 2:
        return None
    try:
        chunks = replies_decoder.decode(b"[" + text[6:-2].replace(b"\n\ndata: ", b",") + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return chunks if len(chunks) == between + 1 else None


def _one_by_one(text: bytes) -> Frames:
    frames: list[bytes] = []
    chunks: list[Reply] = []
    for event in events_of(text):
        data = event.data.strip()
        if data == DONE:
            return Frames(b"".join(frames), chunks, done=True)
        if not data:
            continue
        try:
            chunks.append(reply_decoder.decode(data))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Frames(b"".join(frames), chunks, garbled=f"{error} in {_excerpt(data)}")
        frames.append(data_frame(data.replace(b"\n", b" ")))
    return Frames(b"".join(frames), chunks)


def _excerpt(data: bytes) -> str:
    return repr(data[:_EXCERPT_BYTES].decode("utf-8", "replace"))
