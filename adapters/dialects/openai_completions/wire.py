"""
What a server sends for a text completion, as typed records.

Only what is read is named. Reference: https://platform.openai.com/docs/api-reference/completions
"""

from typing import Any

import msgspec

NAME = "openai_completions"
"""This dialect's name."""


class Choice(msgspec.Struct, gc=False):
    """One continuation, or more of one."""

    text: str | None = None
    finish_reason: str | None = None
    index: int | None = None
    error: Any = None


class Reply(msgspec.Struct, gc=False):
    """A whole answer or a chunk of one."""

    choices: list[Choice] | None = None
    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    usage: dict[str, Any] | None = None
    error: Any = None


reply_decoder = msgspec.json.Decoder(Reply)
