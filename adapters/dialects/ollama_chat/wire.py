"""
What an Ollama server sends, as typed records.

Only what is read is named. Reference: https://github.com/ollama/ollama/blob/main/docs/api.md and the types of
its ``api/types.go``.
"""

from typing import Any

import msgspec

NAME = "ollama_chat"
"""This dialect's name."""


class Function(msgspec.Struct, gc=False):
    """What is called; ``arguments`` is an object."""

    name: str = ""
    arguments: Any = None


class Call(msgspec.Struct, gc=False):
    """A whole tool call; older servers give it no id."""

    function: Function
    id: str | None = None


class Words(msgspec.Struct, gc=False):
    """More of the answer."""

    content: str | None = None
    thinking: str | None = None
    tool_calls: list[Call] | None = None


class Chunk(msgspec.Struct, gc=False):
    """A line of a stream, or a whole answer, which looks like its last line."""

    model: str | None = None
    created_at: str | None = None
    message: Words | None = None
    done: bool = False
    done_reason: str | None = None
    logprobs: Any = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: Any = None


chunk_decoder = msgspec.json.Decoder(Chunk)
