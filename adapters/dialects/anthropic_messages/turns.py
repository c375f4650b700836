"""
Arranges messages as this dialect wants them: turns that alternate, each result right after its call.

The rules are those of docs.anthropic.com/en/docs/agents-and-tools/tool-use: all results of a turn's calls
stand first in the next user turn, every call has one, and ids are unique and of ``[A-Za-z0-9_-]``.
"""

import re
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from adapters.dialects.anthropic_messages.blocks import Block, blocks_of
from adapters.dialects.anthropic_messages.words import own
from domain.conversation.request import Message, Role

_WIRE_ROLES = {
    Role.SYSTEM: "user",
    Role.DEVELOPER: "user",
    Role.USER: "user",
    Role.TOOL: "user",
    Role.ASSISTANT: "assistant",
}
_FORBIDDEN_IN_ID = re.compile(r"[^A-Za-z0-9_-]")
_INTERRUPTED = "The call was interrupted: it has no result."


_Calls: TypeAlias = list[tuple[str, str]]
"""The calls of a turn in order: the id that was given, and the one on the wire."""


@dataclass(slots=True)
class _Turn:
    role: str
    blocks: list[Block]
    extra: dict[str, Any] = field(default_factory=dict)


def turns_of(messages: Sequence[Message], first_index: int, *, at_home: bool) -> list[Block]:
    """
    The value of ``messages``.

    Args:
        messages: without the instructions that lead.
        first_index: where the first of them stands in the conversation, for errors.
        at_home: the messages came in this dialect; instructions between turns then keep their role.

    Raises:
        MalformedRequest: a part cannot be said in this dialect.
    """
    turns: list[_Turn] = []
    for index, message in enumerate(messages, first_index):
        _append(turns, _turn(message, f"messages[{index}].content", at_home=at_home))
    paired = _paired(turns)
    return [{"role": turn.role, "content": turn.blocks, **turn.extra} for turn in paired if turn.blocks]


def _turn(message: Message, path: str, *, at_home: bool) -> _Turn:
    role = "system" if at_home and message.role is Role.SYSTEM else _WIRE_ROLES[message.role]
    return _Turn(role, blocks_of(message.parts, path, at_home=at_home), dict(own(message.extensions)))


def _append(turns: list[_Turn], turn: _Turn) -> None:
    """Joins what one side says in a row into one turn."""
    last = turns[-1] if turns else None
    if not turn.blocks:
        return
    if last is not None and last.role == turn.role and not turn.extra:
        last.blocks += turn.blocks
    else:
        turns.append(turn)


def _paired(turns: list[_Turn]) -> list[_Turn]:
    """The turns with every call answered in the turn that follows it, and no result without its call."""
    ids = _Ids()
    paired: list[_Turn] = []
    calls: _Calls = []
    for turn in turns:
        if turn.role == "system":
            paired.append(turn)
            continue
        if calls and turn.role == "assistant":
            paired.append(_Turn("user", _answered(calls, [])))
        if turn.role == "assistant":
            calls = ids.renamed(turn.blocks)
            paired.append(turn)
        else:
            paired.append(_Turn("user", _answered(calls, turn.blocks), turn.extra))
            calls = []
    return [*paired, _Turn("user", _answered(calls, []))]


def _answered(calls: _Calls, blocks: list[Block]) -> list[Block]:
    """A user turn: the results in the order of the calls, then the rest."""
    if not calls and not any(block["type"] == "tool_result" for block in blocks):
        return blocks
    asked = Counter([given for given, _ in calls])
    results: defaultdict[str, deque[Block]] = defaultdict(deque)
    rest: list[Block] = []
    for block in blocks:
        if block["type"] != "tool_result":
            rest.append(block)
        elif asked[block["tool_use_id"]] > len(results[block["tool_use_id"]]):
            results[block["tool_use_id"]].append(block)
        else:
            rest += _orphan(block)
    answers = [
        {**(results[given].popleft() if results[given] else _interrupted()), "tool_use_id": wire_id}
        for given, wire_id in calls
    ]
    return answers + rest


def _interrupted() -> Block:
    return {"type": "tool_result", "content": _INTERRUPTED, "is_error": True}


def _orphan(result: Block) -> list[Block]:
    """A result whose call is gone, as content of its own."""
    content = result.get("content", [])
    label = f"Result of the tool call {result['tool_use_id']}, which is no longer part of this conversation:"
    if isinstance(content, str):
        return [{"type": "text", "text": f"{label}\n{content}"}]
    return [{"type": "text", "text": label}, *content]


class _Ids:
    """Call ids that this dialect accepts; some servers write dots and colons, or begin at 0 in each turn."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def renamed(self, blocks: list[Block]) -> _Calls:
        """Gives the calls among these blocks their ids."""
        calls: _Calls = []
        for block in blocks:
            if block["type"] == "tool_use":
                given, block["id"] = block["id"], self._unique(block["id"])
                calls.append((given, block["id"]))
        return calls

    def _unique(self, given: str) -> str:
        plain = _FORBIDDEN_IN_ID.sub("_", given) or "toolu"
        wire_id, copies = plain, 1
        while wire_id in self._taken:
            copies += 1
            wire_id = f"{plain}_{copies}"
        self._taken.add(wire_id)
        return wire_id
