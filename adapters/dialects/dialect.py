"""
What a dialect is: one value that reads and writes a wire language, on either side of the gateway.

Inbound decodes requests and encodes replies; outbound the reverse. All of it is sans-IO: no socket, no
clock, no log, no random numbers (ids and times that an answer needs come in as `Answering`).

Errors that reading can raise::

    MalformedRequest        the client's bytes (domain.conversation.request)
    DialectError
    ├── GarbledReply        the upstream's bytes are not what the dialect allows
    ├── TruncatedReply      the upstream's stream ended before the answer did
    └── ReportedError       the upstream said, inside its reply, that it failed
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from domain.conversation.extensions import Json, Nothing
from domain.conversation.reply import Batch, Completion
from domain.conversation.request import ChatRequest, Conversation, DialectName
from domain.routing.shaping import AS_IT_IS, Shaping, shaped
from domain.values import value

NO_FIELDS: Mapping[str, Json] = Nothing()


class DialectError(Exception):
    """Something is wrong with what an upstream said."""


class GarbledReply(DialectError):
    """The upstream's bytes do not say what the dialect allows; the message names the place."""


class TruncatedReply(DialectError):
    """The stream ended without the dialect's word that the answer is complete."""


class ReportedError(DialectError):
    """
    An upstream's own error, from an error body or from inside a stream.

    Attributes:
        message: the vendor's words.
        type: the vendor's class of error, such as ``overloaded_error``; empty when it gave none.
        code: the vendor's code as text; empty when it gave none.
        status: an HTTP status told inside the error, if any.
        told: everything that the vendor said of the error, as decoded JSON; empty when it was only words.
    """

    def __init__(
        self,
        message: str,
        *,
        type: str = "",
        code: str = "",
        status: int | None = None,
        told: Mapping[str, Any] = NO_FIELDS,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.type = type
        self.code = code
        self.status = status
        self.told = told


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """
    How one upstream departs from its dialect.

    Attributes:
        max_tokens_field: where an OpenAI-compatible server wants the output limit.
        default_max_tokens: sent where the dialect requires a limit and the client gave none.
        usage_in_streams: whether to ask for a usage report in streams (``stream_options``).
        developer_role: whether the server knows the role ``developer``; else it is sent as ``system``.
        cache_control: whether cache breakpoints from another dialect are passed on, in OpenRouter's way; a
            strict server (OpenAI's own) refuses the field.
        thinking_levels: whether an Ollama model knows how much to think, not only whether.
        fills_reasoning: whether a turn that calls tools is given reasoning, if need be empty, without which
            DeepSeek's thinking models refuse the request.
    """

    max_tokens_field: str = "max_tokens"
    default_max_tokens: int = 4096
    usage_in_streams: bool = True
    developer_role: bool = False
    cache_control: bool = True
    thinking_levels: bool = False
    fills_reasoning: bool = False


@value(kw_only=True)
class Outgoing:
    """
    A request on its way to one target.

    Attributes:
        request: what the client asked.
        model: the target's model; replaces the client's. Empty: the field is left out.
        stream: whether the upstream shall stream.
        extra_body: fields of the provider's configuration; they lie below the client's own fields
            (shallow merge).
        system_suffix: instructions of the configuration to add after the client's own.
        quirks: how the upstream departs from its dialect.
        shaping: what must change in the client's request for this target.
    """

    request: ChatRequest
    model: str
    stream: bool
    extra_body: Mapping[str, Json] = NO_FIELDS
    system_suffix: str = ""
    quirks: Quirks = Quirks()
    shaping: Shaping = AS_IT_IS

    @property
    def conversation(self) -> Conversation:
        """
        What the target is told.

        Raises:
            MalformedRequest: the request cannot be understood.
        """
        return shaped(self.request.conversation, self.shaping)


@value(kw_only=True)
class Answering:
    """
    What an encoder must know of the answer it writes.

    Attributes:
        model: the name the client used; echoed instead of the real model. Empty: the real one is shown.
        reply_id: bare id to use where the upstream gave none (the dialect adds its prefix).
        created: seconds since the epoch, where the upstream gave none.
        wants_usage: whether the client of a stream asked for a usage report.
        request: what is answered, for a dialect that repeats parts of it or must give its tools back the
            names and forms that they came with; ``None`` if nobody needs that.
    """

    model: str
    reply_id: str
    created: int
    wants_usage: bool = False
    request: ChatRequest | None = None


@value(kw_only=True)
class ErrorReport:
    """An error of ours, to be told in a dialect's envelope; ``type`` and ``code`` are the dialect's words."""

    status: int
    type: str
    message: str
    code: str | None = None
    param: str | None = None
    request_id: str = ""


class StreamDecoder(Protocol):
    """Reads one upstream stream; holds half a frame and what blocks are open."""

    def feed(self, data: bytes) -> Iterator[Batch]:
        """
        What these bytes complete, in order, as few batches as may be: usually one for each call.

        The same bytes give the same events however they are split. Frames that carry only a usage report
        come as a batch of their own, so that they can be left out for a client that did not ask.

        Raises (after yielding what came before):
            GarbledReply: a frame that the dialect does not allow.
            ReportedError: the upstream told an error in-band.
        """
        ...

    def close(self) -> Iterator[Batch]:
        """
        What the end of the stream completes (a last frame without its blank line, say).

        Raises:
            TruncatedReply: the dialect's word that the answer is complete never came.
        """
        ...


class StreamEncoder(Protocol):
    """Writes one stream to a client and guards its order: exactly one beginning, exactly one end."""

    def send(self, batch: Batch) -> bytes:
        """The frames for these events; the batch's own bytes when they are of this dialect."""
        ...

    def close(self) -> bytes:
        """What ends a complete answer. Call it once, after a batch with ``Finished``."""
        ...

    def fail(self, report: ErrorReport) -> bytes:
        """What ends a broken answer: the error, and no word that could be taken for success."""
        ...

    def ping(self) -> bytes:
        """A frame that says nothing, to show that the line is alive; legal at any moment."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundDialect:
    """
    A wire language as far as an upstream is asked in it.

    Attributes:
        name: as in `ChatRequest.dialect` and `Wire.dialect`.
        encode_request: the body for an upstream; the client's own bytes but for what must change when
            the request came in this dialect. Raises `MalformedRequest` for what the target cannot say.
        decode_completion: a whole body to one batch with ``wire``; raises `GarbledReply` or, for an error
            object inside a 200, `ReportedError`.
        stream_decoder: a decoder for the answer to this request.
        decode_error: what an error body says; never raises, a body it cannot read becomes the message.
    """

    name: DialectName
    encode_request: Callable[[Outgoing], bytes]
    decode_completion: Callable[[bytes], Batch]
    stream_decoder: Callable[[], StreamDecoder]
    decode_error: Callable[[bytes], ReportedError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect(OutboundDialect):
    """
    A wire language that clients speak as well.

    Attributes:
        decode_request: body and headers (lower-case names) to a request; raises `MalformedRequest`.
            Top level and message heads are checked at once, the rest when somebody needs it.
        encode_completion: a whole answer to a body; its own bytes when they are of this dialect.
        stream_encoder: an encoder for a stream to the client.
        encode_error: our error in the dialect's envelope.
    """

    decode_request: Callable[[bytes, Mapping[str, str]], ChatRequest]
    encode_completion: Callable[[Completion, Answering], bytes]
    stream_encoder: Callable[[Answering], StreamEncoder]
    encode_error: Callable[[ErrorReport], bytes]
