"""
Makes a JSON Schema one that Anthropic can bind an answer to.

The rules are those of platform.claude.com/docs/en/build-with-claude/structured-outputs: objects are closed,
alternatives are ``anyOf``, and bounds on lengths and numbers are not enforced. What cannot be enforced is
said in the description, as Anthropic's own SDK does, so that the model may still keep to it.
"""

from collections.abc import Callable, Mapping
from typing import Any

_ENFORCED = frozenset(
    {
        "$defs",
        "$ref",
        "allOf",
        "anyOf",
        "const",
        "default",
        "definitions",
        "description",
        "enum",
        "items",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
    }
)
_FORMATS = frozenset(
    {"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"}
)
_SILENT = frozenset({"$schema", "$id", "$comment", "additionalProperties", "examples"})
"""What says nothing that a model could keep to; objects are closed anyway."""


def bindable(schema: Any) -> Any:
    """The schema in words that Anthropic takes; anything but an object stays as it is."""
    if not isinstance(schema, Mapping):
        return schema
    told: dict[str, Any] = {}
    asides: dict[str, Any] = {}
    for key, value in _modern(schema).items():
        if _is_enforced(key, value):
            told[key] = _inner(key, value)
        elif key not in _SILENT:
            asides[key] = value
    if asides:
        told["description"] = _described(told.get("description"), asides)
    return told | _closing(told)


def _modern(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """``oneOf`` without its exclusiveness, which nobody enforces."""
    if "oneOf" not in schema or "anyOf" in schema:
        return schema
    return {"anyOf" if key == "oneOf" else key: value for key, value in schema.items()}


def _is_enforced(key: str, value: Any) -> bool:
    match key:
        case "format":
            return value in _FORMATS
        case "minItems":
            return value in (0, 1)
        case _:
            return key in _ENFORCED


def _inner(key: str, value: Any) -> Any:
    return _INNER[key](value) if key in _INNER else value


def _each(value: Any) -> Any:
    return [bindable(each) for each in value] if isinstance(value, list) else bindable(value)


def _named(value: Any) -> Any:
    return {name: bindable(each) for name, each in value.items()} if isinstance(value, Mapping) else value


_INNER: Mapping[str, Callable[[Any], Any]] = {
    "$defs": _named,
    "allOf": _each,
    "anyOf": _each,
    "definitions": _named,
    "items": _each,
    "properties": _named,
}
"""Where further schemas stand."""


def _closing(told: Mapping[str, Any]) -> dict[str, Any]:
    if told.get("type") != "object" and "properties" not in told:
        return {}
    return {"properties": told.get("properties", {}), "additionalProperties": False}


def _described(description: Any, asides: Mapping[str, Any]) -> str:
    noted = "{" + ", ".join(f"{key}: {value}" for key, value in asides.items()) + "}"
    return f"{description}\n\n{noted}" if description else noted
