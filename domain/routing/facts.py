"""
What rules and gates ask about a request, found out when it is first asked and kept.

The envelope (`model`, `has_tools`) is known at once. The latest turn is read by itself, and whether a large
request is small enough is told from its size where that suffices; reading all of it costs most, and nobody
pays for it who does not ask.
"""

import json
from collections.abc import Iterable, Iterator
from functools import cached_property

from domain.conversation.parts import (
    Document,
    ForeignPart,
    Image,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from domain.conversation.request import (
    ChatRequest,
    Conversation,
    ForeignTool,
    MalformedRequest,
    Message,
    Role,
    Sampling,
    Tool,
)

_CHARACTERS_PER_TOKEN = 4
_FEW_CHARACTERS = 8192
_FENCE = "```"


class Facts:
    """
    The facts of one request.

    Any of those below the envelope raises `MalformedRequest` when the conversation cannot be understood; the
    client is at fault then, wherever it was noticed.
    """

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._source = request.source
        self.was_read = False
        self.turn_was_read = False

    def __repr__(self) -> str:
        return f"<Facts of a request for {self.model!r} read={self.was_read} turn={self.turn_was_read}>"

    @property
    def model(self) -> str:
        """The model that the client named; empty when it named none."""
        return self._request.model

    @property
    def is_small(self) -> bool:
        """Whether reading all of it costs next to nothing."""
        most = self._source.most_characters
        return most is not None and most <= _FEW_CHARACTERS

    @property
    def has_tools(self) -> bool:
        return self._request.declares_tools

    @cached_property
    def latest_text(self) -> str:
        """The words of the latest user turn, joined by line ends; empty when there are none."""
        return "\n".join(_words(self._latest_turn.parts)) if self._latest_turn else ""

    @cached_property
    def has_image(self) -> bool:
        """Whether the latest user turn shows a picture; what a tool showed does not count."""
        return self._latest_turn is not None and any(map(_is_picture, self._latest_turn.parts))

    @cached_property
    def code_fence_ratio(self) -> float:
        """The share of the latest user text inside closed code fences, the fences included; 0 to 1."""
        return _fenced_share(self.latest_text)

    @cached_property
    def carries_only_results(self) -> bool:
        """Whether the turn adds nothing but what tools answered."""
        newest = next(self._source.newest(Role.USER, Role.TOOL), None)
        return newest is not None and _is_results(newest)

    @cached_property
    def estimated_tokens(self) -> int:
        """Characters of instructions, messages, tool results and tool definitions, divided by four."""
        return self._readable_characters // _CHARACTERS_PER_TOKEN

    def has_tokens(self, least: int) -> bool:
        """Whether `estimated_tokens` are that many; a request that is too small for it is not read."""
        return not self._is_below(least) and self.estimated_tokens >= least

    def fits(self, tokens: int) -> bool:
        """Whether `prompt_tokens` are no more than that; a request that must fit is not read."""
        return self._is_below(tokens) or self.prompt_tokens <= tokens

    @cached_property
    def prompt_tokens(self) -> int:
        """As `estimated_tokens`, with the calls and the thinking that also fill a context window."""
        made = sum(_made_by_models(message.parts) for message in self._conversation.messages)
        return (self._readable_characters + made) // _CHARACTERS_PER_TOKEN

    @property
    def sampling(self) -> Sampling:
        """How the client wants to be answered."""
        return self._conversation.sampling

    @cached_property
    def output_limit(self) -> int:
        """How many tokens the client lets the answer have at most; 0 when it set no limit."""
        return self.sampling.max_output_tokens or 0

    @cached_property
    def image_place(self) -> str | None:
        """Where the first picture stands, in a turn or in a tool's result; ``None`` when there is none."""
        if not self._source.may_show_pictures:
            return None
        messages = enumerate(self._conversation.messages)
        return next((f"message {n} ({m.role})" for n, m in messages if any(map(_shows, m.parts))), None)

    @cached_property
    def wants_thinking(self) -> bool:
        """Whether the client asks for thinking in so many words, not merely allows it."""
        asked = self._conversation.extensions.get(_ANTHROPIC, {}).get("thinking")
        return isinstance(asked, dict) and asked.get("type") == "enabled"

    def _is_below(self, tokens: int) -> bool:
        most = self._source.most_characters
        return most is not None and most // _CHARACTERS_PER_TOKEN < tokens

    @cached_property
    def _conversation(self) -> Conversation:
        conversation = self._request.conversation
        self.was_read = True
        return conversation

    @cached_property
    def _latest_turn(self) -> Message | None:
        """The latest user turn that is more than answers of tools."""
        turn = next(self._source.newest(Role.USER), None)
        self.turn_was_read = True
        return turn

    @cached_property
    def _readable_characters(self) -> int:
        said = self._conversation
        in_turns = sum(_readable(message.parts) for message in said.messages)
        return in_turns + sum(map(_definition, said.tools))


_ANTHROPIC = "anthropic_messages"


def _is_results(message: Message) -> bool:
    return bool(message.parts) and all(isinstance(part, ToolResult) for part in message.parts)


def _words(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        match part:
            case Text(text=text):
                yield text
            case ForeignPart():
                yield from _foreign_words(part)
            case _:
                pass


def _foreign_words(part: ForeignPart) -> Iterator[str]:
    """A part that the dialect does not know may still say its words under the usual name."""
    text = _members(part).get("text")
    if isinstance(text, str):
        yield text


def _is_picture(part: Part) -> bool:
    if isinstance(part, ForeignPart):
        return _members(part).get("type") in _PICTURES
    return isinstance(part, Image)


_PICTURES = ("image", "image_url", "input_image")
"""What the dialects call a picture; a client may use another dialect's word."""


def _members(part: ForeignPart) -> dict[str, object]:
    try:
        value = json.loads(part.payload)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _shows(part: Part) -> bool:
    if isinstance(part, ToolResult):
        return any(map(_is_picture, part.content))
    return _is_picture(part)


def _fenced_share(text: str) -> float:
    if not text:
        return 0.0
    pieces = text.split(_FENCE)
    closed = (len(pieces) - 1) // 2
    inside = sum(map(len, pieces[1 : 2 * closed : 2]))
    return (inside + 2 * closed * len(_FENCE)) / len(text)


def _readable(parts: Iterable[Part]) -> int:
    """Characters of what people and tools said."""
    count = 0
    for part in parts:
        match part:
            case Text(text=text) | Refusal(text=text) | Document(source=Text(text=text)):
                count += len(text)
            case ToolResult(content=content):
                count += _readable(content)
            case ForeignPart():
                count += sum(map(len, _foreign_words(part)))
            case _:
                pass
    return count


def _made_by_models(parts: Iterable[Part]) -> int:
    """Characters of a model's calls and thinking."""
    count = 0
    for part in parts:
        match part:
            case ToolCall(name=name, arguments=arguments):
                count += len(name) + len(arguments)
            case Thinking(text=text):
                count += len(text)
            case _:
                pass
    return count


def _definition(tool: Tool | ForeignTool) -> int:
    """Characters of a tool's name, description and schema, the schema as compact JSON."""
    if isinstance(tool, ForeignTool):
        return len(tool.payload.decode("utf-8", "replace"))
    schema = "" if tool.parameters is None else _compact(tool.parameters)
    return len(tool.name) + len(tool.description or "") + len(schema)


def _compact(schema: object) -> str:
    try:
        return _schema_encoder.encode(schema)
    except RecursionError:
        raise MalformedRequest("tools", "a schema is nested past all sense") from None


_schema_encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False)
