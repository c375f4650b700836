"""
What rules and gates ask about a request, found out when it is first asked and kept.

The envelope (`model`, `has_tools`) is known at once. The latest turn is read by itself, and whether a request
is small enough, or far too large, is told from its size where that suffices. Reading all of it costs more,
counting its tokens costs most: nobody pays for either who does not ask, and nobody twice.
"""

from collections import Counter
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any

from domain.conversation.parts import ToolResult
from domain.conversation.request import (
    ChatRequest,
    Conversation,
    Measure,
    Message,
    Role,
    Sampling,
)
from domain.routing.betas import BETA_HEADER, betas_in
from domain.routing.cache_marks import cache_marks
from domain.routing.reading import (
    definition_characters,
    is_picture,
    made_characters,
    readable_characters,
    shows,
    words,
)
from domain.routing.tooling import defers, tool_names
from domain.tokens.request import (
    TOOLS_PREAMBLE,
    VENDORS_TOOLS,
    most_request_tokens,
    request_tokens,
    words_fit,
)

_CHARACTERS_PER_TOKEN = 4
_MOST_CHARACTERS_PER_TOKEN = 16
"""On the average of a whole prompt: four times what prose and code have."""
_FENCE = "```"


class Facts:
    """
    The facts of one request.

    Any of those below the envelope raises `MalformedRequest` when the conversation cannot be understood; the
    client is at fault then, wherever it was noticed.

    Args:
        count: how many tokens a text is; asked last, as it takes milliseconds for a long one.

    Attributes:
        generates: whether the answer is made of tokens.
        choices: how many answers are asked for.
        quotes: what attempts at targets may cost, kept by `domain.routing.quotes` for whoever asks again.
    """

    def __init__(self, request: ChatRequest, count: Callable[[str], int]) -> None:
        self._request = request
        self._source = request.source
        self._count = count
        self.generates = request.generates
        self.choices = request.choices
        self.was_read = False
        self.turn_was_read = False
        self.quotes: dict[Hashable, Any] = {}

    def of(self, request: ChatRequest) -> "Facts":
        """The facts of another request, found out in the same ways."""
        return Facts(request, self._count)

    def __repr__(self) -> str:
        return f"<Facts of a request for {self.model!r} read={self.was_read} turn={self.turn_was_read}>"

    @property
    def model(self) -> str:
        """The model that the client named; empty when it named none."""
        return self._request.model

    @property
    def has_tools(self) -> bool:
        return self._request.declares_tools

    @cached_property
    def defers_tools(self) -> bool:
        """Whether tools are, or have been, looked up only when they are needed; one language has that."""
        return self.dialect == _ANTHROPIC and self._source.may_defer_tools and defers(self._conversation)

    @cached_property
    def tool_names(self) -> tuple[str, ...]:
        """The tools that are offered or were called, each once."""
        return tuple(dict.fromkeys(tool_names(self._conversation)))

    def marks_cache_beyond(self, most: int) -> bool:
        """Whether more is marked for a prompt cache; a request that could not mark so much is not read."""
        return self._source.most_cache_marks > most and cache_marks(self._conversation) > most

    def says(self, field: str) -> bool:
        """Whether the body has this field at its top, or after a dot one of an object there."""
        return self._source.says(field)

    @property
    def betas(self) -> tuple[str, ...]:
        """Anthropic's betas that the client asks for."""
        return betas_in(self._request.headers.get(BETA_HEADER, ""))

    @property
    def dialect(self) -> str:
        """The language that the client speaks."""
        return self._request.dialect

    @cached_property
    def latest_text(self) -> str:
        """The words of the latest user turn, joined by line ends; empty when there are none."""
        return "\n".join(words(self._latest_turn.parts)) if self._latest_turn else ""

    @cached_property
    def has_image(self) -> bool:
        """Whether the latest user turn shows a picture; what a tool showed does not count."""
        return self._latest_turn is not None and any(map(is_picture, self._latest_turn.parts))

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
        most = self._source.most_bytes
        too_small = most is not None and most // _CHARACTERS_PER_TOKEN < least
        return not too_small and self.estimated_tokens >= least

    @cached_property
    def prompt_tokens(self) -> int:
        """The whole prompt as the counter counts it: what has to fit into a context window."""
        return request_tokens(self._conversation, self._count)

    def excess(self, tokens: int) -> int | None:
        """
        The size of a prompt that is larger than that many tokens; ``None`` for one that is not.

        What is clear is not counted: a request that could not be larger is not even read, and one of many
        times the characters is told by a quarter of them.
        """
        most = self._source.most_bytes
        if most is not None and words_fit(most, tokens) and self._has_only_words:
            return None
        far = tokens * _MOST_CHARACTERS_PER_TOKEN
        if (most is None or most > far) and self._prompt_characters > far:
            return self._prompt_characters // _CHARACTERS_PER_TOKEN
        return self.prompt_tokens if self.prompt_tokens > tokens else None

    @property
    def sampling(self) -> Sampling:
        """How the client wants to be answered."""
        return self._conversation.sampling

    @property
    def measure(self) -> Measure | None:
        """What bounds the cost, where it is seen at once that nothing but words and a limit do."""
        return self._source.measure

    @property
    def is_open_ended(self) -> bool:
        """Whether it may cost more than its tokens do, as by what the vendor runs; yes is a guess."""
        return self._source.is_open_ended

    @property
    def may_cache_for_an_hour(self) -> bool:
        """Whether anything may be marked to stay in a cache for an hour; yes is a guess."""
        return self._source.may_cache_for_an_hour

    def most_prompt_tokens(self, at_most: Callable[[str], int], *, picture: int) -> int | None:
        """
        No fewer than the tokens of the prompt, whoever counts; ``None`` where that cannot be told.

        No tokenizer makes more tokens of a text than it has bytes, so that the size of a request of nothing
        but words says enough.

        Args:
            at_most: a number of tokens that no model makes more of a text than.
            picture: as many as a picture may have beyond what it is estimated at.
        """
        extra = VENDORS_TOOLS if self.has_tools else 0
        size = self._source.most_bytes if self._has_only_words else None
        if size is not None:
            return size + TOOLS_PREAMBLE + extra
        most = most_request_tokens(self._conversation, at_most, picture=picture)
        return None if most is None else most + extra

    @property
    def rough_prompt_tokens(self) -> int:
        """As `prompt_tokens`, but a request of nothing but words is not read for it."""
        size = self._source.most_bytes if self._has_only_words else None
        return self.prompt_tokens if size is None else size // _CHARACTERS_PER_TOKEN

    @cached_property
    def output_limit(self) -> int:
        """How many tokens the client lets the answer have at most; 0 when it set no limit."""
        return self._source.output_limit

    @cached_property
    def thinking_budget(self) -> int | None:
        """How many tokens the client lets the model think for; ``None`` when it sets no number."""
        return self._source.thinking_budget

    @cached_property
    def image_place(self) -> str | None:
        """
        Where the first picture stands, in a turn or in a tool's result; ``None`` when there is none.

        Counted among the messages of the same role: what else comes before differs from dialect to dialect.
        """
        if self._has_only_words:
            return None
        counts: Counter[Role] = Counter()
        for message in self._conversation.messages:
            counts[message.role] += 1
            if any(map(shows, message.parts)):
                return f"{message.role} message {counts[message.role]}"
        return None

    @cached_property
    def wants_thinking(self) -> bool:
        """Whether the client asks for thinking in so many words, not merely allows it."""
        asked = self._conversation.extensions.get(_ANTHROPIC, {}).get("thinking")
        return isinstance(asked, dict) and asked.get("type") == "enabled"

    @cached_property
    def _has_only_words(self) -> bool:
        return self._source.has_only_words

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
        in_turns = sum(readable_characters(message.parts) for message in said.messages)
        return in_turns + sum(map(definition_characters, said.tools))

    @cached_property
    def _prompt_characters(self) -> int:
        """Those that can be read, and those of the calls and the thinking that also fill a window."""
        made = sum(made_characters(message.parts) for message in self._conversation.messages)
        return self._readable_characters + made


_ANTHROPIC = "anthropic_messages"


def _is_results(message: Message) -> bool:
    return bool(message.parts) and all(isinstance(part, ToolResult) for part in message.parts)


def _fenced_share(text: str) -> float:
    if not text:
        return 0.0
    pieces = text.split(_FENCE)
    closed = (len(pieces) - 1) // 2
    inside = sum(map(len, pieces[1 : 2 * closed : 2]))
    return (inside + 2 * closed * len(_FENCE)) / len(text)
