"""What a client asks, read as far as anyone has needed it."""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Protocol, TypeAlias

from domain.conversation.extensions import NO_EXTENSIONS, Extensions, Json, Nothing
from domain.conversation.parts import Part, ToolResult
from domain.values import value


class Role(StrEnum):
    """Who speaks. A dialect without a role of its own for tools puts their results in a user's turn."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@value(kw_only=True)
class Message:
    """One turn, its parts in order."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    extensions: Extensions = NO_EXTENSIONS


@value(kw_only=True)
class Tool:
    """
    A function the model may call.

    Attributes:
        parameters: its JSON Schema; ``None`` when none was given.
        strict: whether calls are bound to that schema.
    """

    name: str
    description: str | None = None
    parameters: Mapping[str, Json] | None = None
    strict: bool = False
    cache_control: Json = None
    extensions: Extensions = NO_EXTENSIONS


@value(kw_only=True)
class ForeignTool:
    """A tool that only the dialect named knows, such as one the vendor runs on its own servers."""

    dialect: str
    payload: bytes


class ToolUse(StrEnum):
    """Whether the model may, must or must not call a tool."""

    AUTO = "auto"
    REQUIRED = "required"
    NONE = "none"
    NAMED = "named"


@value(kw_only=True)
class ToolChoice:
    """How tools are to be used; ``name`` belongs to ``NAMED``, ``parallel`` is ``None`` when unsaid."""

    use: ToolUse = ToolUse.AUTO
    name: str | None = None
    parallel: bool | None = None
    extensions: Extensions = NO_EXTENSIONS


@value(kw_only=True)
class AnswerSchema:
    """
    The answer shall be JSON.

    Attributes:
        schema: its JSON Schema; ``None`` when any object will do.
        name: what the client calls it.
        strict: whether the schema must be kept to the letter; ``None`` when unsaid.
    """

    schema: Mapping[str, Json] | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


@value(kw_only=True)
class Sampling:
    """
    How to draw tokens, and in what form to answer; ``None`` leaves it to the upstream.

    Attributes:
        max_output_tokens: counts thinking too.
        reasoning_effort: the client's own word for how long to think, such as ``low``.
        verbosity: its word for how many words to make.
        answer_schema: binds the form of the answer.
        top_logprobs: how likely each token was is to be told, beside so many others that might have stood in
            its place.
    """

    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    answer_schema: AnswerSchema | None = None
    top_logprobs: int | None = None


@value(kw_only=True)
class Conversation:
    """
    The whole request in neutral words.

    Instructions come as ``SYSTEM`` and ``DEVELOPER`` messages, leading ones first, whatever place the
    dialect has for them.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool | ForeignTool, ...] = ()
    tool_choice: ToolChoice | None = None
    sampling: Sampling = Sampling()
    extensions: Extensions = NO_EXTENSIONS


class Source(Protocol):
    """Where a request's content comes from: the bytes a dialect received, or values that were built."""

    def conversation(self) -> Conversation:
        """
        The content, decoded on first use and kept.

        Raises:
            MalformedRequest: the bytes do not say what their dialect allows; the error names the place.
        """
        ...

    def newest(self, *roles: Role) -> Iterator[Message]:
        """
        What these said, from the last message to the first, each read when it is asked for where the dialect
        allows that. A turn of nothing but tools' answers is the tools', whatever role the dialect gives it.

        Raises:
            MalformedRequest: as `conversation`, for the messages that were reached.
        """
        ...

    def afresh(self) -> "Source":
        """The same content, to be read once more: what somebody does to one reading the other never shows."""
        ...

    @property
    def most_bytes(self) -> int | None:
        """
        No fewer than the content takes as UTF-8, known without reading it; ``None`` when unknown.

        Every character takes a byte or more.
        """
        ...

    @property
    def has_only_words(self) -> bool:
        """Whether there is neither a picture nor a file in it: yes is certain, no is a guess."""
        ...

    @property
    def may_defer_tools(self) -> bool:
        """Whether tools may be looked up only when they are needed: no is certain, yes is a guess."""
        ...

    @property
    def most_cache_marks(self) -> int:
        """
        No fewer than what is marked for a prompt cache, known without reading it.

        A mark whose name is spelt with escapes does not count.
        """
        ...

    def says(self, field: str, /) -> bool:
        """
        Whether the body has this field at its top, or after a dot one of an object there.

        Raises:
            MalformedRequest: it cannot be found out.
        """
        ...

    @property
    def marks_cache(self) -> bool:
        """Whether anything is marked for a prompt cache, as far as that is known without reading it."""
        ...

    @property
    def is_open_ended(self) -> bool:
        """
        Whether it may cost more than its tokens do: the vendor may run something that takes tokens of its
        own, such as a search of the web, answer with another model, or at a dearer rate.

        No is certain, yes is a guess.
        """
        ...

    @property
    def may_cache_for_an_hour(self) -> bool:
        """Whether anything may be marked to stay in a cache for an hour: no is certain, yes is a guess."""
        ...

    @property
    def thinking_budget(self) -> int | None:
        """
        How many tokens the client lets the model think for, known without reading it; ``None`` when unsaid.

        Raises:
            MalformedRequest: it cannot be found out.
        """
        ...

    @property
    def output_limit(self) -> int:
        """
        How many tokens the client lets the answer have at most, known without reading it; 0 for no limit. A
        limit of nothing that goes on as it is counts as the largest, which is what some servers take it for.

        Raises:
            MalformedRequest: it is no such number.
        """
        ...

    @property
    def measure(self) -> "Measure | None":
        """
        Of a request that `has_only_words`, is not `is_open_ended` and in which nothing
        `may_cache_for_an_hour`; ``None`` where all of that cannot be told at once.
        """
        ...


@value
class Measure:
    """
    All that bounds the cost of a usual request.

    Attributes:
        size: `Source.most_bytes`.
        output_limit: `Source.output_limit`.
    """

    size: int
    output_limit: int


class MalformedRequest(Exception):
    """
    The client's request is at fault.

    Args:
        path: the field, as ``messages[2].content[0].type``; empty for the body as a whole.
        message: what was expected there.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message


def budget_asked(thinking: Json) -> int | None:
    """The tokens that Anthropic's field ``thinking`` grants; ``None`` when it leaves that to the model."""
    if not isinstance(thinking, Mapping) or thinking.get("type") != "enabled":
        return None
    budget = thinking.get("budget_tokens")
    return budget if isinstance(budget, int) else None


def newest_of(content: Conversation, roles: Collection[Role]) -> Iterator[Message]:
    """For a source that has read all its messages: `Source.newest`."""
    return (message for message in reversed(content.messages) if _speaker(message) in roles)


def _speaker(message: Message) -> Role:
    only_results = message.parts and all(isinstance(part, ToolResult) for part in message.parts)
    return Role.TOOL if only_results else message.role


NO_HEADERS: Mapping[str, str] = Nothing()

DialectName: TypeAlias = str
"""``openai_chat``, ``anthropic_messages``, ``openai_responses`` or ``openai_completions``."""


@value(kw_only=True)
class ChatRequest:
    """
    A request as far as every route must know it, and its source for whoever needs more.

    Attributes:
        dialect: the wire language it came in.
        model: the name the client gave; empty when it gave none.
        stream: whether the client wants the answer as a stream.
        profile: the body's ``profile`` field, which is ours and never sent upstream.
        declares_tools: whether the request offers the model any tool.
        choices: how many answers are asked for (``n``).
        wants_usage: whether a streaming client asked for a usage report.
        generates: whether the answer is made of tokens; that to a request for embeddings is not.
        headers: the dialect's own request headers (lower-case names), due verbatim to an upstream of the
            same dialect.
    """

    dialect: DialectName
    model: str
    source: Source
    stream: bool = False
    profile: str | None = None
    declares_tools: bool = False
    choices: int = 1
    wants_usage: bool = False
    generates: bool = True
    headers: Mapping[str, str] = NO_HEADERS

    @property
    def conversation(self) -> Conversation:
        return self.source.conversation()
