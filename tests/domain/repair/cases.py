"""The corpus: answers that are calls, answers that only speak of them, and what has to become of each."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from domain.conversation.reply import (
    Finished,
    PartEnded,
    ReplyEvent,
    StopReason,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from domain.conversation.request import Tool
from domain.repair.tool_calls import ToolCallRepair

CORPUS = Path(__file__).with_name("corpus")
TOOLS = tuple(
    Tool(name=name, parameters=schema)
    for name, schema in yaml.safe_load((CORPUS / "tools.yaml").read_text("utf-8")).items()
)


@dataclass(frozen=True, slots=True)
class Case:
    """
    An answer's text, the calls to be found in it (name and arguments), and the text that must remain.

    ``missed`` marks a call that is known to be taken for prose; it counts against the recall.
    """

    name: str
    text: str
    calls: tuple[tuple[str, Any], ...]
    rest: str
    json_wanted: bool = False
    missed: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Told:
    """What came out for an answer."""

    calls: tuple[tuple[str, Any], ...]
    text: str
    reason: str


def calls() -> list[Case]:
    """Answers that hold calls."""
    return list(_cases("calls"))


def prose() -> list[Case]:
    """Answers that hold none: written for the purpose, by a small model, and in others' documentation."""
    return [*_cases("prose"), *_cases("quoted")]


def told(case: Case, deltas: Iterable[str]) -> Told:
    repair = ToolCallRepair(TOOLS, json_wanted=case.json_wanted)
    events = [event for delta in deltas for event in repair.feed((TextDelta(delta),))]
    events += repair.feed((PartEnded(),))
    events += repair.feed((Finished(StopReason.END_TURN),))
    return gathered([*events, *repair.close()])


def gathered(events: Iterable[ReplyEvent]) -> Told:
    text: list[str] = []
    names: list[str] = []
    arguments: list[str] = []
    reason = ""
    for event in events:
        match event:
            case TextDelta(words):
                text.append(words)
            case ToolCallStarted(call=call, name=name):
                assert call == len(names)
                names.append(name)
            case ToolCallDelta(arguments=words):
                arguments.append(words)
            case Finished(reason=word):
                reason = word
            case _:
                pass
    found = zip(names, map(json.loads, arguments), strict=True)
    return Told(tuple(found), "".join(text), reason)


def expected(case: Case) -> Told:
    reason = StopReason.TOOL_CALLS if case.calls else StopReason.END_TURN
    return Told(case.calls, case.rest, reason)


def _cases(folder: str) -> Iterator[Case]:
    for path in sorted((CORPUS / folder).glob("*.yaml")):
        for entry in yaml.safe_load(path.read_text("utf-8")):
            yield _case(path.stem, entry)


def _case(family: str, entry: dict[str, Any]) -> Case:
    found = tuple((name, arguments) for call in entry.get("calls", ()) for name, arguments in call.items())
    return Case(
        name=f"{family}: {entry['name']}",
        text=entry["text"],
        calls=found,
        rest=entry.get("rest", "") if found else entry["text"],
        json_wanted=entry.get("json_wanted", False),
        missed=entry.get("missed", False),
    )
