"""
Tells in one quick pass over its bytes that a request is of the usual kind.

What a request may cost at most depends on many things that hardly any request has: pictures and files, tools
that the vendor runs, dearer tiers, marks that have a cache keep something for an hour. Looking for each of
them takes longer than to read all of it once in a form that has no place for any.
"""

from typing import Annotated, Literal, TypeAlias

import msgspec

from adapters.dialects.only_words import Wordy
from domain.conversation.reply import MOST_TOKENS

Limit: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=MOST_TOKENS)] | None
"""A number of tokens that means what it says; others have meanings of their own."""


class Mark(msgspec.Struct, gc=False):
    """Keeps something in a cache for as long as is usual."""

    ttl: Literal["5m"] | None = None


class PlainPart(msgspec.Struct, gc=False):
    """A part of words or a call, and the parts it holds."""

    type: Wordy
    content: "str | list[PlainPart] | None" = None
    output: "str | list[PlainPart] | None" = None
    cache_control: Mark | None = None


class PlainTurn(msgspec.Struct, gc=False):
    """A message or an item of words and calls; a message need not say that it is one."""

    type: Wordy | None = None
    content: str | list[PlainPart] | None = None
    output: str | list[PlainPart] | None = None
    cache_control: Mark | None = None
    audio: None = None


class PlainTool(msgspec.Struct, gc=False):
    """A tool that the client runs."""

    type: Literal["function", "custom", "namespace", "local_shell", "apply_patch"]
    cache_control: Mark | None = None


class Plain(msgspec.Struct, gc=False):
    """A request of the usual kind; what is said in it, and how long its answer may be, each dialect adds."""

    max_tokens: Limit = None
    cache_control: Mark | None = None

    @property
    def output_limit(self) -> int:
        """How many tokens its answer may have at most; 0 when that is left open."""
        return self.max_tokens or 0
