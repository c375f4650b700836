"""The calls that models write as plain JSON: the whole answer, before a lone closing tag, or in a fence."""

import re
from typing import TypeAlias

from domain.repair.call_objects import CallObjects
from domain.repair.json_text import json_text
from domain.repair.reading import Cursor, Reading, accept, rest_of_line, run_of, skip_space
from domain.repair.tagged_calls import Found
from domain.repair.toolbox import Call, Toolbox
from domain.values import value

_BETWEEN_OBJECTS = re.compile(r"[\s,;]*")
_JSON_LABELS = frozenset(
    {"", "json", "tool_call", "tool_calls", "tool", "tools", "function_call", "function", "tool_use"}
)
_MARKS = {"`": re.compile("`*"), "~": re.compile("~*")}
_BLANKS = re.compile(r"[ \t\r]*")
_LONGEST_LABEL = 200
_SHORTEST_FENCE = 3


@value
class InlineCode:
    """A run of backticks that begins or ends code within a line."""

    marks: str


@value
class CodeBlock:
    """
    A fence with something else in it.

    Attributes:
        marks: what has to end it, at least.
        opening: the offset behind its first line.
        shown: it holds the picture of a call.
    """

    marks: str
    opening: int
    shown: bool = False


@value
class FencedCalls:
    """A fence with nothing but calls in it, read to its end."""

    calls: tuple[Call, ...]
    block: CodeBlock


Fence: TypeAlias = InlineCode | CodeBlock | FencedCalls


def object_calls(cursor: Cursor, toolbox: Toolbox) -> Reading[Found]:
    """The calls in the JSON text that begins here."""
    objects = CallObjects(toolbox, marked=False)
    text = (yield from json_text(cursor, objects.admits)) if (yield from _opens_json(cursor)) else None
    return (objects.read(text) or None) if text is not None else None


def all_object_calls(cursor: Cursor, toolbox: Toolbox) -> Reading[Found]:
    """The calls in one JSON text after the other, as long as there are any and each is one."""
    calls: tuple[Call, ...] = ()
    while cursor.stands_at("{["):
        found = yield from object_calls(cursor, toolbox)
        if found is None:
            return None
        calls += found
        yield from run_of(cursor, _BETWEEN_OBJECTS)
    return calls or None


def fence(cursor: Cursor, toolbox: Toolbox, *, may_call: bool) -> Reading[Fence]:
    """
    What the backticks or tildes at the margin begin.

    A fence is calls when its label allows JSON and its body is calls from the first to the last character.
    """
    marks = yield from run_of(cursor, _MARKS[cursor.text[cursor.position]])
    label = yield from rest_of_line(cursor, _LONGEST_LABEL)
    if len(marks) < _SHORTEST_FENCE or (marks[0] == "`" and "`" in label):
        return InlineCode(marks)
    cursor.position = min(cursor.position + len(label) + 1, len(cursor.text))
    block = CodeBlock(marks, cursor.offset)
    if not may_call or label.strip().lower() not in _JSON_LABELS:
        return block
    yield from skip_space(cursor)
    calls = yield from all_object_calls(cursor, toolbox)
    if calls is None or not (yield from _closes(cursor, marks)):
        return block
    return FencedCalls(calls, block)


def _opens_json(cursor: Cursor) -> Reading[bool]:
    """Whether an object with a quoted key begins here, maybe in an array; most braces in prose do not."""
    begun = cursor.offset
    if (yield from accept(cursor, ("[",))):
        yield from skip_space(cursor)
    opened = yield from accept(cursor, ("{",))
    if opened:
        yield from skip_space(cursor)
    quoted = opened and (yield from accept(cursor, ('"', "'")))
    cursor.go_to(begun)
    return bool(quoted)


def _closes(cursor: Cursor, marks: str) -> Reading[bool]:
    end = yield from run_of(cursor, _MARKS[marks[0]])
    yield from run_of(cursor, _BLANKS)
    return len(end) >= len(marks) and (cursor.exhausted or cursor.stands_at("\n"))
