"""
The calls that models write behind special tokens, where a server lets the tokens through as text.

Mistral: ``[TOOL_CALLS][{"name": …}]`` or ``[TOOL_CALLS]NAME[ARGS]{…}``; Llama 3: ``<|python_tag|>{"name":
…}``; Kimi K2:
``<|tool_call_begin|>functions.NAME:0<|tool_call_argument_begin|>{…}<|tool_call_end|>``; DeepSeek V3:
``<｜tool▁call▁begin｜>NAME<｜tool▁sep｜>{…}<｜tool▁call▁end｜>``.
"""

import re

from domain.repair.call_objects import CallObjects, bare_name
from domain.repair.json_text import anything, json_text
from domain.repair.reading import Cursor, Reading, accept, run_of, skip_space, up_to
from domain.repair.tagged_calls import Found
from domain.repair.toolbox import Toolbox

_MISTRAL = "[TOOL_CALLS]"
_LLAMA = "<|python_tag|>"
_KIMI, _KIMI_END = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"
_KIMI_CALL, _KIMI_ARGUMENTS, _KIMI_CALL_END = (
    "<|tool_call_begin|>",
    "<|tool_call_argument_begin|>",
    "<|tool_call_end|>",
)
_DEEPSEEK, _DEEPSEEK_END = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
_DEEPSEEK_CALL, _DEEPSEEK_NAME_END, _DEEPSEEK_CALL_END = (
    "<｜tool▁call▁begin｜>",
    "<｜tool▁sep｜>",
    "<｜tool▁call▁end｜>",
)
_NAME = re.compile(r"[\w.:-]*")
_COUNTED = re.compile(r"(.+):\d+")

TOKEN_OPENERS = (_MISTRAL, _LLAMA, _KIMI, _KIMI_CALL, _DEEPSEEK, _DEEPSEEK_CALL)


def token_calls(cursor: Cursor, opener: str, toolbox: Toolbox) -> Reading[Found]:
    """The calls behind ``opener``, just read."""
    if opener == _MISTRAL:
        return (yield from _mistral(cursor, toolbox))
    if opener == _LLAMA:
        return (yield from _objects(cursor, toolbox))
    if opener in (_KIMI, _DEEPSEEK):
        return (yield from _section(cursor, opener, toolbox))
    return (yield from _delimited(cursor, opener, toolbox))


def _objects(cursor: Cursor, toolbox: Toolbox) -> Reading[Found]:
    yield from skip_space(cursor)
    if not cursor.stands_at("{["):
        return None
    objects = CallObjects(toolbox, marked=True)
    text = yield from json_text(cursor, objects.admits)
    return (objects.read(text) or None) if text is not None else None


def _mistral(cursor: Cursor, toolbox: Toolbox) -> Reading[Found]:
    yield from skip_space(cursor)
    name = yield from run_of(cursor, _NAME)
    if not name:
        return (yield from _objects(cursor, toolbox))
    if name not in toolbox:
        return None
    if (yield from accept(cursor, ("[CALL_ID]",))):
        yield from run_of(cursor, _NAME)
    yield from accept(cursor, ("[ARGS]",))
    return (yield from _arguments(cursor, name, toolbox))


def _section(cursor: Cursor, opener: str, toolbox: Toolbox) -> Reading[Found]:
    """Calls up to the token that ends them all."""
    one, end = (_KIMI_CALL, _KIMI_END) if opener == _KIMI else (_DEEPSEEK_CALL, _DEEPSEEK_END)
    calls: Found = ()
    while calls is not None:
        yield from skip_space(cursor)
        found = yield from accept(cursor, (one, end))
        if found == end:
            return calls
        more = (yield from _delimited(cursor, one, toolbox)) if found else None
        calls = None if more is None else (*calls, *more)
    return None


def _delimited(cursor: Cursor, opener: str, toolbox: Toolbox) -> Reading[Found]:
    """One call with a token before its name, one before its arguments and one at its end."""
    kimi = opener == _KIMI_CALL
    name = yield from _name_up_to(cursor, _KIMI_ARGUMENTS if kimi else _DEEPSEEK_NAME_END, toolbox)
    if name == "function" and not kimi:
        return (yield from _fenced_arguments(cursor, toolbox))
    call = (yield from _arguments(cursor, name, toolbox)) if name else None
    yield from skip_space(cursor)
    ended = yield from accept(cursor, (_KIMI_CALL_END if kimi else _DEEPSEEK_CALL_END,))
    return call if ended else None


def _name_up_to(cursor: Cursor, token: str, toolbox: Toolbox) -> Reading[str]:
    yield from skip_space(cursor)
    name = yield from run_of(cursor, _NAME)
    yield from skip_space(cursor)
    if not (yield from accept(cursor, (token,))):
        return ""
    counted = _COUNTED.fullmatch(name)
    name = bare_name(counted[1] if counted else name, toolbox)
    return name if name in toolbox or name == "function" else ""


def _fenced_arguments(cursor: Cursor, toolbox: Toolbox) -> Reading[Found]:
    """The form of DeepSeek V3 and R1: the kind, then the name on a line, then the arguments in a fence."""
    name = ((yield from up_to(cursor, "\n")) or "").strip()
    fenced = (yield from accept(cursor, ("```json\n",))) if name in toolbox else ""
    call = (yield from _arguments(cursor, name, toolbox)) if fenced else None
    yield from skip_space(cursor)
    if call is None or not (yield from accept(cursor, ("```",))):
        return None
    yield from skip_space(cursor)
    return call if (yield from accept(cursor, (_DEEPSEEK_CALL_END,))) else None


def _arguments(cursor: Cursor, name: str, toolbox: Toolbox) -> Reading[Found]:
    yield from skip_space(cursor)
    if not cursor.stands_at("{"):
        return None
    text = yield from json_text(cursor, anything)
    call = CallObjects(toolbox, marked=True).call(name, text) if text is not None else None
    return None if call is None else (call,)
