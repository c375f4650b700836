"""Writes the reference of the configuration from the schema: a page for people, a JSON Schema for editors."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Le, MinLen
from pydantic import JsonValue
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from config.discoverable import CLOUDS, PROBES
from config.outline import sections
from config.prose import KEYS_TITLE, KINDS_TITLE, MODELS_TITLE, OPENING, VARIABLES, ZERO_TITLE
from config.schema.kinds import KINDS
from config.schema.model_capabilities import ModelCapabilities
from config.schema.root import Config
from config.schema.section import Section

PAGE = Path("docs/configuration.md")
SCHEMA = Path("docs/configuration.schema.json")


def write(root: Path) -> None:
    """Writes both files below the root of the repository."""
    (root / PAGE).write_text(page(), encoding="utf-8")
    (root / SCHEMA).write_text(json_schema(), encoding="utf-8")


def json_schema() -> str:
    """The JSON Schema of `providers.yaml`; editors that know YAML complete and check with it."""
    schema = Config.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "CodeRouter configuration (providers.yaml)"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def page() -> str:
    """The reference as Markdown."""
    parts = [OPENING, KINDS_TITLE, *_kinds(), VARIABLES, ZERO_TITLE, *_zero(), KEYS_TITLE]
    for pattern, section in sections().items():
        parts += _section(pattern, section)
    parts.append(MODELS_TITLE)
    for pattern, section in sections(ModelCapabilities).items():
        parts += _section(pattern, section)
    return "\n".join(parts).rstrip("\n") + "\n"


def _kinds() -> Iterator[str]:
    yield from ("| kind | what it is | `base_url` | `model` |", "|---|---|---|---|")
    for name, kind in KINDS.items():
        needs = ("required" if need else "–" for need in (kind.needs_base_url, kind.needs_model))
        yield f"| `{name}` | {kind.meaning} | {' | '.join(needs)} |"


def _zero() -> Iterator[str]:
    yield from ("| looked for | where |", "|---|---|")
    for probe in PROBES:
        yield f"| {probe.title} | `{probe.url}` |"
    yield from ("", "| variable | provider | model | |", "|---|---|---|---|")
    for cloud in CLOUDS:
        names = " or ".join(f"`{name}`" for name in cloud.key_names)
        price = "paid" if cloud.paid else "free plan"
        yield f"| {names} | {cloud.title} | `{cloud.model}` | {price} |"


def _section(pattern: str, section: type[Section]) -> Iterator[str]:
    yield from ("", f"### {f'`{pattern}`' if pattern else 'Top level'}", "", _first_line(section), "")
    yield from ("| key | type | default | meaning |", "|---|---|---|---|")
    for name, field in _in_reading_order(section):
        yield f"| `{name}` | {_type(field)} | {_default(field)} | {_cell(field.description or '')} |"


def _first_line(section: type[Section]) -> str:
    lines = [line.strip() for line in (section.__doc__ or "").strip().splitlines()]
    return " ".join(line for line in lines if line)


def _in_reading_order(section: type[Section]) -> list[tuple[str, FieldInfo]]:
    """A section's own keys before those that it shares with another."""
    own = section.__annotations__
    return sorted(section.model_fields.items(), key=lambda item: item[0] not in own)


def _type(field: FieldInfo) -> str:
    return _cell(_words(field.annotation) + _range(field))


def _words(annotation: object) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is JsonValue:
        return "any value"
    if isinstance(annotation, type) and annotation in _TYPE_WORDS:
        return _TYPE_WORDS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return "section"
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin is tuple:
        return f"list of {_plural(_words(arguments[0]))}"
    if origin is dict:
        return f"map of {_plural(_words(arguments[1]))}"
    return " or ".join(dict.fromkeys(_words(each) for each in _members(annotation)))


_TYPE_WORDS: dict[type, str] = {str: "text", bool: "boolean", int: "whole number", float: "number"}


def _members(annotation: object) -> list[object]:
    """What a union or an annotated type is made of, without what only annotates it."""
    arguments = get_args(annotation)
    if not arguments:
        return []
    if hasattr(annotation, "__metadata__"):
        return [arguments[0]]
    return [argument for argument in arguments if argument is not NoneType]


def _plural(words: str) -> str:
    return words if words in ("text", "") or words.endswith("s") else f"{words}s"


def _range(field: FieldInfo) -> str:
    bounds = list(_bounds(field.annotation, field.metadata))
    low = next((bound.ge for bound in bounds if isinstance(bound, Ge)), None)
    high = next((bound.le for bound in bounds if isinstance(bound, Le)), None)
    if any(isinstance(bound, MinLen) for bound in bounds):
        return ", not empty"
    if low is None:
        return ""
    return f", ≥ {low:g}" if high is None else f", {low:g}–{high:g}"  # type: ignore[str-format,unused-ignore]


def _bounds(annotation: object, metadata: list[object]) -> Iterator[object]:
    for item in metadata:
        yield from item.metadata if isinstance(item, FieldInfo) else (item,)
    for member in _members(annotation) if get_origin(annotation) not in (tuple, dict) else ():
        yield from _bounds(member, list(getattr(member, "__metadata__", ())))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is None or default is PydanticUndefined or isinstance(default, Section):
        return "–"
    if isinstance(default, tuple | dict):
        return "empty"
    if isinstance(default, float):
        return f"`{default:g}`"
    return f"`{default}`" if isinstance(default, str) else f"`{json.dumps(default)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path())
