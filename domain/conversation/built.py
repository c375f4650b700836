"""Content that was put together here, as the source of a request."""

from collections.abc import Iterator, Mapping
from copy import deepcopy

from domain.conversation.cost_fields import may_cost_more
from domain.conversation.parts import ToolResult
from domain.conversation.request import (
    Conversation,
    ForeignTool,
    Measure,
    Message,
    Role,
    budget_asked,
    newest_of,
)
from domain.values import value


@value
class Built:
    """A source for content that was put together here and has no bytes to go back to."""

    content: Conversation

    def conversation(self) -> Conversation:
        return self.content

    def newest(self, *roles: Role) -> Iterator[Message]:
        return newest_of(self.content, roles)

    def afresh(self) -> "Built":
        return Built(deepcopy(self.content))

    @property
    def most_bytes(self) -> int | None:
        return None

    @property
    def has_only_words(self) -> bool:
        return False

    @property
    def may_defer_tools(self) -> bool:
        return True

    @property
    def most_cache_marks(self) -> int:
        return sum(map(_cache_marks, self.content.messages)) + len(self.content.tools)

    def says(self, field: str) -> bool:
        name, _, inner = field.partition(".")
        found = [said[name] for said in self.content.extensions.values() if name in said]
        return any(not inner or (isinstance(value, Mapping) and inner in value) for value in found)

    @property
    def marks_cache(self) -> bool:
        return "'ephemeral'" in repr(self.content)

    @property
    def is_open_ended(self) -> bool:
        said = self.content.extensions.items()
        foreign = any(isinstance(tool, ForeignTool) for tool in self.content.tools)
        return foreign or any(
            may_cost_more(field, value, dialect)
            for dialect, fields in said
            for field, value in fields.items()
        )

    @property
    def may_cache_for_an_hour(self) -> bool:
        return "'1h'" in repr(self.content)

    @property
    def thinking_budget(self) -> int | None:
        return budget_asked(self.content.extensions.get("anthropic_messages", {}).get("thinking"))

    @property
    def output_limit(self) -> int:
        return self.content.sampling.max_output_tokens or 0

    @property
    def measure(self) -> Measure | None:
        return None


def _cache_marks(message: Message) -> int:
    """A result has places of its own beside those in it."""
    inner = (len(part.content) for part in message.parts if isinstance(part, ToolResult))
    return len(message.parts) + sum(inner)
