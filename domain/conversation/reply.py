"""What is said: an answer as a stream of neutral events, and as the whole that they fold into."""

from enum import StrEnum
from typing import TypeAlias

from domain.conversation.extensions import NO_EXTENSIONS, Extensions
from domain.conversation.parts import Logprobs, Part
from domain.values import value


class StopReason(StrEnum):
    """Why the model stopped. A reason outside this list travels as its vendor's own word."""

    END_TURN = "end_turn"
    STOP_SEQUENCE = "stop_sequence"
    MAX_TOKENS = "max_tokens"
    TOOL_CALLS = "tool_calls"
    REFUSAL = "refusal"
    CONTENT_FILTER = "content_filter"
    PAUSE = "pause"


MOST_TOKENS = 100_000_000
"""Well beyond any context window; sums of far more would not fit into a ledger either."""


def token_count(told: object) -> int | None:
    """
    How many tokens an upstream says there were; ``None`` for what is no such number.

    Some servers write whole numbers as floats, and some -1 for what they do not know.
    """
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told <= MOST_TOKENS:
        return None
    return int(told)


@value(kw_only=True)
class Usage:
    """
    Tokens of one answer; ``None`` where the upstream did not say.

    ``input_tokens`` leaves out what was read from or written to a prompt cache (Anthropic's reading;
    OpenAI's ``prompt_tokens`` includes the cached part and is split when decoded). ``output_tokens``
    includes ``reasoning_tokens``, ``cache_creation_tokens`` those that are to stay for an hour.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_creation_tokens: int | None = None
    cache_hour_tokens: int | None = None
    reasoning_tokens: int | None = None

    @property
    def tokens(self) -> int:
        """Everything that was read and written, whether or not a cache made it cheap."""
        counts = (self.input_tokens, self.output_tokens, self.cache_read_tokens, self.cache_creation_tokens)
        return sum(count or 0 for count in counts)

    def merged(self, later: "Usage") -> "Usage":
        """
        Both reports as one, of each count the larger.

        Reports are cumulative, but one need not repeat what an earlier one said, and the last of some
        servers says 0 of what it counted before.
        """
        return Usage(
            input_tokens=_larger(self.input_tokens, later.input_tokens),
            output_tokens=_larger(self.output_tokens, later.output_tokens),
            cache_read_tokens=_larger(self.cache_read_tokens, later.cache_read_tokens),
            cache_creation_tokens=_larger(self.cache_creation_tokens, later.cache_creation_tokens),
            cache_hour_tokens=_larger(self.cache_hour_tokens, later.cache_hour_tokens),
            reasoning_tokens=_larger(self.reasoning_tokens, later.reasoning_tokens),
        )

    def plus(self, other: "Usage") -> "Usage":
        """The tokens of both, of two answers."""
        return Usage(
            input_tokens=_added(self.input_tokens, other.input_tokens),
            output_tokens=_added(self.output_tokens, other.output_tokens),
            cache_read_tokens=_added(self.cache_read_tokens, other.cache_read_tokens),
            cache_creation_tokens=_added(self.cache_creation_tokens, other.cache_creation_tokens),
            cache_hour_tokens=_added(self.cache_hour_tokens, other.cache_hour_tokens),
            reasoning_tokens=_added(self.reasoning_tokens, other.reasoning_tokens),
        )


def _larger(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return one if other is None else other
    return max(one, other)


def _added(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)


@value
class ReplyStarted:
    """The upstream began; ``model`` is the real one, ``created`` in seconds since the epoch."""

    id: str = ""
    model: str = ""
    created: int | None = None
    extensions: Extensions = NO_EXTENSIONS


@value
class TextDelta:
    """More words of the answer."""

    text: str
    choice: int = 0


@value
class WeighedText(TextDelta):
    """More words of the answer, with how likely their tokens were."""

    logprobs: Logprobs = ()


@value
class ThinkingDelta:
    """More words of the reasoning."""

    text: str
    choice: int = 0


@value
class ThinkingSigned:
    """The provider's signature over the reasoning just shown."""

    signature: str
    choice: int = 0


@value
class RedactedThinking:
    """Reasoning that the provider shows only in sealed form."""

    data: str
    choice: int = 0


@value
class RefusalDelta:
    """More words of a refusal."""

    text: str
    choice: int = 0


@value
class ToolCallStarted:
    """A call begins; ``call`` numbers the calls of this answer from 0 in order of appearance."""

    call: int
    id: str
    name: str
    choice: int = 0


@value
class ToolCallDelta:
    """More of the JSON text of the arguments of ``call``; calls may interleave."""

    call: int
    arguments: str
    choice: int = 0


@value
class PartEnded:
    """The text or thinking just shown is complete, or, when ``call`` is given, that tool call is."""

    call: int | None = None
    choice: int = 0


@value
class UsageReported:
    """What the upstream counts so far; counts are cumulative (`Usage.merged`)."""

    usage: Usage


@value
class Finished:
    """The model stopped; ``reason`` is a ``StopReason`` or a vendor's own word for one we do not know."""

    reason: str
    stop_sequence: str | None = None
    choice: int = 0
    extensions: Extensions = NO_EXTENSIONS


@value
class Foreign:
    """
    Something that only the dialect named can read.

    ``payload`` is the JSON text of one event of that dialect's stream, ``content`` tells whether it is part
    of the answer itself (and so commits the gateway to it).
    """

    dialect: str
    payload: bytes
    content: bool = False


ReplyEvent: TypeAlias = (
    ReplyStarted
    | TextDelta
    | ThinkingDelta
    | ThinkingSigned
    | RedactedThinking
    | RefusalDelta
    | ToolCallStarted
    | ToolCallDelta
    | PartEnded
    | UsageReported
    | Finished
    | Foreign
)


def bears_content(event: ReplyEvent) -> bool:
    """Whether a client that saw this event has seen a part of the answer, so that no other may follow."""
    match event:
        case TextDelta(text) | ThinkingDelta(text) | RefusalDelta(text):
            return text != ""
        case ToolCallStarted() | ToolCallDelta() | RedactedThinking() | ThinkingSigned():
            return True
        case Foreign(content=content):
            return content
        case ReplyStarted() | PartEnded() | UsageReported() | Finished():
            return False


@value
class Wire:
    """
    The bytes that events were read from.

    Attributes:
        dialect: the language of ``data``.
        data: complete stream frames with LF line ends, without the stream's terminator; or a whole body.
        whole: ``data`` is the body of an answer that was not streamed.
    """

    dialect: str
    data: bytes
    whole: bool = False


@value
class Batch:
    """
    Events that arrived together, with the bytes that said them while nobody has changed the events.

    Whoever changes an event passes the batch on without ``wire``: bytes never contradict events.
    """

    events: tuple[ReplyEvent, ...]
    wire: Wire | None = None


SIGN_OF_LIFE = Batch(())
"""Says nothing, but that somebody is there: for bytes that tell no event, such as comments."""


@value(kw_only=True)
class Choice:
    """One answer of a completion."""

    parts: tuple[Part, ...]
    finish: Finished | None
    index: int = 0


@value(kw_only=True)
class Completion:
    """A whole answer; ``wire`` is the body it was read from, if it came whole and unchanged."""

    id: str
    model: str
    created: int | None
    choices: tuple[Choice, ...]
    usage: Usage | None
    extensions: Extensions = NO_EXTENSIONS
    wire: Wire | None = None
