"""The tools that a request offers, as a reader of calls needs to know them."""

from collections.abc import Collection, Mapping

from domain.conversation.extensions import Json
from domain.conversation.request import Tool
from domain.values import value


@value
class Call:
    """A call found in text; ``arguments`` is the JSON text of an object."""

    name: str
    arguments: str


class Toolbox:
    """Knows the names that may be called, and what the schema of each says of its parameters."""

    def __init__(self, tools: Collection[Tool]) -> None:
        self._schemas: dict[str, Mapping[str, Json]] = {tool.name: tool.parameters or {} for tool in tools}

    def __repr__(self) -> str:
        return f"<Toolbox {sorted(self._schemas)}>"

    def __contains__(self, name: object) -> bool:
        return name in self._schemas

    def begins_a_name(self, beginning: str) -> bool:
        return any(name.startswith(beginning) for name in self._schemas)

    def properties(self, name: str) -> Mapping[str, Json]:
        """The schema of each parameter that the tool's own schema describes."""
        described = self._schemas[name].get("properties")
        return described if isinstance(described, Mapping) else {}

    def demands_arguments(self, name: str) -> bool:
        return bool(self._schemas[name].get("required"))
