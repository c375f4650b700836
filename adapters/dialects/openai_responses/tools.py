"""Reads what tools a request offers, and which of them the model may use."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from adapters.dialects.fields import Fields, expected
from adapters.dialects.openai_responses.free_text import PARAMETER, parameters
from adapters.dialects.openai_responses.tool_names import FORMS, ClientTool, FlatNames, ToolForm
from adapters.dialects.openai_responses.words import NAME, kept
from domain.conversation.extensions import Json
from domain.conversation.request import ForeignTool, MalformedRequest, Tool, ToolChoice, ToolUse
from domain.values import value

_TEXT_NOTE = f"Give the text as the string parameter `{PARAMETER}`."


@value
class _Offered:
    """A tool of the client's own, and where it stands."""

    fields: Fields
    tool: ClientTool
    description: str | None
    preface: str | None = None


class ToolsReading:
    """
    The tools of one request.

    Args:
        tools: those that it offers.
        found: places in its input, and the tools that were found or added there.

    Attributes:
        names: how they are called upstream.

    Raises:
        MalformedRequest: on construction, for a tool that is not what its type says.
    """

    def __init__(self, tools: list[Any], found: Iterable[tuple[str, list[Any]]] = ()) -> None:
        self._offered = list(_offered(tools, "tools"))
        known = {one.tool for one in self._offered if isinstance(one, _Offered)}
        for path, more in found:
            for one in _offered(more, path):
                if isinstance(one, _Offered) and one.tool not in known:
                    known.add(one.tool)
                    self._offered.append(one)
        self.names = FlatNames(one.tool for one in self._offered if isinstance(one, _Offered))

    def __repr__(self) -> str:
        return f"<ToolsReading {len(self._offered)} tools>"

    def tools(self, allowed: "Allowed | None" = None) -> tuple[Tool | ForeignTool, ...]:
        """
        The tools in order; what runs on the vendor's own servers is a `ForeignTool`.

        Args:
            allowed: if given, all that may be used.
        """
        read = [
            one if isinstance(one, ForeignTool) else _tool(one, self.names)
            for one in self._offered
            if allowed is None or allowed.admits(one)
        ]
        return tuple(read)


@dataclass(frozen=True, slots=True)
class Allowed:
    """The tools to which ``allowed_tools`` narrows a request."""

    names: frozenset[tuple[str | None, str]]

    def admits(self, offered: "_Offered | ForeignTool") -> bool:
        """A namespace that is named admits all its tools."""
        if isinstance(offered, ForeignTool):
            return False
        tool = offered.tool
        return bool(self.names & {(tool.namespace, tool.name), (None, tool.name), (tool.namespace, "")})


def read_tool_choice(
    choice: Any, names: FlatNames, *, parallel: bool | None
) -> tuple[ToolChoice | None, Allowed | None]:
    """
    How tools are to be used, and to which of them the choice is narrowed.

    A choice of a tool that runs on the vendor's servers is no choice elsewhere: the model may do as it likes.

    Raises:
        MalformedRequest: not a choice.
    """
    verbatim = kept({"verbatim": choice}) if isinstance(choice, dict) else kept({})
    match choice:
        case None:
            return (None if parallel is None else ToolChoice(parallel=parallel)), None
        case "auto" | "required" | "none":
            return ToolChoice(use=ToolUse(choice), parallel=parallel), None
        case {"type": "function" | "custom", "name": str(name)}:
            namespace = choice.get("namespace")
            flat = names.name(namespace if isinstance(namespace, str) else None, name)
            return ToolChoice(use=ToolUse.NAMED, name=flat, parallel=parallel, extensions=verbatim), None
        case {"type": "allowed_tools", "tools": [*tools]}:
            use = ToolUse.REQUIRED if choice.get("mode") == "required" else ToolUse.AUTO
            return ToolChoice(use=use, parallel=parallel, extensions=verbatim), _allowed(tools)
        case {"type": str()}:
            return ToolChoice(parallel=parallel, extensions=verbatim), None
        case str(word):
            raise MalformedRequest("tool_choice", f"expected auto, required or none, found {word!r}")
        case _:
            raise expected("tool_choice", "a word or an object with a type", choice)


def found_words(tools: list[Any], path: str, names: FlatNames) -> str:
    """What a model is told of tools that a search has found; what they do stands where tools are listed."""
    found = [one.tool for one in _offered(tools, path) if isinstance(one, _Offered)]
    if not found:
        return "No tools were found."
    listed = ", ".join(names.name(tool.namespace, tool.name) for tool in found)
    return f"These tools were found and can be called now: {listed}"


def _offered(tools: Iterable[Any], path: str) -> Iterator[_Offered | ForeignTool]:
    for index, tool in enumerate(tools):
        fields = Fields(tool, f"{path}[{index}]")
        if fields.peek("type") == "namespace":
            yield from _in_namespace(fields)
        else:
            yield _one(fields, tool)


def _in_namespace(fields: Fields) -> Iterator[_Offered | ForeignTool]:
    """What is said of the namespace as a whole goes before the description of its first tool."""
    namespace, preface = fields.text("name"), fields.optional_text("description")
    path = fields.path("tools")
    for index, tool in enumerate(fields.items("tools")):
        inner = Fields(tool, f"{path}[{index}]")
        yield _one(inner, tool, namespace, preface if index == 0 else None)


def _one(
    fields: Fields, value: Any, namespace: str | None = None, preface: str | None = None
) -> _Offered | ForeignTool:
    form = FORMS.get(fields.text("type"))
    if form is None or (form is ToolForm.SEARCH and fields.peek("execution") != "client"):
        return ForeignTool(dialect=NAME, payload=msgspec.json.encode(value))
    name = form.value if form is ToolForm.SEARCH else fields.text("name")
    tool = ClientTool(name, namespace, form)
    return _Offered(fields, tool, fields.optional_text("description"), preface)


def _tool(offered: _Offered, names: FlatNames) -> Tool:
    """What the client calls it, and all that no other dialect knows, stays in its extensions."""
    client, fields = offered.tool, offered.fields
    flat = names.name(client.namespace, client.name)
    said = _identity(client, flat)
    if offered.preface is not None:
        said["namespace_description"] = offered.preface
    if client.form is ToolForm.CUSTOM:
        schema: Mapping[str, Json] | None = parameters()
        note = "\n\n".join(filter(None, (_TEXT_NOTE, _format_note(fields.peek("format")))))
    else:
        schema, note = fields.optional_object("parameters"), ""
    words = [text for text in (offered.preface, offered.description, note) if text]
    description = "\n\n".join(words) if words else offered.description
    if description != offered.description:
        said["description"] = offered.description
    return Tool(
        name=flat,
        description=description,
        parameters=schema,
        strict=fields.peek("strict") is True,
        extensions=kept({**fields.rest(), **said}),
    )


def _identity(client: ClientTool, flat: str) -> dict[str, Json]:
    said: dict[str, Json] = {}
    if client.form is not ToolForm.FUNCTION:
        said["type"] = client.form.value
    if client.namespace is not None:
        said["namespace"] = client.namespace
    if client.name != flat:
        said["name"] = client.name
    return said


def _format_note(format: Any) -> str | None:
    """A grammar binds the text; where it cannot be enforced, the model can at least read it."""
    match format:
        case {"type": "grammar", "syntax": str(syntax), "definition": str(definition)}:
            return f"The input must follow this {syntax} grammar:\n{definition}"
        case _:
            return None


def _allowed(tools: list[Any]) -> Allowed:
    names: set[tuple[str | None, str]] = set()
    for tool in tools:
        match tool:
            case {"type": "namespace", "name": str(namespace)}:
                names.add((namespace, ""))
            case {"name": str(name)}:
                namespace = tool.get("namespace")
                names.add((namespace if isinstance(namespace, str) else None, name))
            case _:
                pass
    return Allowed(frozenset(names))
