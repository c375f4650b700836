"""
What a scripted upstream does with one request, as values.

An `Answer` is a model that works. Everything else here is one way in which a model server fails its caller.

Where a behaviour counts events it counts server-sent-event frames. In both dialects frame 1 (the OpenAI role
chunk, Anthropic's `message_start`) carries no content, and after frame 3 some content has been said.

A request that does not ask for a stream has no frames: `CutAfter` and `Reset` then break off in the middle of
the body, `Stall` pauses there, and `InBandError` puts the error where the answer would be.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Finish: TypeAlias = Literal["stop", "length", "tool_calls"]
"""Why the model stopped, in OpenAI's words; the Anthropic side says the same in its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens that an answer reports. `cached` is part of `prompt`, as OpenAI counts."""

    prompt: int = 19
    completion: int = 7
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """Words of the model; a stream sends them one word to a frame."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool; `arguments` is JSON text, perhaps broken. A stream sends it in two frames."""

    name: str
    arguments: str
    call_id: str = "call_1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer, in the dialect of the route that was asked, as a stream if the request wants one."""

    parts: tuple[Text | ToolCall, ...]
    finish: Finish = "stop"
    usage: Usage = Usage()
    pace_s: float = 0.0
    """Seconds between two frames of a stream."""

    @staticmethod
    def text(text: str, *, finish: Finish = "stop", usage: Usage = Usage(), pace_s: float = 0.0) -> "Answer":
        return Answer(parts=(Text(text),), finish=finish, usage=usage, pace_s=pace_s)

    @staticmethod
    def tool_call(name: str, arguments: str | Mapping[str, object], *, usage: Usage = Usage()) -> "Answer":
        """One call. A mapping is written as JSON; a string is sent as it is, valid or not."""
        return Answer.tool_calls((name, arguments), usage=usage)

    @staticmethod
    def tool_calls(*calls: tuple[str, str | Mapping[str, object]], usage: Usage = Usage()) -> "Answer":
        """Parallel calls, with the ids `call_1`, `call_2`, … in this order."""
        parts = tuple(
            ToolCall(name, _as_json_text(arguments), f"call_{number}")
            for number, (name, arguments) in enumerate(calls, start=1)
        )
        return Answer(parts=parts, finish="tool_calls", usage=usage)

    @staticmethod
    def raw(*pieces: bytes, content_type: str | None = None) -> "Raw":
        """A body in the caller's own words; see `Raw`."""
        return Raw(pieces=pieces, content_type=content_type)


def _as_json_text(arguments: str | Mapping[str, object]) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


FOUR_WORDS = Answer.text("one two three four")
"""What the behaviours below say, or begin to say, unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """
    A 200 whose body is these pieces, each written on its own, so that a frame can be split anywhere.

    Without a `content_type` it is an event stream if the request asked for one, else JSON.
    """

    pieces: tuple[bytes, ...]
    content_type: str | None = None
    pace_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Verbatim:
    """These bytes on the socket instead of an HTTP response, and then its end."""

    wire: bytes


@dataclass(frozen=True, slots=True)
class Status:
    """An error response. Without a body it carries an error object of the dialect of the route."""

    code: int
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimited:
    """429; `retry_after` is the value of the header of that name (RFC 9110 10.2.3), absent when None."""

    retry_after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """A 200 that is no answer at all: the login page of a proxy, unless told otherwise."""

    body: bytes = b"<html><body>Please log in</body></html>"
    content_type: str = "text/html"


@dataclass(frozen=True, slots=True)
class EmptyStream:
    """A 200 with the headers of an answer and a body of no bytes, ended properly."""


@dataclass(frozen=True, slots=True)
class RoleOnlyThenEof:
    """A stream that opens (role chunk, `message_start`) and ends properly without having said anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutAfter:
    """`events` frames of the answer, then the connection closes without the end of the body."""

    events: int
    answer: Answer = FOUR_WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class InBandError:
    """`after_events` frames, then an error inside the 200 in the words of the dialect, then a proper end."""

    after_events: int
    message: str = "Overloaded"
    answer: Answer = FOUR_WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """`after_events` frames, then silence for so long, then the rest. With zero frames the headers go."""

    after_events: int
    seconds: float
    answer: Answer = FOUR_WORDS


@dataclass(frozen=True, slots=True)
class SlowFirstByte:
    """Silence for so long before the status line, then another behaviour."""

    seconds: float
    then: "Behaviour" = FOUR_WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """TCP reset: at once when `after_events` is None, else after so many frames of the answer."""

    after_events: int | None = None
    answer: Answer = FOUR_WORDS


Behaviour: TypeAlias = (
    Answer
    | Raw
    | Verbatim
    | Status
    | RateLimited
    | Garbage
    | EmptyStream
    | RoleOnlyThenEof
    | CutAfter
    | InBandError
    | Stall
    | SlowFirstByte
    | Reset
)
