"""Recognises a tool call in a JSON value, under the many names that models give its two halves."""

from collections.abc import Mapping

from domain.conversation.extensions import Json
from domain.repair.lenient_json import read_json, write_json
from domain.repair.toolbox import Call, Toolbox
from domain.values import value

_NAME_KEYS = ("name", "tool_name", "tool", "function", "function_name")
_ARGUMENT_KEYS = ("arguments", "parameters", "input", "args", "tool_input", "params")
_BESIDE_KEYS = frozenset({"id", "type", "call_id", "tool_call_id", "index"})
_ENVELOPE_KEYS = frozenset({"tool_calls", "tool_call", "function_call"})
_ANSWER_KEYS = frozenset({"role", "content", "tool_calls"})
_TYPES = ("function", "tool_use", "tool_call", "function_call", "tool")
_CALL_KEYS = frozenset({*_NAME_KEYS, *_ARGUMENT_KEYS, *_BESIDE_KEYS, *_ENVELOPE_KEYS, *_ANSWER_KEYS})


@value
class CallObjects:
    """
    Reads calls out of JSON.

    ``marked`` tells that the model put the JSON where only a call can be. Without a mark an object must be a
    call and nothing else: no keys besides, arguments that are there and look like the tool's own.
    """

    toolbox: Toolbox
    marked: bool

    def admits(self, key: str, value: str | None) -> bool:
        """Whether an object with this key, or with this string for it, may still be a call."""
        if value is not None and key in _NAME_KEYS:
            return bare_name(value, self.toolbox) in self.toolbox
        return self.marked or key in _CALL_KEYS

    def read(self, text: str) -> tuple[Call, ...]:
        """The calls that the text is, nothing else and nothing more; empty when it is something else."""
        try:
            return self.calls(read_json(text)) or self._from_doubled_braces(text)
        except ValueError:
            return self._from_doubled_braces(text)

    def calls(self, value: Json) -> tuple[Call, ...]:
        match value:
            case [*items]:
                return self._all(items)
            case _ if isinstance(value, Mapping):
                return self._of_mapping(value)
            case _:
                return ()

    def _of_mapping(self, fields: Mapping[str, Json]) -> tuple[Call, ...]:
        """A call, or a message of OpenAI's form with calls alone."""
        items = fields.get("tool_calls")
        if isinstance(items, list) and set(fields) <= _ANSWER_KEYS and not fields.get("content"):
            return self._all(items)
        call = self._call(_unwrapped(fields))
        return (call,) if call else ()

    def call(self, name: str, arguments: Json) -> Call | None:
        """The call with this name and these arguments, which may be JSON in a string once more."""
        name = bare_name(name, self.toolbox)
        if name not in self.toolbox:
            return None
        arguments = _decoded(arguments)
        if arguments is None and self.marked and not self.toolbox.demands_arguments(name):
            arguments = {}
        if not isinstance(arguments, Mapping) or self._is_definition(name, arguments):
            return None
        return Call(name, write_json(arguments))

    def _all(self, items: list[Json]) -> tuple[Call, ...]:
        found = tuple(call for item in items for call in self._single(item))
        return found if len(found) == len(items) else ()

    def _single(self, item: Json) -> tuple[Call, ...]:
        return self.calls(item) if isinstance(item, Mapping) else ()

    def _call(self, fields: Mapping[str, Json]) -> Call | None:
        name_key = next((key for key in _NAME_KEYS if isinstance(fields.get(key), str)), None)
        argument_key = next((key for key in _ARGUMENT_KEYS if key in fields), None)
        if name_key is None or (argument_key is None and not self.marked):
            return None
        if not self.marked and not _is_nothing_else(fields, name_key, argument_key):
            return None
        call = self.call(str(fields[name_key]), fields[argument_key] if argument_key else None)
        if call is None or self.marked or (name_key, argument_key) == ("name", "arguments"):
            return call
        return call if self._knows_arguments(call) else None

    def _knows_arguments(self, call: Call) -> bool:
        """Whether the arguments are some of the tool's own; ``name`` beside ``input`` may be anything."""
        known = self.toolbox.properties(call.name)
        arguments = read_json(call.arguments)
        assert isinstance(arguments, Mapping)  # noqa: S101 - written from a mapping just now
        return any(key in known for key in arguments) or not (arguments or known)

    def _is_definition(self, name: str, arguments: Mapping[str, Json]) -> bool:
        """Whether these are not arguments but their schema: a tool described, not called."""
        known = self.toolbox.properties(name)
        return isinstance(arguments.get("properties"), Mapping) and "properties" not in known

    def _from_doubled_braces(self, text: str) -> tuple[Call, ...]:
        """A template's ``{{ }}`` that the model took for part of the form."""
        if not (self.marked and text.startswith("{{") and text.endswith("}}")):
            return ()
        try:
            return self.calls(read_json(text[1:-1]))
        except ValueError:
            return ()


def bare_name(name: str, toolbox: Toolbox) -> str:
    """The name without the namespace that OpenAI's own models know tools under."""
    return name if name in toolbox else name.removeprefix("functions.")


def _unwrapped(value: Mapping[str, Json]) -> Mapping[str, Json]:
    """The fields of the call itself, with what stood around it beside them."""
    for key in ("function", "tool_call", "function_call"):
        inner = value.get(key)
        if isinstance(inner, Mapping):
            return {**{name: field for name, field in value.items() if name != key}, **inner}
    return value


def _is_nothing_else(fields: Mapping[str, Json], name_key: str, argument_key: str | None) -> bool:
    beside = set(fields) - {name_key, argument_key}
    return beside <= _BESIDE_KEYS and fields.get("type", "function") in _TYPES


def _decoded(arguments: Json) -> Json:
    if not isinstance(arguments, str):
        return arguments
    if not arguments.strip():
        return None
    try:
        return read_json(arguments)
    except ValueError:
        return arguments
