"""
A JSON object as the bytes it came in, for changing single members without touching the others.

A request that leaves in the dialect it came in keeps every byte but those that must change: prompt caches
and signatures depend on it, and copying costs less than encoding.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from adapters.dialects.fields import Fields, decoded, expected
from domain.conversation.cost_fields import HARMLESS_FIELDS, may_cost_more
from domain.conversation.request import MalformedRequest

_NULL, _BRACKET = b"n["
_EMPTY_LIST = re.compile(rb"\[\s*\]")
_KEY = re.compile(rb'\s*("(?:[^"\\]|\\.)*")\s*:\s*')
_COLON = re.compile(rb"\s*:\s*")
_SEPARATOR = re.compile(rb"\s*([,}])")
_RAW_NULL = msgspec.Raw(b"null")
_LEAST_BESIDE_A_KEY = len('"":0,')
_LOOKED_AT_BYTES = 2 * 1024
_FEW_DIGITS = 16
_CACHE_WORD = b'"cache_control"'
_AN_HOUR = b'"1h"'
_ESCAPED = b"\\u00"
"""A letter may be written like this, and no word that has one is found."""
_SEARCHED_BYTES = 16 * 1024
"""In a body beyond this, steps over a dozen members cost less than a search for two or three keys."""

_RUN_BY_CLIENTS = (
    "function",
    "custom",
    "namespace",
    "bash_",
    "text_editor_",
    "computer_",
    "memory_",
    "tool_search",
    "local_shell",
    "apply_patch",
)
"""What the types of tools begin with of which a vendor makes no more than calls, or that only find others."""


class _Function(msgspec.Struct, gc=False):
    """A function, of which nothing is read."""


class _ToolHead(msgspec.Struct, gc=False):
    """What is read of a tool: its type, or what else shows that it is a function of the client's."""

    type: str | None = None
    name: str | None = None
    function: _Function | None = None

    @property
    def is_run_by_client(self) -> bool:
        if self.type is None:
            return self.name is not None or self.function is not None
        return self.type.startswith(_RUN_BY_CLIENTS)


_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_tool_heads_decoder = msgspec.json.Decoder(list[_ToolHead] | None)


class _Member(NamedTuple):
    """Where a member lies, white space included: from ``start`` to its comma or brace at ``end``."""

    key: str
    start: int
    value: int
    value_end: int
    end: int


class JsonMembers:
    """
    The top level of one JSON object.

    Raises:
        MalformedRequest: on construction, when the bytes are not one JSON object.
    """

    def __init__(self, body: bytes) -> None:
        self.body = body
        try:
            self._values = _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedRequest("", f"the body is not a JSON object: {error}") from error

    def __repr__(self) -> str:
        return f"<JsonMembers {sorted(self._values)} {len(self.body)} bytes>"

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    @property
    def may_defer_tools(self) -> bool:
        """As `domain.conversation.request.Source` asks it."""
        return b"defer_loading" in self.body or b"tool_reference" in self.body

    @property
    def most_cache_marks(self) -> int:
        """As `domain.conversation.request.Source` asks it."""
        return self.body.count(_CACHE_WORD)

    @property
    def marks_cache(self) -> bool:
        """
        As `domain.conversation.request.Source` asks it.

        A quote inside a string is escaped, so prose about caching is no match.
        """
        return _CACHE_WORD in self.body

    def asks_for_more(self, dialect: str) -> bool:
        """
        Whether any of its fields may make a request of this dialect cost more than its tokens do.

        Raises:
            MalformedRequest: one is nested too deeply.
        """
        harmless = HARMLESS_FIELDS[dialect]
        if harmless.issuperset(self._values):
            return False
        others = self._values.keys() - harmless
        return any(may_cost_more(field, self.value(field), dialect) for field in others)

    @property
    def has_vendors_tools(self) -> bool:
        """Whether any of its tools may be one that the vendor runs."""
        tools = self._values.get("tools")
        return tools is not None and _has_vendors_tools(tools)

    @property
    def may_cache_for_an_hour(self) -> bool:
        """As `domain.conversation.request.Source` asks it."""
        return (_CACHE_WORD in self.body and _AN_HOUR in self.body) or _ESCAPED in self.body

    def raw(self, key: str) -> msgspec.Raw | None:
        """The value as it was written, or ``None``."""
        return self._values.get(key)

    def value(self, key: str) -> Any:
        """
        The value decoded; ``None`` when it is absent, or null.

        Raises:
            MalformedRequest: it is nested too deeply.
        """
        raw = self._values.get(key)
        return None if raw is None else decoded(raw, key)

    def fields(self, *keys: str) -> Fields:
        """These members, to be read by taking."""
        values = self._values
        return Fields({key: decoded(values[key], key) for key in keys if key in values}, "")

    def count(self, key: str) -> int | None:
        """
        A whole number; ``None`` when it is absent, or null.

        Raises:
            MalformedRequest: it is something else.
        """
        return self.fields(key).optional_count(key) if key in self._values else None

    def limit(self, key: str) -> int | None:
        """
        A number of tokens, as `Fields.optional_limit` reads it.

        Raises:
            MalformedRequest: it is something else.
        """
        raw = self._values.get(key)
        if raw is None:
            return None
        digits = bytes(raw)
        if len(digits) < _FEW_DIGITS and digits.isdigit():
            return int(digits)
        return self.fields(key).optional_limit(key)

    def hollowed(self, key: str) -> bytes:
        """The object with null for what this member of it says."""
        if len(self.body) < _LOOKED_AT_BYTES:
            return self.body  # to be read in less time than this takes
        return msgspec.json.encode({**self._values, key: _RAW_NULL})

    def refuse_repeated(self) -> None:
        """
        Of a key that stands twice only the last value is known here, and an upstream may heed the first.

        Raises:
            MalformedRequest: one does, with the key.
        """
        values = self._values
        said = sum(map(len, values)) + sum(map(len, values.values())) + len('"":,') * len(values) + len("}")
        if values and len(self.body) - said >= _LEAST_BESIDE_A_KEY + min(map(len, values)):
            self._walk()

    def says(self, key: str) -> bool:
        """Whether the member is there with a value other than null."""
        raw = self._values.get(key)
        return raw is not None and memoryview(raw)[0] != _NULL

    def tells(self, field: str) -> bool:
        """As `domain.conversation.request.Source` is asked whether it ``says`` that."""
        name, _, inner = field.partition(".")
        if not inner or name not in self._values:
            return name in self._values
        value = self.value(name)
        return isinstance(value, dict) and inner in value

    def lists_something(self, key: str) -> bool:
        """
        Whether the member is a list that is not empty; it is not decoded, as tools are the bulk of a body.

        Raises:
            MalformedRequest: it is neither a list nor null.
        """
        if not self.says(key):
            return False
        text = memoryview(self._values[key])
        if text[0] != _BRACKET:
            raise expected(key, "a list", self.value(key))
        return _EMPTY_LIST.match(text) is None

    def replaced(self, changes: Mapping[str, bytes | None]) -> bytes:
        """
        The object with these members' values replaced, removed (``None``) or, if absent, added at the end.

        No other byte changes, but for the comma beside a member that goes.

        Raises:
            MalformedRequest: a key to change stands twice, so that it is not clear which one counts.
        """
        quickly = self._replaced_quickly(changes) if len(self.body) <= _SEARCHED_BYTES else None
        return self._replaced_by_walking(changes) if quickly is None else quickly

    def _replaced_quickly(self, changes: Mapping[str, bytes | None]) -> bytes | None:
        """
        The usual case without a walk: nothing goes, and each key is written once in the whole body.

        Without a backslash in the body no key is spelt another way and no string holds a quote, so a quoted
        key that stands once is the member itself.
        """
        if b"\\" in self.body:
            return None
        edits: list[tuple[int, int, bytes]] = []
        added: list[bytes] = []
        for key, value in changes.items():
            if value is None:
                if key in self._values:
                    return None
                continue
            quoted = msgspec.json.encode(key)
            if key not in self._values:
                added.append(quoted + b":" + value)
                continue
            span = self._only_span(key, quoted)
            if span is None:
                return None
            edits.append((*span, value))
        return self._edited(sorted(edits), added)

    def _only_span(self, key: str, quoted: bytes) -> tuple[int, int] | None:
        """Where the value of a key lies that stands once; ``None`` when it is not that simple."""
        if self.body.count(quoted) != 1:
            return None
        colon = _COLON.match(self.body, self.body.index(quoted) + len(quoted))
        value = bytes(self._values[key])
        if colon is None or not self.body.startswith(value, colon.end()):
            return None
        return colon.end(), colon.end() + len(value)

    def _edited(self, edits: list[tuple[int, int, bytes]], added: list[bytes]) -> bytes:
        body = memoryview(self.body)
        pieces: list[bytes | memoryview] = []
        at = 0
        for start, end, value in edits:
            pieces += (body[at:start], value)
            at = end
        if not added:
            return b"".join([*pieces, body[at:]])
        closing = self.body.rindex(b"}")
        first = b"," if self._values else b""
        return b"".join([*pieces, body[at:closing], first, b",".join(added), body[closing:]])

    def _replaced_by_walking(self, changes: Mapping[str, bytes | None]) -> bytes:
        members = self._walk()
        body = memoryview(self.body)
        opening = self.body.index(b"{") + 1
        kept = [
            _changed(body, member, changes.get(member.key))
            for member in members
            if changes.get(member.key, b"") is not None
        ]
        present = {member.key for member in members}
        added = [
            (msgspec.json.encode(key), b":", value)
            for key, value in changes.items()
            if key not in present and value is not None
        ]
        closing = members[-1].end if members else opening
        pieces: list[bytes | memoryview] = [body[:opening]]
        for position, member_pieces in enumerate([*kept, *added]):
            pieces += (b",", *member_pieces) if position else member_pieces
        return b"".join([*pieces, body[closing:]])

    def _walk(self) -> list[_Member]:
        """Steps over the members in order; the decoder already knows how long each value is."""
        members: list[_Member] = []
        at = self.body.index(b"{") + 1
        while (key := _KEY.match(self.body, at)) is not None:
            name = msgspec.json.decode(key.group(1), type=str)
            value = bytes(self._values[name])
            end = key.end() + len(value)
            separator = _SEPARATOR.match(self.body, end)
            # Of a key that stands twice the decoder kept the last value, which may lie elsewhere.
            if separator is None or not self.body.startswith(value, key.end()):
                raise _repeated(name)
            members.append(_Member(name, at, key.end(), end, separator.start(1)))
            at = separator.end()
            if separator.group(1) == b"}":
                break
        if len(members) != len(self._values):
            ((name, _),) = Counter(member.key for member in members).most_common(1)
            raise _repeated(name)
        return members


def _repeated(key: str) -> MalformedRequest:
    return MalformedRequest(key, "stands more than once in the body")


def _has_vendors_tools(tools: msgspec.Raw) -> bool:
    try:
        heads = _tool_heads_decoder.decode(tools)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True
    return not all(head.is_run_by_client for head in heads or ())


def _changed(body: memoryview, member: _Member, value: bytes | None) -> tuple[bytes | memoryview, ...]:
    if value is None:
        return (body[member.start : member.end],)
    return (body[member.start : member.value], value, body[member.value_end : member.end])
