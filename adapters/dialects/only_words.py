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


class _Piece(msgspec.Struct, gc=False):
    """A message, an item or a part, of a type that is known to be harmless, and the pieces it holds."""

    type: Wordy | None = None
    content: "str | list[_Piece] | None" = None
    output: "str | list[_Piece] | None" = None


_pieces = msgspec.json.Decoder(str | list[_Piece] | None)


def only_words(*contents: msgspec.Raw | None) -> bool:
    """
    Whether these texts or lists of messages, items and parts hold neither pictures nor files, however deep.

    Yes is certain, no is a guess: a type that is not known here may be anything.
    """
    try:
        for raw in contents:
            if raw is not None:
                _pieces.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
