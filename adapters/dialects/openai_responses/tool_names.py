"""
Gives tools names that every upstream takes, and gives them back as the client knows them.

Here a tool may lie in a namespace, or take free text instead of JSON; elsewhere there is one flat list of
functions whose names are of ``[A-Za-z0-9_-]`` and no longer than 64.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from adapters.dialects.openai_responses.words import own
from domain.conversation.extensions import Json
from domain.conversation.request import ForeignTool, Tool
from domain.values import value

_LONGEST_NAME = 64
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_-]")
_SEPARATOR = "__"
_MARK_LENGTH = 8


class ToolForm(StrEnum):
    """What a tool takes: JSON arguments, free text, or a wish for more tools that the client looks up."""

    FUNCTION = "function"
    CUSTOM = "custom"
    SEARCH = "tool_search"


FORMS: Mapping[object, ToolForm] = {form.value: form for form in ToolForm}
"""A tool's ``type`` -> its form."""


@value
class ClientTool:
    """A tool as the client knows it."""

    name: str
    namespace: str | None = None
    form: ToolForm = ToolForm.FUNCTION


class FlatNames:
    """Names being given: the same tool always has the same name, no two tools share one."""

    def __init__(self, tools: Iterable[ClientTool]) -> None:
        """
        Args:
            tools: all that the request offers; those whose names can stay are served first.
        """
        self._names: dict[tuple[str | None, str], str] = {}
        self._taken: set[str] = set()
        for tool in sorted(tools, key=lambda one: one.namespace is not None or one.name != _legal(one.name)):
            self._give(tool.namespace, tool.name)

    def __repr__(self) -> str:
        return f"<FlatNames {sorted(self._taken)}>"

    def name(self, namespace: str | None, name: str) -> str:
        """The flat name, also of a tool that is offered no longer but was called before."""
        known = self._names.get((namespace, name))
        if known is None and namespace is None and name in self._taken:
            return name  # a client that sends the flat name back
        return known or self._give(namespace, name)

    def _give(self, namespace: str | None, name: str) -> str:
        key = (namespace, name)
        if key not in self._names:
            plain = flat_name(namespace, name)
            unique = plain if plain not in self._taken else _marked(plain, repr(key))
            self._names[key] = unique
            self._taken.add(unique)
        return self._names[key]


def flat_name(namespace: str | None, name: str) -> str:
    """The name without regard to others; one that is too long keeps its ends apart by a digest."""
    return _legal(name if namespace is None else f"{namespace}{_SEPARATOR}{name}")


def search_arguments(arguments: str) -> dict[str, Json]:
    """A search's arguments as an object, as this dialect tells them; what is none is the query itself."""
    try:
        told = msgspec.json.decode(arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        return {"query": arguments}
    return told if isinstance(told, dict) else {"query": str(told)}


def client_tools(tools: Iterable[Tool | ForeignTool]) -> Mapping[str, ClientTool]:
    """Flat name -> the tool as the client knows it, of those where that differs."""
    return {
        tool.name: known
        for tool in tools
        if isinstance(tool, Tool) and (known := _client_tool(tool)) != ClientTool(tool.name)
    }


def _client_tool(tool: Tool) -> ClientTool:
    said = own(tool.extensions)
    name, namespace = said.get("name"), said.get("namespace")
    return ClientTool(
        name if isinstance(name, str) else tool.name,
        namespace if isinstance(namespace, str) else None,
        FORMS.get(said.get("type"), ToolForm.FUNCTION),
    )


def _legal(name: str) -> str:
    plain = _FORBIDDEN.sub("_", name)
    return plain if len(plain) <= _LONGEST_NAME else _marked(plain, name)


def _marked(plain: str, whole: str) -> str:
    digest = hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:_MARK_LENGTH]
    return f"{plain[: _LONGEST_NAME - _MARK_LENGTH - 1]}_{digest}"
