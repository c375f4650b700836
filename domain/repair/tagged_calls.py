"""
The calls that models write between tags.

Hermes and Qwen: ``<tool_call>{"name": …, "arguments": …}</tool_call>``; Qwen3-Coder: ``<function=NAME>
<parameter=KEY>…</parameter></function>`` within it; GLM: ``<tool_call>NAME <arg_key>…</arg_key>
<arg_value>…</arg_value></tool_call>``; Llama 3.1: ``<function=NAME>{…}</function>``; Claude's older form and
MiniMax: ``<invoke name="NAME"><parameter name="KEY">…</parameter></invoke>``; and what small models make of
these.
"""

import re

from domain.repair.call_objects import CallObjects
from domain.repair.json_text import anything, json_text
from domain.repair.reading import Cursor, Reading, accept, run_of, skip_space, up_to, waits
from domain.repair.toolbox import Call, Toolbox
from domain.repair.typed_arguments import call_with_texts

Found = tuple[Call, ...] | None
"""The calls of one piece of markup, none for an empty pair of tags; `None` when it is no markup of a call."""

WRAPPERS = {
    "<tool_call>": "</tool_call>",
    "<tool_calls>": "</tool_calls>",
    "<function_call>": "</function_call>",
    "<function_calls>": "</function_calls>",
    "<minimax:tool_call>": "</minimax:tool_call>",
    "<tool_use>": "</tool_use>",
    "<tools>": "</tools>",
    "<TOOLCALL>": "</TOOLCALL>",
    "<|tool_call|>": "<|/tool_call|>",
    "<|START_ACTION|>": "<|END_ACTION|>",
}
"""Tags around one call or several. Qwen2.5-Coder borrows ``tools`` from its prompt."""

_ELEMENTS = {
    "<function=": "</function>",
    "<invoke name=": "</invoke>",
    "<function name=": "</function>",
    "<tool_call name=": "</tool_call>",
    "<tool name=": "</tool>",
}
"""Tags that carry the name of the tool."""

_PARAMETERS = ("<parameter=", "<parameter name=")
_NESTED_ARGUMENTS = ("<arguments>", "<parameters>", "<input>", "<args>")
_NAME = re.compile(r"[\w.:/-]*")
_SPACE_WITHIN = re.compile(r"[ \t]*")
_LONGEST_NAME = 256

TAG_OPENERS = (*WRAPPERS, *_ELEMENTS)


def tagged_calls(cursor: Cursor, opener: str, toolbox: Toolbox) -> Reading[Found]:
    """The calls in the markup that ``opener``, just read, begins."""
    if opener in WRAPPERS:
        return (yield from _wrapped(cursor, WRAPPERS[opener], toolbox, outermost=True))
    return (yield from _element(cursor, opener, toolbox))


def nameless_calls(cursor: Cursor, toolbox: Toolbox) -> Reading[Found]:
    """A call in GLM's form whose opening tag is missing: it begins with the name."""
    call = yield from _keyed(cursor, toolbox, demands_arguments=True)
    if call is None or not (yield from accept(cursor, ("</tool_call>",))):
        return None
    return (call,)


def _wrapped(cursor: Cursor, closer: str, toolbox: Toolbox, *, outermost: bool) -> Reading[Found]:
    """Calls of any form up to the closing tag."""
    openers = (*_ELEMENTS, *(WRAPPERS if outermost else ()), "<name>", closer)
    calls: list[Call] = []
    while True:
        yield from skip_space(cursor)
        if not (yield from waits(cursor)):
            return None
        opener = yield from accept(cursor, openers)
        if opener == closer:
            return tuple(calls)
        if opener in WRAPPERS:
            found = yield from _wrapped(cursor, WRAPPERS[opener], toolbox, outermost=False)
        elif opener == "<name>":
            found = _single((yield from _nested(cursor, toolbox)))
        elif opener:
            found = yield from _element(cursor, opener, toolbox)
        elif cursor.stands_at("{["):
            found = yield from _json_calls(cursor, toolbox)
        else:
            found = _single((yield from _keyed(cursor, toolbox, demands_arguments=False)))
        if found is None:
            return None
        calls.extend(found)


def _single(call: Call | None) -> Found:
    return None if call is None else (call,)


def _json_calls(cursor: Cursor, toolbox: Toolbox) -> Reading[Found]:
    objects = CallObjects(toolbox, marked=True)
    text = yield from json_text(cursor, objects.admits)
    return (objects.read(text) or None) if text is not None else None


def _element(cursor: Cursor, opener: str, toolbox: Toolbox) -> Reading[Found]:
    """A tag with a name, its parameters or one JSON object, and its closing tag."""
    name = yield from _name_in_tag(cursor)
    if name not in toolbox:
        return None
    yield from skip_space(cursor)
    closer = _ELEMENTS[opener]
    if cursor.stands_at("{"):
        return (yield from _json_body(cursor, name, closer, toolbox))
    texts = yield from _parameters(cursor, closer)
    return None if texts is None else _single(call_with_texts(name, texts, toolbox))


def _json_body(cursor: Cursor, name: str, closer: str, toolbox: Toolbox) -> Reading[Found]:
    text = yield from json_text(cursor, anything)
    if text is None:
        return None
    yield from skip_space(cursor)
    if not (yield from accept(cursor, (closer,))):
        return None
    return _single(CallObjects(toolbox, marked=True).call(name, text))


def _parameters(cursor: Cursor, closer: str) -> Reading[list[tuple[str, str]] | None]:
    """Names and texts up to the closing tag. A value may hold closing tags that no parameter follows."""
    texts: list[tuple[str, str]] = []
    while (opener := (yield from accept(cursor, (*_PARAMETERS, closer)))) != closer:
        key = (yield from _name_in_tag(cursor)) if opener else ""
        value = (yield from _value(cursor, closer)) if key else None
        if value is None:
            return None
        texts.append((key, value))
    return texts


def _value(cursor: Cursor, closer: str) -> Reading[str | None]:
    """Reads on to the next parameter or to the closing tag, without reading that."""
    pieces: list[str] = []
    while (piece := (yield from up_to(cursor, "</parameter>"))) is not None:
        pieces.append(piece)
        after = cursor.offset
        yield from skip_space(cursor)
        here = cursor.offset
        if (yield from accept(cursor, (*_PARAMETERS, closer))):
            cursor.go_to(here)
            return "</parameter>".join(pieces)
        cursor.go_to(after)
    return None


def _name_in_tag(cursor: Cursor) -> Reading[str]:
    """The name, quoted or not, and the end of the tag; empty when there is none."""
    quote = yield from accept(cursor, ('"', "'"))
    name = yield from run_of(cursor, _NAME)
    if quote and not (yield from accept(cursor, (quote,))):
        return ""
    yield from run_of(cursor, _SPACE_WITHIN)
    closed = yield from accept(cursor, (">",))
    return name if closed and len(name) <= _LONGEST_NAME else ""


def _nested(cursor: Cursor, toolbox: Toolbox) -> Reading[Call | None]:
    """``<name>NAME</name><arguments>…</arguments>``, the arguments as JSON or as a tag for each."""
    name = ((yield from up_to(cursor, "</name>")) or "").strip()
    if name not in toolbox:
        return None
    yield from skip_space(cursor)
    opener = yield from accept(cursor, _NESTED_ARGUMENTS)
    if not opener:
        return None
    body = yield from up_to(cursor, f"</{opener[1:]}")
    if body is None:
        return None
    if body.strip().startswith("{"):
        return CallObjects(toolbox, marked=True).call(name, body)
    texts = _tags_as_texts(body)
    return None if texts is None else call_with_texts(name, texts, toolbox)


_TAG_WITH_TEXT = re.compile(r"\s*<([A-Za-z_][\w.-]*)>(.*?)</\1>\s*", re.DOTALL)


def _tags_as_texts(body: str) -> list[tuple[str, str]] | None:
    texts: list[tuple[str, str]] = []
    position = 0
    while position < len(body) and (match := _TAG_WITH_TEXT.match(body, position)):
        texts.append((match[1], match[2]))
        position = match.end()
    return texts if not body[position:].strip() else None


def _keyed(cursor: Cursor, toolbox: Toolbox, *, demands_arguments: bool) -> Reading[Call | None]:
    """GLM's form: a name, then keys and values in tags of their own."""
    name = yield from _known_name(cursor, toolbox)
    if not name:
        return None
    texts: list[tuple[str, str]] = []
    yield from skip_space(cursor)
    while (yield from accept(cursor, ("<arg_key>",))):
        key = yield from up_to(cursor, "</arg_key>")
        yield from skip_space(cursor)
        opened = yield from accept(cursor, ("<arg_value>",))
        value = (yield from up_to(cursor, "</arg_value>")) if opened else None
        if key is None or value is None:
            return None
        texts.append((key.strip(), value))
        yield from skip_space(cursor)
    if not texts and (demands_arguments or toolbox.demands_arguments(name)):
        return None
    return call_with_texts(name, texts, toolbox)


def _known_name(cursor: Cursor, toolbox: Toolbox) -> Reading[str]:
    """The name of a tool, given up at the first letter that no tool's name has there."""
    begun = cursor.offset
    while (yield from waits(cursor)) and _NAME.fullmatch(cursor.text[cursor.position]):
        cursor.position += 1
        if not toolbox.begins_a_name(cursor.since(begun)):
            return ""
    name = cursor.since(begun)
    return name if name in toolbox else ""
