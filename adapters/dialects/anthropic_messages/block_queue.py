"""
Writes the blocks of an answer one after another, however their events interleave.

The first block of the queue is open on the wire and grows live; what comes for the others waits until it is
their turn. A call is over at its `PartEnded`, at the end of the answer, or when other content begins and its
arguments are complete.
"""

from collections import deque

import msgspec

from adapters.dialects.anthropic_messages.blocks import input_of
from adapters.dialects.anthropic_messages.frames import (
    Verbatim,
    block_edges,
    delta_frame,
    start_frame,
    stop_frame,
    text_frame,
)
from adapters.dialects.anthropic_messages.queued_block import Kind, QueuedBlock
from adapters.dialects.anthropic_messages.words import call_id
from adapters.dialects.json_text import json_text
from adapters.dialects.sse import named_frame

_KINDS = {"text": Kind.TEXT, "thinking": Kind.THINKING, "tool_use": Kind.CALL}
_WORDS = (Kind.TEXT, Kind.THINKING)
_EMPTY_TEXT = b'{"type":"text","text":""}'
_EMPTY_THINKING = b'{"type":"thinking","thinking":"","signature":""}'


class BlockQueue:
    """The blocks of one answer on their way to the wire."""

    def __init__(self, reply_id: str) -> None:
        self._reply_id = reply_id
        self._queue: deque[QueuedBlock] = deque()
        self._calls: dict[int, QueuedBlock] = {}
        self._next_index = 0
        self._frames: list[bytes] = []

    def __repr__(self) -> str:
        return f"<BlockQueue next={self._next_index} queued={[block.kind.name for block in self._queue]}>"

    @property
    def has_calls(self) -> bool:
        return bool(self._calls)

    def written(self) -> bytes:
        """The frames since the last time."""
        frames, self._frames = self._frames, []
        return b"".join(frames)

    def follow(self, frames: bytes) -> None:
        """Takes note of frames that were written as they came, so that others can be written after them."""
        for edge in block_edges(frames):
            if edge.content_block is None:
                self._queue = deque(block for block in self._queue if block.index != edge.index)
                continue
            kind = _KINDS.get(edge.content_block.type, Kind.FOREIGN)
            block = QueuedBlock(kind, b"", index=edge.index, foreign_index=edge.index, passed_on=True)
            self._queue.append(block)
            self._next_index = max(self._next_index, edge.index + 1)
            if kind is Kind.CALL:
                self._calls[len(self._calls)] = block

    def text(self, words: str) -> None:
        if words:
            self._grow(
                self._words(Kind.TEXT, _EMPTY_TEXT), b'{"type":"text_delta","text":%b}' % json_text(words)
            )

    def more_text(self, words: str) -> bytes:
        """The frame for more of a text that grows on the wire, with nothing else to write; else empty."""
        last = self._queue[-1] if self._queue else None
        if not words or last is None or last.index is None or last.ended or last.kind is not Kind.TEXT:
            return b""
        return text_frame(last.index, words)

    def thinking(self, words: str) -> None:
        if words:
            delta = b'{"type":"thinking_delta","thinking":%b}' % json_text(words)
            self._grow(self._words(Kind.THINKING, _EMPTY_THINKING), delta)

    def signature(self, signature: str) -> None:
        delta = b'{"type":"signature_delta","signature":%b}' % json_text(signature)
        self._grow(self._words(Kind.THINKING, _EMPTY_THINKING), delta)

    def redacted(self, data: str) -> None:
        shown = json_text({"type": "redacted_thinking", "data": data})
        self._make_way()
        self._push(QueuedBlock(Kind.SEALED, shown, ended=True))

    def start_call(self, call: int, id: str, name: str) -> None:
        """
        Raises:
            RuntimeError: a call of this number has started before.
        """
        if call in self._calls:
            raise RuntimeError(f"call {call} starts twice")
        given = call_id(id, self._reply_id, call)
        self._end_words()
        self._calls[call] = QueuedBlock(
            Kind.CALL, json_text({"type": "tool_use", "id": given, "name": name, "input": {}})
        )
        self._push(self._calls[call])

    def arguments(self, call: int, text: str) -> None:
        """
        Raises:
            RuntimeError: the call has not started, or has ended.
        """
        block = self._call(call)
        if block.was_closed:  # what follows a whole object makes no sense, and its block is over
            return
        if block.ended and text.strip():
            raise RuntimeError(f"arguments for call {call}, which has ended")
        if text and not block.ended:
            block.arguments.append(text)
            if block.grows_object():
                self._grow(block, _arguments_delta(text))

    def end(self, call: int | None) -> None:
        """The call is complete, or the text or thinking just shown."""
        if call is not None:
            self._call(call).ended = True
        else:
            self._end_words()
        self._advance()

    def foreign(self, payload: bytes) -> None:
        """An event that only this dialect can read, with its index as the upstream counted."""
        told = msgspec.json.decode(payload)
        name, index = str(told.get("type")), told.get("index")
        event = Verbatim(name.encode(), payload)
        match name:
            case "content_block_start":
                self._make_way()
                self._push(QueuedBlock(Kind.FOREIGN, event, foreign_index=index))
            case "content_block_delta":
                self._grow_foreign(index, event)
            case "content_block_stop":
                self._stop_foreign(index, event)
            case _:
                self._frames.append(named_frame(event.name, payload))

    def finish(self) -> None:
        """The answer is complete: everything that waited is written, and all is closed."""
        for block in self._queue:
            block.ended = True
        self._advance()

    def _words(self, kind: Kind, shown: bytes) -> QueuedBlock:
        """The block of this kind that is growing, or a new one."""
        last = self._queue[-1] if self._queue else None
        if last is not None and last.kind is kind and not last.ended:
            return last
        self._make_way()
        return self._push(QueuedBlock(kind, shown))

    def _make_way(self) -> None:
        """Other content begins."""
        self._end_words()
        for block in self._queue:
            if block.kind is Kind.CALL and not block.ended and block.is_complete_call():
                block.ended = block.was_closed = True

    def _end_words(self) -> None:
        for block in self._queue:
            if block.kind in _WORDS:
                block.ended = True

    def _push(self, block: QueuedBlock) -> QueuedBlock:
        self._queue.append(block)
        self._advance()
        return block

    def _call(self, call: int) -> QueuedBlock:
        block = self._calls.get(call)
        if block is None:
            raise RuntimeError(f"call {call} has not started")
        return block

    def _grow(self, block: QueuedBlock, delta: bytes | Verbatim) -> None:
        if block.index is None:
            block.waiting.append(delta)
        else:
            self._frames.append(delta_frame(block.index, delta))

    def _grow_foreign(self, index: int, event: Verbatim) -> None:
        """A foreign delta may also belong to a block of words, as citations do; then it is the last one."""
        block = self._foreign_block(index) or (self._queue[-1] if self._queue else None)
        if block is not None and not block.ended:
            self._grow(block, event)

    def _stop_foreign(self, index: int, event: Verbatim) -> None:
        block = self._foreign_block(index)
        if block is not None:
            block.stop, block.ended = event, True
            self._advance()

    def _foreign_block(self, index: int) -> QueuedBlock | None:
        return next(
            (b for b in self._queue if b.kind is Kind.FOREIGN and b.foreign_index == index and not b.ended),
            None,
        )

    def _advance(self) -> None:
        """Closes what is over at the head of the queue and opens what comes next."""
        while self._queue:
            head = self._queue[0]
            index = self._open(head) if head.index is None else head.index
            if not head.ended:
                return
            self._mend(head, index)
            self._frames.append(head.stop.at(index) if head.stop else stop_frame(index))
            self._queue.popleft()

    def _open(self, block: QueuedBlock) -> int:
        index = block.index = self._next_index
        self._next_index += 1
        self._frames.append(start_frame(index, block.shown))
        self._frames += [delta_frame(index, delta) for delta in block.waiting]
        block.waiting = []
        return index

    def _mend(self, block: QueuedBlock, index: int) -> None:
        """Arguments that are no object are told as one at the end: SDKs break at anything else."""
        if block.written.strip() and not block.grows_object():
            mended = json_text(input_of(block.written)).decode()
            self._frames.append(delta_frame(index, _arguments_delta(mended)))


def _arguments_delta(text: str) -> bytes:
    return b'{"type":"input_json_delta","partial_json":%b}' % json_text(text)
