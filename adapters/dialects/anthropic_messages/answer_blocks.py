"""Writes the parts of a whole answer as content blocks."""

from collections.abc import Iterable
from typing import Any

import msgspec

from adapters.dialects.anthropic_messages.blocks import Block, input_of, tool_use
from adapters.dialects.anthropic_messages.words import NAME, call_id, own
from domain.conversation.parts import ForeignPart, Part, Refusal, Text, Thinking, ToolCall


def answer_blocks(parts: Iterable[Part], reply_id: str) -> list[Block]:
    """The ``content`` of an answer; empty texts and what another dialect alone can read are left out."""
    writing = _AnswerBlocks(reply_id)
    for part in parts:
        writing.add(part)
    return writing.blocks


class _AnswerBlocks:
    """Blocks being gathered; foreign ones may come in the pieces in which a stream told them."""

    def __init__(self, reply_id: str) -> None:
        self.blocks: list[Block] = []
        self._reply_id = reply_id
        self._calls = 0
        self._foreign: dict[int, Block] = {}
        self._inputs: dict[int, list[str]] = {}

    def add(self, part: Part) -> None:
        match part:
            case Text(text=text, extensions=extensions) | Refusal(text=text, extensions=extensions) if text:
                self.blocks.append({"type": "text", "text": text, **own(extensions)})
            case Thinking(redacted=None):
                self.blocks.append(
                    {
                        "type": "thinking",
                        "thinking": part.text,
                        "signature": part.signature or "",
                        **own(part.extensions),
                    }
                )
            case Thinking(redacted=data):
                self.blocks.append({"type": "redacted_thinking", "data": data, **own(part.extensions)})
            case ToolCall(id=id, name=name, arguments=arguments):
                self.blocks.append(
                    tool_use(call_id(id, self._reply_id, self._calls), name, arguments)
                    | dict(own(part.extensions))
                )
                self._calls += 1
            case ForeignPart(dialect=dialect, payload=payload) if dialect == NAME:
                self._add_foreign(msgspec.json.decode(payload))
            case _:
                pass

    def _add_foreign(self, told: dict[str, Any]) -> None:
        """A block, or an event of a stream that tells one."""
        index: int = told.get("index", -1)
        match told:
            case {"type": "content_block_start", "content_block": dict(block)}:
                self._foreign[index] = block
                self.blocks.append(block)
            case {"type": "content_block_delta", "delta": dict(delta)}:
                self._grow(index, delta)
            case {"type": "content_block_stop"}:
                self._end(index)
            case _:
                self.blocks.append(told)

    def _grow(self, index: int, delta: dict[str, Any]) -> None:
        """Citations also belong to texts, which are no foreign blocks; theirs is the last one."""
        block = self._foreign.get(index) or (self.blocks[-1] if self.blocks else {})
        match delta:
            case {"type": "input_json_delta", "partial_json": str(text)}:
                self._inputs.setdefault(index, []).append(text)
            case {"type": "citations_delta", "citation": citation}:
                block["citations"] = [*(block.get("citations") or []), citation]
            case {"type": "text_delta", "text": str(text)}:
                block["text"] = block.get("text", "") + text
            case _:
                pass

    def _end(self, index: int) -> None:
        block, written = self._foreign.pop(index, None), self._inputs.pop(index, None)
        if block is not None and written:
            block["input"] = input_of("".join(written))
