"""Reads a row of calls where they stand in an answer, and asks the prose behind whether it means them."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from domain.repair.illustration import comments_on_picture, continues_sentence
from domain.repair.reading import Cursor, Reading, accept, rest_of_line, run_of, skip_space
from domain.repair.tagged_calls import TAG_OPENERS, Found, nameless_calls, tagged_calls
from domain.repair.token_calls import TOKEN_OPENERS, token_calls
from domain.repair.toolbox import Call, Toolbox
from domain.repair.untagged_calls import (
    CodeBlock,
    FencedCalls,
    InlineCode,
    all_object_calls,
    fence,
    object_calls,
)
from domain.values import value

_LOOKAHEAD = 160
"""Characters of the line behind a call that are waited for."""

_OPENERS = (*TAG_OPENERS, *TOKEN_OPENERS)
_CALL_ENDS = ("</tool_call>", "</tool_calls>", "</function_call>", "</function_calls>", "</tools>")
_LEFT_OVERS = (
    *_CALL_ENDS,
    *("</function>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|endoftext|>", "</s>"),
)
"""What stays behind a call whose opening tag was forgotten, and how servers leak the end of a turn."""

_LONGEST_ROW = 64 * 1024
"""Characters after which a row of calls is told, and what follows it is a row of its own."""

_BLANKS = re.compile(r"[ \t]*")
_MARKUP = ("<", "[", "{", "`", "~")


@value
class Prose:
    """No call; ``shown`` tells that it was the picture of one."""

    shown: bool = False


Spoken: TypeAlias = Prose | tuple[Call, ...]

Asks: TypeAlias = Callable[[], bool]
"""Asks whether the words that lead up to a call speak of how calls are written."""


def whole_answer(cursor: Cursor, toolbox: Toolbox, is_picture: Asks) -> Reading[Spoken]:
    """Calls as JSON, or in GLM's form without its first tag, that are all there is or have a closing tag."""
    named = cursor.text[cursor.position] not in "{["
    found = yield from (nameless_calls if named else all_object_calls)(cursor, toolbox)
    if found is None:
        return Prose()
    end = yield from _skip_left_overs(cursor)
    yield from skip_space(cursor)
    if cursor.exhausted and cursor.ended:
        return found
    if not named and not cursor.since(end - 1).startswith(">"):
        return Prose()
    return (yield from _row(cursor, toolbox, is_picture, found, end))


def calls_among_prose(cursor: Cursor, toolbox: Toolbox, is_picture: Asks) -> Reading[Spoken]:
    """Calls that begin here and do not need to be all there is."""
    return (yield from _row(cursor, toolbox, is_picture, (), cursor.offset))


def fenced_calls(
    cursor: Cursor, toolbox: Toolbox, is_picture: Asks, *, may_call: bool
) -> Reading[Spoken | CodeBlock | InlineCode]:
    """What the marks at the margin begin."""
    found = yield from fence(cursor, toolbox, may_call=may_call)
    match found:
        case InlineCode(marks) if marks[0] == "~":
            return Prose()
        case FencedCalls(calls, block):
            meant = yield from _meant(cursor, calls, is_picture)
            return replace(block, shown=True) if isinstance(meant, Prose) else meant
        case _:
            return found


def _row(
    cursor: Cursor, toolbox: Toolbox, is_picture: Asks, calls: tuple[Call, ...], end: int
) -> Reading[Spoken]:
    """As many calls as follow each other, after ``calls`` that ended at the offset ``end``."""
    while cursor.offset < _LONGEST_ROW and (found := (yield from _one(cursor, toolbox))) is not None:
        calls += found
        end = yield from _skip_left_overs(cursor)
        yield from skip_space(cursor)
    if not calls:
        return Prose()
    cursor.go_to(end)
    return (yield from _meant(cursor, calls, is_picture))


def _one(cursor: Cursor, toolbox: Toolbox) -> Reading[Found]:
    opener = yield from accept(cursor, _OPENERS)
    if opener in TAG_OPENERS:
        return (yield from tagged_calls(cursor, opener, toolbox))
    if opener:
        return (yield from token_calls(cursor, opener, toolbox))
    if not cursor.stands_at("{"):
        return None
    found = yield from object_calls(cursor, toolbox)
    if found is None:
        return None
    yield from skip_space(cursor)
    return found if (yield from accept(cursor, _CALL_ENDS)) else None


def _skip_left_overs(cursor: Cursor) -> Reading[int]:
    """The offset behind the last of them, or here."""
    end = cursor.offset
    yield from skip_space(cursor)
    while (yield from accept(cursor, _LEFT_OVERS)):
        end = cursor.offset
        yield from skip_space(cursor)
    cursor.go_to(end)
    return end


def _meant(cursor: Cursor, calls: tuple[Call, ...], is_picture: Asks) -> Reading[Spoken]:
    """The calls, unless the words around them treat them as something shown. Those behind are not read."""
    if is_picture():
        return Prose(shown=True)
    end = cursor.offset
    yield from run_of(cursor, _BLANKS)
    same_line = not cursor.exhausted and cursor.text[cursor.position] not in "\r\n"
    yield from skip_space(cursor)
    line = yield from rest_of_line(cursor, _LOOKAHEAD)
    cursor.go_to(end)
    if same_line and continues_sentence(line):
        return Prose(shown=True)
    if not line.startswith(_MARKUP) and comments_on_picture(line):
        return Prose(shown=True)
    return calls
