"""Tells in one quick pass over its bytes whether a request is made of words and calls alone."""

from typing import Literal

import msgspec

Wordy = Literal[
    # parts
    "text",
    "input_text",
    "output_text",
    "refusal",
    "thinking",
    "redacted_thinking",
    "reasoning_text",
    "summary_text",
    "tool_use",
    "tool_result",
    # items of a responses request
    "message",
    "reasoning",
    "function_call",
    "function_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
]
"""What holds no picture and no file beside its own pieces, in whatever dialect; anything else may."""


class _Part(msgspec.Struct, gc=False):
    """A part of a type that is known to be harmless, and the parts it holds."""

    type: Wordy
    content: "str | list[_Part] | None" = None
    output: "str | list[_Part] | None" = None


class _Turn(msgspec.Struct, gc=False):
    """A message or an item; a message need not say that it is one. What was said aloud is kept elsewhere."""

    type: Wordy | None = None
    content: str | list[_Part] | None = None
    output: str | list[_Part] | None = None
    audio: None = None


_turns = msgspec.json.Decoder(str | list[_Turn] | None)


def only_words(*contents: msgspec.Raw | None) -> bool:
    """
    Whether these texts or lists of messages, items and parts hold neither pictures nor files, however deep.

    Yes is certain, no is a guess: a type that is not known here may be anything.
    """
    try:
        for raw in contents:
            if raw is not None:
                _turns.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
