"""Gives arguments that came as bare text the types that the tool's own schema asks for."""

from collections.abc import Iterable, Mapping

from domain.conversation.extensions import Json
from domain.repair.lenient_json import read_json, write_json
from domain.repair.toolbox import Call, Toolbox

_WORDS: dict[str, Json] = {"true": True, "false": False, "null": None, "none": None}


def call_with_texts(name: str, texts: Iterable[tuple[str, str]], toolbox: Toolbox) -> Call | None:
    """The call whose arguments were written as name and text; `None` when they cannot be written as JSON."""
    known = toolbox.properties(name)
    arguments = {key: typed(text, known.get(key)) for key, text in texts}
    try:
        return Call(name, write_json(arguments))
    except ValueError:
        return None


def typed(text: str, schema: Json) -> Json:
    """
    The text as the first of the schema's types that it can be; text where the schema allows no other.

    One line end at either side belongs to the form, as Qwen3-Coder writes values between lines of tags.
    """
    text = text.removeprefix("\r").removeprefix("\n").removesuffix("\n").removesuffix("\r")
    types = _types(schema)
    if "null" in types and text.strip() in ("null", "None"):
        return None
    if "string" in types:
        return text
    return _parsed(text, types or frozenset({"object", "array"}))


def _types(schema: Json) -> frozenset[str]:
    """Every JSON type that the schema names, also among its alternatives."""
    if not isinstance(schema, Mapping):
        return frozenset()
    found: set[str] = set()
    match schema.get("type"):
        case str(name):
            found.add(name)
        case [*names]:
            found.update(name for name in names if isinstance(name, str))
        case _:
            pass
    for key in ("anyOf", "oneOf"):
        alternatives = schema.get(key)
        if isinstance(alternatives, list):
            found.update(*map(_types, alternatives))
    options = schema.get("enum")
    if not found and isinstance(options, list) and any(isinstance(option, str) for option in options):
        found.add("string")
    return frozenset(found)


def _parsed(text: str, types: frozenset[str]) -> Json:
    bare = text.strip()
    if bare.lower() in _WORDS:
        value = _WORDS[bare.lower()]
    else:
        try:
            value = read_json(bare)
        except ValueError:
            return text
    return value if _type_names(value) & types else text


def _type_names(value: Json) -> frozenset[str]:
    match value:
        case None:
            return frozenset({"null"})
        case bool():
            return frozenset({"boolean"})
        case int():
            return frozenset({"integer", "number"})
        case float():
            return frozenset({"number", "integer"} if value.is_integer() else {"number"})
        case str():
            return frozenset({"string"})
        case _:
            return frozenset({"object"} if isinstance(value, Mapping) else {"array"})
